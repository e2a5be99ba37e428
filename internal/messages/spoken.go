package messages

import (
	"slices"
	"strings"
	"time"
)

// An iPhone says its tapbacks in words to telephones without iMessage: Liked “see you”. Such words are a reaction if they
// fit exactly one recent message of the conversation.

const (
	recentMessages = 100
	recentTime     = int64(30 * 24 * time.Hour)
)

// spokenWords are the ways in which the reactions are said, before a quote.
var spokenWords = []struct{ said, reaction string }{
	{"Loved ", "Loved"}, {"Liked ", "Liked"}, {"Disliked ", "Disliked"}, {"Laughed at ", "Laughed"}, {"Emphasized ", "Emphasized"},
	{"Emphasised ", "Emphasized"}, {"Questioned ", "Questioned"},
	{"Le encantó ", "Loved"}, {"Le gustó ", "Liked"}, {"Le dio risa ", "Laughed"}, {"Le pareció gracioso ", "Laughed"}, {"Exclamó por ", "Emphasized"}, {"Enfatizó ", "Emphasized"}, {"Dudó sobre ", "Questioned"},
	{"A attribué la mention « Adore » à ", "Loved"}, {"A attribué la mention « J’aime » à ", "Liked"}, {"A attribué la mention « Je n’aime pas » à ", "Disliked"},
	{"A adoré ", "Loved"}, {"A aimé ", "Liked"}, {"N’a pas aimé ", "Disliked"}, {"A ri de ", "Laughed"},
}

// spokenRemovals are the ways in which it is said that a reaction was taken back.
var spokenRemovals = []struct{ said, reaction string }{
	{"Removed a heart from ", "Loved"}, {"Removed a like from ", "Liked"}, {"Removed a dislike from ", "Disliked"}, {"Removed a laugh from ", "Laughed"},
	{"Removed an exclamation from ", "Emphasized"}, {"Removed a question mark from ", "Questioned"},
}

// spokenEmoji are the words around an emoji.
var spokenEmoji = []struct{ before, after string }{{"Reacted ", " to "}, {"Reaccionó con ", " a "}, {"A réagi avec ", " à "}}

// spokenThings are the words for what has no words itself.
var spokenThings = map[string]Kind{
	"an image": Image, "a photo": Image, "a movie": Video, "a video": Video, "an audio message": Audio, "una imagen": Image, "une image": Image,
}

// spokenQuotes are the marks around a quoted message.
var spokenQuotes = []struct{ open, close string }{{"“", "”"}, {"\"", "\""}, {"« ", " »"}, {"«\u00a0", "\u00a0»"}, {"«\u202f", "\u202f»"}}

// spokenReaction is a reaction in words.
type spokenReaction struct {
	reaction string
	words    string // of the message
	cut      bool   // words are its beginning
	kind     Kind   // of a message without words
	removal  bool   // it was taken back
}

// parseSpoken reads a reaction in words.
func parseSpoken(text string) (s spokenReaction, is bool) {
	rest := ""
	for _, w := range spokenWords {
		if after, found := strings.CutPrefix(text, w.said); found {
			s.reaction, rest = w.reaction, after
		}
	}
	for _, w := range spokenRemovals {
		if after, found := strings.CutPrefix(text, w.said); found {
			s.reaction, s.removal, rest = w.reaction, true, after
		}
	}
	for _, w := range spokenEmoji {
		if after, found := strings.CutPrefix(text, w.before); found {
			if emoji, after, found := strings.Cut(after, w.after); found && isEmoji(emoji) {
				s.reaction, rest = emoji, after
			}
		}
	}
	if s.reaction == "" {
		return s, false
	}
	if kind, known := spokenThings[rest]; known {
		s.kind = kind
		return s, true
	}
	for _, q := range spokenQuotes {
		words, opened := strings.CutPrefix(rest, q.open)
		if words, closed := strings.CutSuffix(words, q.close); opened && closed && words != "" {
			s.words, s.cut = strings.CutSuffix(words, "…")
			return s, strings.TrimSpace(s.words) != ""
		}
	}
	return s, false
}

// isEmoji reports whether a text may be an emoji: it is short and has no letters.
func isEmoji(text string) bool {
	const longest = 40
	return text != "" && len(text) <= longest && !strings.ContainsFunc(text, func(c rune) bool { return c < 0x80 && c != '#' && c != '*' && (c < '0' || c > '9') })
}

// fits reports whether a message is one that the reaction may be to.
func (s *spokenReaction) fits(m *WindowMessage) bool {
	if s.words == "" {
		return m.Kind == s.kind
	}
	words := strings.TrimSpace(m.Text)
	return m.Kind == Text && (words == strings.TrimSpace(s.words) && !s.cut || s.cut && (strings.HasPrefix(words, s.words) || words == s.words+"…"))
}

// spokenReactions turns reactions in words into reactions. It holds the last ones back, with what follows them, for they may be
// taken back.
type spokenReactions struct {
	recent []placedMessage // a ring
	next   int
	held   []placedMessage // the first is a reaction in words
	yield  func(*placedMessage) error
}

func newSpokenReactions(yield func(*placedMessage) error) *spokenReactions {
	return &spokenReactions{yield: yield}
}

// add takes the next message of the conversation.
func (s *spokenReactions) add(m *placedMessage) error {
	spoken := false
	if m.Kind == Text && !m.Replies && m.stream.speaks {
		if reaction, is := parseSpoken(m.Text); is {
			if target := s.only(&reaction, m.Date); target != nil {
				if reaction.removal && s.takeBack(&reaction, m.Sender, target.id) {
					return nil
				}
				if spoken = !reaction.removal; spoken {
					m.Kind, m.Text = Reaction, reaction.reaction
					m.Replies, m.QuotedKind, m.QuotedText, m.target = true, target.Kind, target.Text, target.id
				}
			}
		}
	}
	if m.Kind != Reaction {
		s.remember(m)
	}
	if len(s.held) == 0 && !spoken {
		return s.yield(m)
	}
	s.held = append(s.held, *m)
	return s.release(recentMessages)
}

// takeBack drops a reaction that is held back, and reports whether there is one.
func (s *spokenReactions) takeBack(removed *spokenReaction, sender string, target int64) bool {
	for i := len(s.held) - 1; i >= 0; i-- {
		if h := &s.held[i]; h.target == target && h.Sender == sender && h.Text == removed.reaction {
			s.held = slices.Delete(s.held, i, i+1)
			return true
		}
	}
	return false
}

// release yields what is held back except for the last messages, of which the first is a reaction in words.
func (s *spokenReactions) release(most int) error {
	n := 0
	for n < len(s.held) && (len(s.held)-n > most || s.held[n].target == 0) {
		if err := s.yield(&s.held[n]); err != nil {
			return err
		}
		n++
	}
	s.held = slices.Delete(s.held, 0, n)
	return nil
}

// flush yields the rest.
func (s *spokenReactions) flush() error { return s.release(0) }

func (s *spokenReactions) remember(m *placedMessage) {
	if len(s.recent) < recentMessages {
		s.recent = append(s.recent, *m)
		return
	}
	s.recent[s.next] = *m
	s.next = (s.next + 1) % recentMessages
}

// only returns the only recent message that a reaction may be to, nil if there is none, or are several.
func (s *spokenReactions) only(reaction *spokenReaction, date int64) *placedMessage {
	var found *placedMessage
	for i := range s.recent {
		m := &s.recent[i]
		if date-m.Date > recentTime || !reaction.fits(&m.WindowMessage) {
			continue
		}
		if found != nil {
			return nil
		}
		found = m
	}
	return found
}

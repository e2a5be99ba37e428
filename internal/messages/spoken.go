package messages

import (
	"strings"
	"time"
)

// An iPhone says its tapbacks in words to telephones without iMessage: Liked “see you”. Such words are a reaction if they
// fit exactly one recent message of the conversation.

const (
	recentMessages = 100
	recentTime     = int64(30 * 24 * time.Hour)
)

// spokenWords are the ways in which the reactions are said.
var spokenWords = []struct{ said, reaction string }{
	{"Loved", "Loved"}, {"Liked", "Liked"}, {"Disliked", "Disliked"}, {"Laughed at", "Laughed"}, {"Emphasized", "Emphasized"},
	{"Emphasised", "Emphasized"}, {"Questioned", "Questioned"},
	{"Le encantó", "Loved"}, {"Le gustó", "Liked"}, {"Le dio risa", "Laughed"}, {"Exclamó por", "Emphasized"}, {"Dudó sobre", "Questioned"},
	{"A adoré", "Loved"}, {"A aimé", "Liked"}, {"N’a pas aimé", "Disliked"}, {"A ri de", "Laughed"},
}

// spokenEmoji are the words around an emoji.
var spokenEmoji = []struct{ before, after string }{{"Reacted ", " to"}, {"Reaccionó con ", " a"}, {"A réagi avec ", " à"}}

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
}

// parseSpoken reads a reaction in words.
func parseSpoken(text string) (s spokenReaction, is bool) {
	rest := ""
	for _, w := range spokenWords {
		if after, found := strings.CutPrefix(text, w.said+" "); found {
			s.reaction, rest = w.reaction, after
		}
	}
	for _, w := range spokenEmoji {
		if after, found := strings.CutPrefix(text, w.before); found {
			if emoji, after, found := strings.Cut(after, w.after+" "); found && isEmoji(emoji) {
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

// spokenReactions turns reactions in words into reactions.
type spokenReactions struct {
	sources map[int64]string
	recent  []WindowMessage // a ring
	next    int
	yield   func(*WindowMessage) error
}

func newSpokenReactions(sources map[int64]string, yield func(*WindowMessage) error) *spokenReactions {
	return &spokenReactions{sources: sources, yield: yield}
}

// add takes the next message of the conversation.
func (s *spokenReactions) add(m *placedMessage) error {
	if m.Kind == Text && !m.Replies && s.mayBeSpoken(m) {
		if reaction, is := parseSpoken(m.Text); is {
			if target := s.only(&reaction, m.Date); target != nil {
				m.Kind, m.Text = Reaction, reaction.reaction
				m.Replies, m.QuotedKind, m.QuotedText = true, target.Kind, target.Text
			}
		}
	}
	if m.Kind != Reaction {
		s.remember(&m.WindowMessage)
	}
	return s.yield(&m.WindowMessage)
}

// mayBeSpoken reports whether a message was sent by a program that says reactions in words.
func (s *spokenReactions) mayBeSpoken(m *placedMessage) bool {
	switch program(s.sources[m.chat.source]) {
	case "whatsapp", "telegram", "signal", "discord":
		return false
	}
	return true
}

func (s *spokenReactions) remember(m *WindowMessage) {
	if len(s.recent) < recentMessages {
		s.recent = append(s.recent, *m)
		return
	}
	s.recent[s.next] = *m
	s.next = (s.next + 1) % recentMessages
}

// only returns the only recent message that a reaction may be to, nil if there is none, or are several.
func (s *spokenReactions) only(reaction *spokenReaction, date int64) *WindowMessage {
	var found *WindowMessage
	for i := range s.recent {
		m := &s.recent[i]
		if date-m.Date > recentTime || !reaction.fits(m) {
			continue
		}
		if found != nil {
			return nil
		}
		found = m
	}
	return found
}

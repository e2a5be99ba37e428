package imessageexporter

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/imessage/tapback"
)

// entry is a message, or a notice.
type entry struct {
	line      int
	guid      string // Apple's, "" in text
	date      string
	from      string
	sent      bool // by the owner, as a page says
	notice    bool
	deleted   bool // it was recently deleted
	unsent    bool // part of it was
	answers   bool // it answers an earlier message
	pieces    []piece
	reactions []reaction
	answered  []entry // the answers below it
}

// piece is a part of a message: words, or an attachment.
type piece struct {
	kind       messages.Kind
	text       string
	path       string // of an attachment; its name if the file is missing
	transcript string
	missing    bool // an attachment that is not named
	versions   []version
}

// version is a text of an edited message. The first has a date, the others how long after the one before they were written.
type version struct {
	date, later, text string
}

// reaction is a tapback.
type reaction struct {
	emoji string // "" for a sticker
	by    string
}

// timeForm is the form of a time without the spaces that pad it.
const timeForm = "Jan 2, 2006 3:04:05 PM"

// timeLength is the length of a time such as "May 17, 2022  5:29:42 PM".
const timeLength = len("May 17, 2022  5:29:42 PM")

// cutTime cuts the time that a line begins with.
func cutTime(line string) (date, rest string, is bool) {
	if len(line) < timeLength || line[6] != ',' || line[3] != ' ' || line[15] != ':' || line[18] != ':' || line[21] != ' ' || line[23] != 'M' {
		return "", "", false
	}
	date, rest = line[:timeLength], line[timeLength:]
	if rest != "" && rest[0] != ' ' {
		return "", "", false
	}
	return date, rest, true
}

// began is the year of the first iPhone.
const began = 2007

// parseTime parses a time.
func parseTime(date string, zone *time.Location) (time.Time, error) {
	return time.ParseInLocation(timeForm, strings.Join(strings.Fields(date), " "), zone)
}

// isReceipt reports whether the rest of a line with a time says when a message was read.
func isReceipt(rest string) bool {
	return strings.HasPrefix(rest, " (Read by ") && strings.HasSuffix(rest, ")")
}

// The endings of notices, which follow the name of a person.
var noticeEndings = []string{" left the conversation.", " changed the group photo.", " removed the group photo.", " changed the chat background.", " removed the chat background.",
	" kept an audio message.", " unsent a message.", " unsent a message!"}

// isNotice reports whether the rest of a line with a time is a notice.
func isNotice(rest string) bool {
	if rest == "" {
		return false
	}
	if slices.ContainsFunc(noticeEndings, func(ending string) bool { return strings.HasSuffix(rest, ending) }) {
		return true
	}
	return strings.Contains(rest, " named the conversation ") || strings.Contains(rest, " renamed the conversation to ") || strings.Contains(rest, " added ") && strings.HasSuffix(rest, " to the conversation.") ||
		strings.Contains(rest, " removed ") && strings.HasSuffix(rest, " from the conversation.") || strings.Contains(rest, " performed unknown action ")
}

// Sentences that imessage-exporter writes for what is not text.
const (
	answersNote = "This message responded to an earlier message."
	deletedNote = "This message was deleted from the conversation!"
	missingNote = "Attachment missing!"
	transcript  = "Transcription: "
	translated  = "Translated from:"
)

// effects are the sentences about the effects that a message was sent with.
var effects = func() map[string]bool {
	all := map[string]bool{}
	for _, name := range strings.Split("Confetti,Echo,Fireworks,Balloons,Heart,Lasers,Shooting Star,Shooting Start,Sparkles,Spotlight,Slam,Loud,Gentle,Invisible Ink", ",") {
		all["Sent with "+name] = true
	}
	return all
}()

// unsentNote matches the sentence about a part that was unsent.
var unsentNote = regexp.MustCompile(`^.{1,200} unsent this message part(?: .{1,100} after sending)?!$`)

// stickerNote matches the line for a sticker: its sender, its file, and what it shows or the app it is from.
var stickerNote = regexp.MustCompile(`^(?:[A-Z][a-z]+ )?Sticker from (.{1,200}?): (.+?)(?: \((App|Genmoji prompt): (.+)\))?$`)

// parseReaction parses a line such as "Loved by John".
func parseReaction(line string) (r reaction, is bool) {
	line = strings.TrimSpace(line)
	if sticker := stickerNote.FindStringSubmatch(line); sticker != nil {
		return reaction{by: sticker[1]}, true
	}
	if rest, found := strings.CutPrefix(line, "Sticker from "); found {
		if by, found := strings.CutSuffix(rest, " not found!"); found {
			return reaction{by: by}, true
		}
	}
	emoji, by, found := strings.Cut(line, " by ")
	if !found || by == "" || tapback.Type(emoji) == 0 && !isEmoji(emoji) {
		return r, false
	}
	return reaction{emoji, by}, true
}

// isEmoji reports whether a text consists of characters beyond those that words have.
func isEmoji(text string) bool {
	for _, c := range text {
		if c < 0x203c && c != 0xa9 && c != 0xae && c != 0x200d && c != '#' && c != '*' && (c < '0' || c > '9') {
			return false
		}
	}
	return text != ""
}

// parseLater parses how long after another a version was written: "1 hour, 49 seconds".
func parseLater(text string) (d time.Duration) {
	units := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	for _, part := range strings.Split(text, ", ") {
		number, unit, _ := strings.Cut(part, " ")
		n, _ := time.ParseDuration(number + "h")
		d += time.Duration(n.Hours()) * units[strings.TrimSuffix(unit, "s")]
	}
	return d
}

// words returns what a message says, for its identifier.
func (m *entry) words() string {
	var all []string
	for _, p := range m.pieces {
		all = append(all, p.text+p.path+p.transcript)
	}
	return strings.Join(all, "\n")
}

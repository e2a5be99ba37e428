package telegram

import (
	"strings"

	"ventriloquist/internal/sources"
)

// Exports in HTML have no identifiers of chats. Their chats have keys of this form; one that was collected from JSON before keeps the
// key that it has there, and the other way around.
const (
	// Prefix begins the names of the sources of this format; the chat's key follows.
	Prefix = "telegram "
	// HTMLKey begins the keys of chats that were collected from HTML only; the chat's name follows.
	HTMLKey = "html:"
)

// GUID returns the identifier of a message in a chat.
func GUID(key, id string) string { return sources.Hashed("telegram", key, id) }

// ReactionGUID returns the identifier of a reaction to a message.
func ReactionGUID(key, id, by, emoji string) string {
	return sources.Hashed("telegram", key, id, by, emoji)
}

// Samples are messages spread evenly over a chat.
type Samples struct {
	list   []sample
	stride int
	next   int // messages until the next sample
}

type sample struct{ id, text string }

const (
	mostSamples = 64
	longestText = 1 << 10 // longer texts are not compared
)

// Add takes the next message of the chat.
func (s *Samples) Add(id, text string) {
	if s.next > 0 {
		s.next--
		return
	}
	if len(s.list) == mostSamples {
		for i := range mostSamples / 2 {
			s.list[i] = s.list[2*i]
		}
		s.list, s.stride = s.list[:mostSamples/2], 2*s.stride+1
	}
	if len(text) > longestText {
		text = ""
	}
	s.list = append(s.list, sample{strings.Clone(id), strings.Clone(text)})
	s.next = s.stride
}

// BeginLike reports whether two chats begin with the same message.
func (s *Samples) BeginLike(other *Samples) bool {
	return len(s.list) > 0 && len(other.list) > 0 && s.list[0] == other.list[0]
}

// Identify returns the key under which a chat was collected before, by the messages that it has in common with the chats whose keys
// begin with prefix or are own; "" if it was not.
func (s *Samples) Identify(sink sources.Sink, prefix, own string) (key string, err error) {
	best := 0
	candidates := append([]string{Prefix + own}, sink.Collected(Prefix+prefix)...)
	for i, source := range candidates {
		if i > 0 && source == candidates[0] {
			continue
		}
		n, err := s.common(sink, source)
		if err != nil {
			return "", err
		}
		if n > best {
			best, key = n, strings.TrimPrefix(source, Prefix)
		}
		if n == len(s.list) && n > 0 {
			break
		}
	}
	return key, nil
}

// probes are how many samples are looked up first.
const probes = 16

// common returns how many of the samples a source has; 0 if it has them under other texts: groups number their messages alike.
func (s *Samples) common(sink sources.Sink, source string) (n int, err error) {
	key := strings.TrimPrefix(source, Prefix)
	look := func(list []sample) (n int, texts map[string]bool, err error) {
		var guids []string
		for _, m := range list {
			guids = append(guids, GUID(key, m.id))
		}
		held, err := sink.Holds(source, guids)
		texts = map[string]bool{}
		for i := range held {
			if !held[i] {
				continue
			}
			if n++; list[i].text != "" {
				texts[list[i].text] = true
			}
		}
		return n, texts, err
	}
	some := make([]sample, 0, probes)
	for i := 0; i < len(s.list); i += 1 + len(s.list)/probes {
		some = append(some, s.list[i])
	}
	if n, _, err := look(some); n == 0 || err != nil {
		return 0, err
	}
	n, texts, err := look(s.list)
	if err != nil || len(texts) == 0 {
		return n, err
	}
	same, err := sink.HoldsTexts(source, texts)
	if err != nil || 2*same < len(texts) {
		return 0, err
	}
	return n, nil
}

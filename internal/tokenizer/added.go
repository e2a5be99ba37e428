package tokenizer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An addedToken is cut out of the text before anything else happens to it.
type addedToken struct {
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // only if not next to a word character
	LStrip     bool   `json:"lstrip"`      // includes white space before it
	RStrip     bool   `json:"rstrip"`      // includes white space after it
	Normalized bool   `json:"normalized"`  // searched for after NFC
	Special    bool   `json:"special"`

	id    int32
	bytes []byte
}

// maxAdded limits the tokens that every text is searched for. Models have some ten.
const maxAdded = 4096

// add registers a token under the id that Hugging Face would give it: that of the vocabulary entry with the same text, else
// the next free one. It rejects a file with another id, since its model was trained with that one.
func (t *Tokenizer) add(token addedToken, expected int64) error {
	if token.Content == "" {
		return nil
	}
	if !utf8.ValidString(token.Content) {
		return fmt.Errorf("added token %q is not valid UTF-8", token.Content)
	}
	id, known := t.TokenID(token.Content)
	if !known {
		id = max(int32(len(t.vocab.ids)), t.nextAdded)
	}
	if int64(id) != expected {
		return fmt.Errorf("added token %q has id %d, but id %d follows from the vocabulary", token.Content, expected, id)
	}
	if len(t.added) == maxAdded {
		return fmt.Errorf("more than %d added tokens", maxAdded)
	}
	token.id = id
	t.nextAdded = max(t.nextAdded, id+1)
	if token.Normalized {
		token.bytes = tokenBytes(nfc(token.Content))
	} else {
		token.bytes = tokenBytes(token.Content)
	}
	t.added[id] = token
	t.addedIDs[token.Content] = id
	return nil
}

// addFromConfig adds the tokens that tokenizer_config.json lists; tokenizer.json may lack them.
func (t *Tokenizer) addFromConfig(data []byte) error {
	var config struct {
		Added map[string]addedToken `json:"added_tokens_decoder"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return err
	}
	ids := make([]int64, 0, len(config.Added))
	byID := make(map[int64]addedToken, len(config.Added))
	for key, token := range config.Added {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil || id < 0 {
			return fmt.Errorf("added_tokens_decoder: %q is not a token id", key)
		}
		ids = append(ids, id)
		byID[id] = token
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := t.add(byID[id], id); err != nil {
			return fmt.Errorf("added_tokens_decoder: %w", err)
		}
	}
	return nil
}

func (t *Tokenizer) buildMatchers() {
	t.raw, t.normalized = matcher{}, matcher{}
	for _, token := range t.added {
		if token.Normalized {
			t.normalized.add(nfc(token.Content), token)
		} else {
			t.raw.add(token.Content, token)
		}
	}
	t.raw.finish()
	t.normalized.finish()
}

// A matcher cuts added tokens out of text, leftmost first and among those the longest.
type matcher struct {
	byFirst [256][]pattern // by first byte, longest first
	firsts  string         // the first bytes of all patterns
}

type pattern struct {
	text  string
	token addedToken
}

func (m *matcher) add(text string, token addedToken) {
	m.byFirst[text[0]] = append(m.byFirst[text[0]], pattern{text, token})
}

func (m *matcher) finish() {
	for b, patterns := range m.byFirst {
		if len(patterns) == 0 {
			continue
		}
		m.firsts += string([]byte{byte(b)})
		slices.SortFunc(patterns, func(a, b pattern) int {
			return cmp.Or(len(b.text)-len(a.text), int(a.token.id-b.token.id))
		})
	}
}

// next returns the first match in s at or after i; at is -1 if there is none.
func (m *matcher) next(s string, i int) (at int, found *pattern) {
	for i < len(s) {
		if len(m.firsts) == 1 {
			n := strings.IndexByte(s[i:], m.firsts[0])
			if n < 0 {
				return -1, nil
			}
			i += n
		}
		patterns := m.byFirst[s[i]]
		for p := range patterns {
			if strings.HasPrefix(s[i:], patterns[p].text) {
				return i, &patterns[p]
			}
		}
		i++
	}
	return -1, nil
}

// appendSplit appends the ids of the tokens found in s, and calls rest to append those of the text between them.
func (m *matcher) appendSplit(dst []int32, s string, rest func([]int32, string) []int32) []int32 {
	if m.firsts == "" {
		return rest(dst, s)
	}
	done := 0
	for from := 0; ; {
		start, found := m.next(s, from)
		if found == nil {
			break
		}
		end := start + len(found.text)
		from = end
		token := &found.token
		if token.SingleWord && (wordBefore(s[:start]) || wordAfter(s[end:])) {
			continue
		}
		if token.LStrip {
			start = max(len(strings.TrimRightFunc(s[:start], isSpace)), done)
		}
		if token.RStrip {
			end = len(s) - len(strings.TrimLeftFunc(s[end:], isSpace))
		}
		if done < start {
			dst = rest(dst, s[done:start])
		}
		if start < end {
			dst = append(dst, token.id)
		}
		done = end
	}
	if done < len(s) {
		dst = rest(dst, s[done:])
	}
	return dst
}

func isSpace(r rune) bool {
	c := runeClasses().get(r)
	return c == space || c == newline
}

func wordBefore(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

func wordAfter(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}

func isWord(r rune) bool {
	i := sort.Search(len(wordRanges), func(i int) bool { return r <= wordRanges[i][1] })
	return i < len(wordRanges) && r >= wordRanges[i][0]
}

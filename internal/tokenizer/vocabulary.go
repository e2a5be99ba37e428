package tokenizer

import (
	"fmt"
	"strings"
)

// maxTokenID bounds what a file can make us allocate. The largest vocabularies in use have about 2^18 entries.
const maxTokenID = 1<<22 - 1

// A vocabulary is the model's own tokens, without added ones.
type vocabulary struct {
	ids   map[string]int32 // as the file spells them, in the byte alphabet
	spans []span           // by id, in text; empty for ids without a token
	text  []byte           // the bytes of all tokens, one after another
	byted [256]int32       // the id of each single byte
}

type span struct{ start, end uint32 }

// newVocabulary builds a vocabulary from the tokens of a file and their ids.
func newVocabulary(tokens []tokenEntry) (*vocabulary, error) {
	var spelled strings.Builder
	idCount := 0
	for _, e := range tokens {
		spelled.WriteString(e.text)
		idCount = max(idCount, int(e.id)+1)
	}
	names := spelled.String() // one allocation that keeps nothing else alive
	v := &vocabulary{
		ids:   make(map[string]int32, len(tokens)),
		spans: make([]span, idCount),
		text:  make([]byte, 0, len(names)),
	}
	for _, e := range tokens {
		if e.text == "" {
			return nil, fmt.Errorf("model.vocab: an empty token has id %d", e.id)
		}
		if s := v.spans[e.id]; s != (span{}) {
			return nil, fmt.Errorf("model.vocab: id %d belongs to both %q and %q", e.id, v.text[s.start:s.end], e.text)
		}
		known := len(v.ids)
		if v.ids[names[:len(e.text)]] = e.id; len(v.ids) == known {
			return nil, fmt.Errorf("model.vocab: token %q is listed twice", e.text)
		}
		names = names[len(e.text):]
		start := len(v.text)
		v.text = appendTokenBytes(v.text, e.text)
		v.spans[e.id] = span{uint32(start), uint32(len(v.text))}
	}
	for b, r := range byteRunes {
		id, ok := v.ids[string(r)]
		if !ok {
			return nil, fmt.Errorf("model.vocab: no token for byte 0x%02X (%q)", b, r)
		}
		v.byted[b] = id
	}
	return v, nil
}

func (v *vocabulary) bytes(id int32) []byte {
	if id < 0 || int(id) >= len(v.spans) {
		return nil
	}
	s := v.spans[id]
	if s == (span{}) {
		return nil
	}
	return v.text[s.start:s.end:s.end]
}

// byteRunes is the byte alphabet: the character that stands for each byte. Printable Latin-1 stands for itself, the other
// bytes for U+0100 and up, in order.
var byteRunes = func() (runes [256]rune) {
	next := rune(256)
	for b := range runes {
		if b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE {
			runes[b] = rune(b)
		} else {
			runes[b] = next
			next++
		}
	}
	return runes
}()

// runeBytes is the inverse of byteRunes; -1 marks characters outside of it.
var runeBytes = func() (table [324]int16) {
	for i := range table {
		table[i] = -1
	}
	for b, r := range byteRunes {
		table[r] = int16(b)
	}
	return table
}()

// tokenBytes returns the bytes of a token as the file spells it.
func tokenBytes(token string) []byte { return appendTokenBytes(nil, token) }

// appendTokenBytes reads token in the byte alphabet; a token with any other character stands for its own UTF-8.
func appendTokenBytes(dst []byte, token string) []byte {
	start := len(dst)
	for _, r := range token {
		if int(r) >= len(runeBytes) || runeBytes[r] < 0 {
			return append(dst[:start], token...)
		}
		dst = append(dst, byte(runeBytes[r]))
	}
	return dst
}

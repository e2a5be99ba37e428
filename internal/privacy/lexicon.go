package privacy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// class is what a word introduces.
type class uint32

const (
	passWord    class = 1 << iota // a password, and nothing else
	passMaybe                     // a password, or an ordinary word: pass, key, secret
	keyWord                       // a key or token, which is no ordinary word
	wifiWord                      // a wireless network
	loginWord                     // a user's name and password
	codeWord                      // a one-time code or the code of a door
	plainCode                     // a code, perhaps of another kind
	pinWord                       // a PIN
	cvvWord                       // the three or four digits on a card
	comboWord                     // the combination of a lock
	doorWord                      // a door, whose code may follow a colon
	idWord                        // a national id
	docWord                       // a passport or driver's license
	accountWord                   // an account
	phoneWord                     // a telephone number
	seedWord                      // a seed phrase
	coinWord                      // a wallet or its address
	privateWord                   // a private key
	placeWord                     // coordinates
	postWord                      // a postal code
	wifiKey                       // the key of a wireless network, if the text speaks of one
	networkWord                   // a network, perhaps a wireless one
	cameWord                      // that a code came or is to be entered
	mailWord                      // part of an e-mail address that is spelled
	otherWord                     // a code that is not private
	orderWord                     // a number that is not private: of an order, a parcel, a ticket
)

// hit is a word of the lexicon in a text.
type hit struct {
	start, end int
	class      class
	lang       string
}

// entry is a word of the lexicon, in lower case.
type entry struct {
	word  string
	class class
	lang  string // for the words between it and the value; "": any of the common ones
	joins bool   // whether letters may stand before it and after it
}

// wordTable finds words by their first two bytes.
type wordTable struct{ alone, joined [256]*[256][]entry } // the longest first

func newWordTable(entries []entry) *wordTable {
	t := &wordTable{}
	for _, e := range entries {
		table := &t.alone
		if e.joins {
			table = &t.joined
		}
		if table[e.word[0]] == nil {
			table[e.word[0]] = &[256][]entry{}
		}
		list := &table[e.word[0]][e.word[1]]
		*list = append(*list, e)
		slices.SortStableFunc(*list, func(a, b entry) int { return len(b.word) - len(a.word) })
	}
	return t
}

// find returns the words in a text in lower case. They do not overlap; of several at a place, the longest counts.
func (t *wordTable) find(lower string) (hits []hit) {
	inWord := false // whether the byte before i is part of a word
	for i := 0; i < len(lower); {
		c := lower[i]
		if !inWord && t.alone[c] != nil && i+1 < len(lower) {
			if e := matchAlone(t.alone[c][lower[i+1]], lower[i:]); e != nil {
				hits = append(hits, hit{i, i + len(e.word), e.class, e.lang})
				i += len(e.word)
				inWord = true
				continue
			}
		}
		if t.joined[c] != nil && i+1 < len(lower) {
			if e := matchJoined(t.joined[c][lower[i+1]], lower[i:]); e != nil {
				hits = append(hits, hit{i, i + len(e.word), e.class, e.lang})
				i += len(e.word)
				inWord = false
				continue
			}
		}
		if c < utf8.RuneSelf {
			inWord = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_'
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(lower[i:])
		inWord = word(r) || unicode.Is(unicode.Mn, r)
		i += size
	}
	return hits
}

func matchAlone(entries []entry, rest string) *entry {
	for i := range entries {
		e := &entries[i]
		if !strings.HasPrefix(rest, e.word) {
			continue
		}
		if next, _ := utf8.DecodeRuneInString(rest[len(e.word):]); !word(next) {
			return e
		}
	}
	return nil
}

func matchJoined(entries []entry, rest string) *entry {
	for i := range entries {
		if strings.HasPrefix(rest, entries[i].word) {
			return &entries[i]
		}
	}
	return nil
}

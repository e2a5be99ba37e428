package blind

import (
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	mathrand "math/rand/v2"
	"strings"

	"ventriloquist/internal/webpage"
)

// Moment is one question.
type Moment struct {
	Members []string
	Context []Line // the last messages before the reply, oldest first
	Author  string // of the reply
	Real    string
	Written []string // differ from each other and from Real
}

// Line is a message.
type Line struct{ Name, Text string }

// Key says which replies are real.
type Key struct {
	Version int      `json:"version"`
	Nonce   string   `json:"nonce"` // random
	Moments []Answer `json:"moments"`
}

// Answer is the right one.
type Answer struct {
	Real       int    `json:"real"`       // index
	Candidates int    `json:"candidates"` // how many there were to choose from
	Shown      int    `json:"shown"`      // messages before the reply
	Author     string `json:"author"`
}

// sealLength is how many characters of the hash the page and the answers have.
const sealLength = 32

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"style":  webpage.Style,
	"add":    func(a, b int) int { return a + b },
	"letter": letter,
}).Parse(pageText))

// letter is how a candidate is named in answers.
func letter(candidate int) string { return string(rune('a' + candidate)) }

// MostCandidates is how many replies a moment may have.
const MostCandidates = 26

// Write writes the page, in which moments and replies are in random order, and returns the encoded key.
func Write(out io.Writer, moments []Moment) (key []byte, err error) {
	var seed, nonce [32]byte
	rand.Read(seed[:])
	rand.Read(nonce[:])
	random := mathrand.New(mathrand.NewChaCha8(seed))
	k := Key{Version: 1, Nonce: hex.EncodeToString(nonce[:])}
	content := struct {
		Seal    string
		Moments []question
	}{}
	for _, i := range random.Perm(len(moments)) {
		m := &moments[i]
		texts := append([]string{m.Real}, m.Written...)
		order := random.Perm(len(texts))
		q := question{Members: strings.Join(m.Members, ", "), Context: m.Context, Author: m.Author}
		a := Answer{Candidates: len(texts), Shown: len(m.Context), Author: m.Author}
		for place, from := range order {
			q.Candidates = append(q.Candidates, texts[from])
			if from == 0 {
				a.Real = place
			}
		}
		content.Moments, k.Moments = append(content.Moments, q), append(k.Moments, a)
	}
	if key, err = json.MarshalIndent(k, "", "  "); err != nil {
		return nil, fmt.Errorf("cannot encode the key: %w", err)
	}
	key = append(key, '\n')
	content.Seal = Seal(key)
	return key, page.Execute(out, content)
}

// question is a moment as the page shows it.
type question struct {
	Members    string
	Context    []Line
	Author     string
	Candidates []string
}

// Seal returns the seal of an encoded key.
func Seal(key []byte) string {
	hash := sha256.Sum256(key)
	return hex.EncodeToString(hash[:])[:sealLength]
}

// ReadKey decodes a key.
func ReadKey(encoded []byte) (*Key, error) {
	k := new(Key)
	if err := json.Unmarshal(encoded, k); err != nil {
		return nil, fmt.Errorf("not a key of a blind test: %w", err)
	}
	if k.Version != 1 || len(k.Moments) == 0 {
		return nil, fmt.Errorf("not a key of a blind test that this program knows (version %d)", k.Version)
	}
	for _, m := range k.Moments {
		if m.Candidates < 2 || m.Candidates > MostCandidates || m.Real < 0 || m.Real >= m.Candidates {
			return nil, fmt.Errorf("not a key of a blind test: candidate %d of %d", m.Real, m.Candidates)
		}
	}
	return k, nil
}

package generate

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ventriloquist/engine"
)

// fakeTokenizer has a token for each byte, some longer ones and an added one; it takes the longest token that fits.
type fakeTokenizer struct {
	tokens [][]byte
	added  int32
}

func newFakeTokenizer(words ...string) *fakeTokenizer {
	t := new(fakeTokenizer)
	for b := range 256 {
		t.tokens = append(t.tokens, []byte{byte(b)})
	}
	for _, w := range words {
		t.tokens = append(t.tokens, []byte(w))
	}
	t.added = int32(len(t.tokens))
	t.tokens = append(t.tokens, []byte("<|endoftext|>"))
	return t
}

// likeQwen are tokens that a grammar could get wrong: quotes with the characters after them, halves of characters, line ends
// with more behind.
var likeQwen = []string{`delta`, `":`, ` "`, ` "<`, `",`, `<1`, `1m`, `d+`, `reply`, `_to`, ` null`, `null`, `content`,
	`_type`, `text`, `image`, `"}`, "\"}\n", "}\n", "}\n\n", "\n\n", ` hey`, `hey`, `\"`, `\\`, `\n`, `\u`, `00`, `  `, "\t",
	"\xF0\x9F", "\x98\x80", "\xE3\x80", "\xC2", " \xE2\x80", "…", "\u00A0", "é\"", `a"}`, "b\"}\n", `\u000`, `\u001`}

func (t *fakeTokenizer) TokenBytes(id int32) []byte {
	if int(id) >= len(t.tokens) {
		return nil
	}
	return t.tokens[id]
}

func (t *fakeTokenizer) IsAdded(id int32) bool { return id == t.added }

func (t *fakeTokenizer) AppendEncodeOrdinary(dst []int32, text string) []int32 {
	for len(text) > 0 {
		best := int32(text[0])
		for id, token := range t.tokens[:t.added] {
			if len(token) > len(t.tokens[best]) && strings.HasPrefix(text, string(token)) {
				best = int32(id)
			}
		}
		dst = append(dst, best)
		text = text[len(t.tokens[best]):]
	}
	return dst
}

// fakeModel returns logits that are a hash of all previous tokens; those of favored ids are higher.
type fakeModel struct {
	vocab   int
	favored map[int32]float32
	reads   []int // how many tokens each call of Prefill brought
	passes  int   // calls of Decode
	caches  int   // made so far
}

func (m *fakeModel) VocabSize() int { return m.vocab }

func (m *fakeModel) NewCache(capacity, sequences int) (Cache, error) {
	m.caches++
	return &fakeCache{model: m, capacity: capacity, tokens: make([][]int32, sequences)}, nil
}

type fakeCache struct {
	model    *fakeModel
	capacity int
	tokens   [][]int32
	rows     [][]float32 // kept
}

func (c *fakeCache) Close() {}

func (c *fakeCache) logits(sequence int, into []float32) {
	h := fnv.New64a()
	for _, id := range c.tokens[sequence] {
		h.Write([]byte{byte(id), byte(id >> 8)})
	}
	random := rand.New(rand.NewPCG(h.Sum64(), 0))
	for i := range into {
		into[i] = float32(random.NormFloat64()) + c.model.favored[int32(i)]
	}
}

func (c *fakeCache) Prefill(sequence int, ids []int32, keep bool) error {
	if len(c.tokens[sequence])+len(ids) > c.capacity {
		return fmt.Errorf("over the capacity of %d tokens", c.capacity)
	}
	c.model.reads = append(c.model.reads, len(ids))
	c.tokens[sequence] = append(slices.Clip(c.tokens[sequence]), ids...)
	c.rows = nil
	if keep {
		c.keep(sequence)
	}
	return nil
}

func (c *fakeCache) Decode(sequences, ids []int32) error {
	c.model.passes++
	c.rows = nil
	for i, sequence := range sequences {
		if len(c.tokens[sequence]) >= c.capacity {
			return fmt.Errorf("over the capacity of %d tokens", c.capacity)
		}
		c.tokens[sequence] = append(slices.Clip(c.tokens[sequence]), ids[i])
		c.keep(int(sequence))
	}
	return nil
}

func (c *fakeCache) keep(sequence int) {
	row := make([]float32, c.model.vocab)
	c.logits(sequence, row)
	c.rows = append(c.rows, row)
}

func (c *fakeCache) Logits(row int, into []float32) error {
	copy(into, c.rows[row])
	return nil
}

func (c *fakeCache) Candidates(rows int, allowed []uint32, below []float64) ([]engine.Candidates, error) {
	all := make([]engine.Candidates, rows)
	for i := range all {
		all[i] = chosenFrom(c.rows[i], allowed[i*engine.MaskWords(c.model.vocab):], below[i])
	}
	return all, nil
}

// chosenFrom returns what Candidates returns for a row.
func chosenFrom(logits []float32, allowed []uint32, below float64) engine.Candidates {
	c := engine.Candidates{Highest: float32(math.Inf(-1))}
	each := func(use func(id int, l float32)) {
		for id, l := range logits {
			if allowed[id/32]>>(id%32)&1 != 0 {
				use(id, l)
			}
		}
	}
	each(func(_ int, l float32) {
		if l > c.Highest {
			c.Highest = l
		}
	})
	each(func(id int, l float32) {
		if l < float32(float64(c.Highest)+below) || l != l {
			return
		}
		if c.Count++; c.Count <= engine.MaxCandidates {
			c.IDs, c.Logits = append(c.IDs, int32(id)), append(c.Logits, l)
		}
	})
	return c
}

func (c *fakeCache) Fork(from, to int) error {
	if len(c.tokens[to]) != 0 {
		return fmt.Errorf("sequence %d is not empty", to)
	}
	c.tokens[to] = slices.Clone(c.tokens[from])
	return nil
}

func (c *fakeCache) Truncate(sequence, length int) error {
	c.tokens[sequence] = c.tokens[sequence][:length]
	return nil
}

// newFake returns a generator with random logits. The vocabulary is larger than the tokenizer's, as in Qwen.
func newFake(t *testing.T, favored map[string]float32) (*Generator, *fakeModel, *fakeTokenizer) {
	t.Helper()
	tokenizer := newFakeTokenizer(likeQwen...)
	model := &fakeModel{vocab: len(tokenizer.tokens) + 5, favored: map[int32]float32{}}
	for id, token := range tokenizer.tokens {
		model.favored[int32(id)] = favored[string(token)]
	}
	w := NewGenerator(model, tokenizer, []int32{tokenizer.added})
	t.Cleanup(w.Close)
	return w, model, tokenizer
}

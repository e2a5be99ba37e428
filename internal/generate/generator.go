package generate

import (
	"context"
	"fmt"
	"time"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
)

// Cache is a key/value cache of a few sequences of tokens, numbered from 0: an engine.Session.
type Cache interface {
	// Prefill appends ids to a sequence. With keep, what may follow the last of them is kept, as row 0, until the next
	// Prefill or Decode.
	Prefill(sequence int, ids []int32, keep bool) error
	// Decode appends ids[i] to sequences[i], and keeps what may follow it, as row i.
	Decode(sequences, ids []int32) error
	// Logits and Candidates read the logits on the device: see engine.Session.
	Logits(row int, into []float32) error
	Candidates(rows int, allowed []uint32, below []float64) ([]engine.Candidates, error)
	Fork(from, to int) error
	Truncate(sequence, length int) error
	Close()
}

// Model gives the likelihood of the next token.
type Model interface {
	// NewCache makes an empty cache for capacity tokens in all, shared by so many sequences.
	NewCache(capacity, sequences int) (Cache, error)
	// VocabSize is the number of logits of a token.
	VocabSize() int
}

// Tokenizer is what a Writer needs of tokenizer.Tokenizer.
type Tokenizer interface {
	Vocabulary
	batch.Encoder
}

// Generator continues prompts. One goroutine at a time may use it.
type Generator struct {
	// Reading is told how much of a prompt has been read; it may be nil.
	Reading func(done, total int)

	model         Model
	tokenizer     Tokenizer
	stops         []int32  // end of text
	grammar       *Grammar // nil until asked for
	nonStopTokens []int32  // the tokens that do not end a raw continuation; nil until asked for

	cache     Cache
	capacity  int
	sequences int
	read      []int32 // the tokens in sequence 0; between calls the others are empty

	// Of the tokens that are being drawn.
	logits []float32 // of one
	masks  []uint32
	below  []float64
}

// NewGenerator makes a writer. stops are the ids that end a text.
func NewGenerator(m Model, t Tokenizer, stops []int32) *Generator {
	return &Generator{model: m, tokenizer: t, stops: stops}
}

// Close releases the cache.
func (g *Generator) Close() {
	if g.cache != nil {
		g.cache.Close()
		g.cache = nil
	}
	g.read = g.read[:0]
}

// Options say how a continuation is written.
type Options struct {
	Sampling
	MinNewTokens int
	MaxNewTokens int
	Raw          bool // without the grammar
}

// Continuation is what the model wrote.
type Continuation struct {
	IDs     []int32       // with the end-of-text token, when it wrote one
	Text    []byte        // of the tokens, without the end-of-text token; not cut at the newline
	Decode  time.Duration // from the first token to the last
	Stopped StopReason
}

// StopReason is why a continuation ends.
type StopReason int

const (
	Unfinished StopReason = iota // interrupted
	EndOfLine
	EndOfText
	MaxNewTokens
)

// TokensPerSecond is the rate of decoding alone: the first token comes with reading the prompt.
func (c *Continuation) TokensPerSecond() float64 {
	if len(c.IDs) < 2 || c.Decode <= 0 {
		return 0
	}
	return float64(len(c.IDs)-1) / c.Decode.Seconds()
}

// Stream is told of each token as it is drawn: the continuation it belongs to, and its bytes. It may be nil.
type Stream func(continuation int, text []byte)

// Continue writes n continuations of one prompt, at once. Each is what it would be if it were written alone. When ctx is
// done it returns what there is, with ctx's error.
func (g *Generator) Continue(ctx context.Context, prompt []int32, n int, o Options, s Stream) ([]Continuation, error) {
	drafts, err := g.newDrafts(n, o)
	if err != nil {
		return nil, err
	}
	if err := g.Reserve(len(prompt)+n*o.MaxNewTokens, n); err != nil {
		return nil, err
	}
	defer g.release(n)
	if err := g.readPrompt(ctx, prompt); err != nil {
		return nil, err
	}
	for i, d := range drafts {
		if i > 0 {
			if err := g.cache.Fork(0, i); err != nil {
				return nil, err
			}
		}
		// All begin from the prompt's row.
		if err := g.sampleEach([]*draft{d}, o, s); err != nil {
			return continuations(drafts), err
		}
	}
	return g.write(ctx, drafts, o, s)
}

// ContinueEach writes a continuation of each of the prompts, at once. The seed of prompt i is that of continuation i.
func (g *Generator) ContinueEach(ctx context.Context, prompts [][]int32, o Options, s Stream) ([]Continuation, error) {
	drafts, err := g.newDrafts(len(prompts), o)
	if err != nil {
		return nil, err
	}
	capacity := len(prompts) * o.MaxNewTokens
	for _, p := range prompts {
		capacity += len(p)
	}
	if err := g.Reserve(capacity, len(prompts)); err != nil {
		return nil, err
	}
	defer g.release(len(prompts))
	for i, p := range prompts {
		if i == 0 {
			err = g.readPrompt(ctx, p)
		} else {
			err = g.prefill(ctx, i, p)
		}
		if err != nil {
			return nil, err
		}
		if err := g.sampleEach(drafts[i:i+1], o, s); err != nil {
			return continuations(drafts), err
		}
	}
	return g.write(ctx, drafts, o, s)
}

// Reserve makes room for prompts and continuations of so many tokens in all, in so many sequences. A cache that has the
// room is kept with what it holds; a new one is empty.
func (g *Generator) Reserve(capacity, sequences int) error {
	if g.cache != nil && g.capacity >= capacity && g.sequences >= sequences {
		return nil
	}
	g.Close()
	cache, err := g.model.NewCache(capacity, sequences)
	if err != nil {
		return err
	}
	g.cache, g.capacity, g.sequences = cache, capacity, sequences
	return nil
}

// release empties all sequences but 0, which holds what the next prompt may begin with.
func (g *Generator) release(sequences int) {
	for i := 1; i < sequences; i++ {
		if err := g.cache.Truncate(i, 0); err != nil {
			g.Close() // a new cache is made when it is needed
			return
		}
	}
}

// readPrompt makes sequence 0 hold the prompt: what it begins with already is not read again.
func (g *Generator) readPrompt(ctx context.Context, prompt []int32) error {
	if len(prompt) == 0 {
		return fmt.Errorf("there is nothing to continue")
	}
	kept := min(commonPrefix(g.read, prompt), len(prompt)-1) // the last token says what may follow
	if kept < len(g.read) {
		if err := g.cache.Truncate(0, kept); err != nil {
			return err
		}
		g.read = g.read[:kept]
	}
	return g.prefill(ctx, 0, prompt[kept:])
}

// prefillTokens are read between two looks at the context: long enough to keep the products large, short enough for
// Ctrl-C.
const prefillTokens = 512

// prefill appends ids to a sequence; what may follow the last is kept.
func (g *Generator) prefill(ctx context.Context, sequence int, ids []int32) error {
	for total := len(ids); len(ids) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if g.Reading != nil {
			g.Reading(total-len(ids), total)
		}
		n := min(len(ids), prefillTokens)
		if err := g.cache.Prefill(sequence, ids[:n], n == len(ids)); err != nil {
			return err
		}
		if sequence == 0 {
			g.read = append(g.read, ids[:n]...)
		}
		ids = ids[n:]
	}
	return nil
}

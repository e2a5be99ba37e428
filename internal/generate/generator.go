package generate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
)

// Cache is a KV cache of numbered sequences of tokens: an engine.Session.
type Cache interface {
	// Prefill appends ids to a sequence. With keep it keeps the logits after the last of them, as row 0, until the next
	// Prefill or Decode.
	Prefill(sequence int, ids []int32, keep bool) error
	// Decode appends ids[i] to sequences[i] and keeps the logits after it, as row i. A sequence may be listed several times.
	Decode(sequences, ids []int32) error
	// Logits and Candidates read the logits that were kept: see engine.Session.
	Logits(row int, into []float32) error
	Candidates(rows int, allowed []uint32, below []float64) ([]engine.Candidates, error)
	Fork(from, to int) error
	Truncate(sequence, length int) error
	Close()
}

// Model computes the logits of the next token.
type Model interface {
	// NewCache returns an empty cache for capacity tokens in total, shared by that many sequences.
	NewCache(capacity, sequences int) (Cache, error)
	// VocabSize is the number of logits per token.
	VocabSize() int
}

// Tokenizer is what a Generator needs of tokenizer.Tokenizer.
type Tokenizer interface {
	Vocabulary
	batch.Encoder
}

// Generator continues prompts. It is not safe for concurrent use.
type Generator struct {
	// Reading is called with how much of a prompt has been read; it may be nil.
	Reading func(done, total int)

	model         Model
	tokenizer     Tokenizer
	stops         []int32  // ids that end a text
	grammar       *Grammar // nil until needed
	nonStopTokens []int32  // tokens that do not end a raw continuation; nil until needed
	forced        map[state][]int32
	noGuesses     bool // for tests

	cache     Cache
	capacity  int
	sequences int
	read      []int32 // tokens in sequence 0; the others are empty between calls

	// Buffers of sampling.
	logits []float32 // of one row
	masks  []uint32
}

// NewGenerator returns a generator; stops are the ids that end a text.
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

// Options of a continuation.
type Options struct {
	Sampling
	MinNewTokens int
	MaxNewTokens int
	Raw          bool // without the grammar
	SeveralLines bool // when raw: a newline does not end the continuation
	LogProbs     bool // give the stream the log probability of each token
	TopLogProbs  int  // and those of this many of the likeliest tokens
	First        int  // number of the first continuation, which selects its random numbers
}

// Continuation is what the model wrote.
type Continuation struct {
	IDs     []int32       // including the end-of-text token, if it wrote one; nil if a server wrote it
	Tokens  int           // how many tokens it has
	Prompt  int           // how many tokens its prompt has, if a server wrote it and says so
	Text    []byte        // text of the tokens, without the end-of-text token; not cut at the newline
	Decode  time.Duration // time from the first token to the last
	Stopped StopReason
}

// StopReason says why a continuation ended.
type StopReason int

const (
	Unfinished StopReason = iota // interrupted
	EndOfLine
	EndOfText
	MaxNewTokens
	ByCaller // its stream wanted no more
)

// TokensPerSecond returns the decoding rate; the first token is not counted because it comes with the prompt.
func (c *Continuation) TokensPerSecond() float64 {
	if c.Tokens < 2 || c.Decode <= 0 {
		return 0
	}
	return float64(c.Tokens-1) / c.Decode.Seconds()
}

// Stream receives each token as it is drawn: the number of its continuation, and its bytes. It may be nil.
type Stream func(continuation int, text []byte)

// Token is a token of a continuation.
type Token struct {
	ID   int32
	Text []byte
	// With Options.LogProbs: natural logs of the model's own probabilities, before the grammar and the sampling options.
	LogProb float64
	Top     []TokenProb // the likeliest first
}

// TokenProb is a token that could have come, and the log of its probability.
type TokenProb struct {
	ID      int32
	LogProb float64
}

// TokenStream receives each token of one continuation, except the one that ends the text, and reports whether the continuation
// goes on. It must not block.
type TokenStream func(Token) bool

// Continue writes n continuations of one prompt at the same time. Each is what it would be if it were written alone. When
// ctx is done it returns what there is, with ctx's error.
func (g *Generator) Continue(ctx context.Context, prompt []int32, n int, o Options, s Stream) ([]Continuation, error) {
	drafts, err := g.newDrafts(slices.Repeat([][]int32{prompt}, n), o, s)
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
		// Every draft starts from the logits of the prompt.
		if err := g.sampleEach([]*draft{d}, []int{0}); err != nil {
			return continuations(drafts), err
		}
	}
	return g.write(ctx, drafts)
}

// ContinueEach writes one continuation of each prompt, all at the same time. Prompt i uses the random numbers of continuation
// i.
func (g *Generator) ContinueEach(ctx context.Context, prompts [][]int32, o Options, s Stream) ([]Continuation, error) {
	drafts, err := g.newDrafts(prompts, o, s)
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
		if err := g.sampleEach(drafts[i:i+1], []int{0}); err != nil {
			return continuations(drafts), err
		}
	}
	return g.write(ctx, drafts)
}

// Reserve makes room for the given number of tokens in total, prompts and continuations, in that many sequences. It keeps a
// cache that is large enough, with its contents; a new one, never smaller, is empty.
func (g *Generator) Reserve(capacity, sequences int) error {
	if g.cache != nil && g.capacity >= capacity && g.sequences >= sequences {
		return nil
	}
	g.Close()
	capacity, sequences = max(capacity, g.capacity), max(sequences, g.sequences)
	cache, err := g.model.NewCache(capacity, sequences)
	if err != nil {
		return err
	}
	g.cache, g.capacity, g.sequences = cache, capacity, sequences
	return nil
}

// decodeRows is how many tokens a decoding pass takes; with more drafts than that, one of each.
func (g *Generator) decodeRows() int {
	if g.noGuesses {
		return 1
	}
	return engine.DecodeRows
}

// release empties all sequences except 0, which the next prompt may share a prefix with.
func (g *Generator) release(sequences int) {
	for i := 1; i < sequences; i++ {
		if err := g.cache.Truncate(i, 0); err != nil {
			g.Close() // the next call makes a new cache
			return
		}
	}
}

// readPrompt makes sequence 0 hold the prompt. It does not read again the prefix that the sequence already holds.
func (g *Generator) readPrompt(ctx context.Context, prompt []int32) error {
	if len(prompt) == 0 {
		return fmt.Errorf("the prompt is empty")
	}
	kept := min(commonPrefix(g.read, prompt), len(prompt)-1) // the last token's logits are needed
	if kept < len(g.read) {
		if err := g.cache.Truncate(0, kept); err != nil {
			return err
		}
		g.read = g.read[:kept]
	}
	return g.prefill(ctx, 0, prompt[kept:])
}

// prefillTokens is the number of tokens read between checks for cancellation: large enough for efficient GEMMs, small enough
// for a quick response to Ctrl-C.
const prefillTokens = 512

// prefill appends ids to a sequence and keeps the logits after the last.
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

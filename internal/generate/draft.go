package generate

import (
	"bytes"
	"context"
	"slices"
	"time"
)

// draft is a continuation in progress.
type draft struct {
	Continuation
	number      int // number of the continuation and of its sequence
	sampler     *sampler
	line        *line     // nil when raw
	repeated    []int32   // the distinct tokens that the repetition penalty applies to: of the text so far; when raw, all
	decodeStart time.Time // when decoding began
}

// newDrafts returns n empty drafts.
func (g *Generator) newDrafts(n int, o Options) ([]*draft, error) {
	if g.grammar == nil && !o.Raw {
		g.grammar = NewGrammar(g.tokenizer, g.model.VocabSize())
	}
	drafts := make([]*draft, n)
	for i := range drafts {
		drafts[i] = &draft{number: i, sampler: newSampler(o.Sampling, o.First+i)}
		if o.Raw {
			continue
		}
		var err error
		if drafts[i].line, err = g.grammar.newLine(o.MinNewTokens, o.MaxNewTokens); err != nil {
			return nil, err
		}
	}
	return drafts, nil
}

// write continues the drafts after their first tokens until every draft has stopped or something fails.
func (g *Generator) write(ctx context.Context, drafts []*draft, o Options, s Stream) ([]Continuation, error) {
	for _, d := range drafts {
		d.decodeStart = time.Now() // the first tokens came with the prompts
	}
	err := g.decodeUntilDone(ctx, slices.Clone(drafts), o, s)
	return continuations(drafts), err
}

func continuations(drafts []*draft) []Continuation {
	done := make([]Continuation, len(drafts))
	for i, d := range drafts {
		done[i] = d.Continuation
	}
	return done
}

// decodeUntilDone decodes the last tokens of all live drafts at once, samples the next, and repeats.
func (g *Generator) decodeUntilDone(ctx context.Context, live []*draft, o Options, s Stream) error {
	for {
		live = slices.DeleteFunc(live, func(d *draft) bool { return d.Stopped != Unfinished })
		if len(live) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		sequences, ids := make([]int32, len(live)), make([]int32, len(live))
		for i, d := range live {
			sequences[i], ids[i] = int32(d.number), d.IDs[len(d.IDs)-1]
		}
		if err := g.cache.Decode(sequences, ids); err != nil {
			return err
		}
		if sequences[0] == 0 {
			g.read = append(g.read, ids[0])
		}
		if err := g.sampleEach(live, o, s); err != nil {
			return err
		}
	}
}

// addToken appends a token to its draft and sets why the draft ends, if it does.
func (g *Generator) addToken(d *draft, id int32, o Options, s Stream) {
	d.IDs = append(d.IDs, id)
	if len(d.IDs) > 1 {
		d.Decode = time.Since(d.decodeStart)
	}
	if slices.Contains(g.stops, id) {
		d.Stopped = EndOfText
		return
	}
	text := g.tokenizer.TokenBytes(id)
	if d.inText() && !slices.Contains(d.repeated, id) {
		d.repeated = append(d.repeated, id)
	}
	d.Text = append(d.Text, text...)
	if s != nil {
		s(d.number, text)
	}
	switch {
	case bytes.IndexByte(text, '\n') >= 0:
		d.Stopped = EndOfLine
	case len(d.IDs) >= o.MaxNewTokens:
		d.Stopped = MaxNewTokens
	}
}

// beforeText ends what comes before the text of a message. Inside a string its quotes would be escaped.
var beforeText = []byte(`, "text": "`)

// inText reports whether the next token belongs to the text of the message.
func (d *draft) inText() bool {
	return d.line == nil || len(d.repeated) > 0 || bytes.Contains(d.Text, beforeText)
}

// tokensThatContinue returns the tokens that do not end a raw continuation.
func (g *Generator) tokensThatContinue() []int32 {
	if g.nonStopTokens == nil {
		for id := range int32(g.model.VocabSize()) {
			if !slices.Contains(g.stops, id) && bytes.IndexByte(g.tokenizer.TokenBytes(id), '\n') < 0 {
				g.nonStopTokens = append(g.nonStopTokens, id)
			}
		}
	}
	return g.nonStopTokens
}

package infer

import (
	"bytes"
	"context"
	"slices"
	"time"
)

// draft is a continuation that is being written.
type draft struct {
	Continuation
	number  int // of the continuation, and of its sequence
	sampler *sampler
	line    *line // nil when raw
	begin   time.Time
}

// begin makes n empty drafts.
func (w *Writer) begin(n int, o Options) ([]*draft, error) {
	if w.grammar == nil && !o.Raw {
		w.grammar = NewGrammar(w.tokenizer, w.model.VocabSize())
	}
	drafts := make([]*draft, n)
	for i := range drafts {
		drafts[i] = &draft{number: i, sampler: newSampler(o.Sampling, i)}
		if o.Raw {
			continue
		}
		var err error
		if drafts[i].line, err = w.grammar.newLine(o.MinNewTokens, o.MaxNewTokens); err != nil {
			return nil, err
		}
	}
	return drafts, nil
}

// write draws the first tokens from logits, [n, vocab], and goes on until every draft has stopped or something fails.
func (w *Writer) write(ctx context.Context, drafts []*draft, logits []float32, o Options, s Stream) ([]Continuation, error) {
	err := w.drawAll(ctx, slices.Clone(drafts), logits, o, s)
	done := make([]Continuation, len(drafts))
	for i, d := range drafts {
		done[i] = d.Continuation
	}
	return done, err
}

// drawAll gives each draft a token, then reads these tokens all at once, and so on.
func (w *Writer) drawAll(ctx context.Context, live []*draft, logits []float32, o Options, s Stream) error {
	vocab := w.model.VocabSize()
	for {
		for i, d := range live {
			if err := w.draw(d, logits[i*vocab:(i+1)*vocab], o, s); err != nil {
				return err
			}
		}
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
		if err := w.cache.Decode(sequences, ids, logits[:len(live)*vocab]); err != nil {
			return err
		}
		if sequences[0] == 0 {
			w.read = append(w.read, ids[0])
		}
	}
}

// draw gives a draft its next token.
func (w *Writer) draw(d *draft, logits []float32, o Options, s Stream) error {
	var ids []int32
	var next []state
	if d.line != nil {
		ids, next = d.line.allowed()
	} else if len(d.IDs)+1 < o.MinNewTokens {
		ids = w.continuing()
	}
	index, err := d.sampler.pick(logits, ids)
	if err != nil {
		return err
	}
	id := int32(index)
	if ids != nil {
		id = ids[index]
	}
	if len(d.IDs) == 0 {
		d.begin = time.Now()
	}
	d.IDs = append(d.IDs, id)
	d.Decode = time.Since(d.begin)
	if d.line != nil {
		d.line.advance(next[index])
	}
	if slices.Contains(w.stops, id) {
		d.Stopped = EndOfText
		return nil
	}
	text := w.tokenizer.TokenBytes(id)
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
	return nil
}

// continuing are the tokens after which a raw continuation goes on.
func (w *Writer) continuing() []int32 {
	if w.goOn == nil {
		for id := range int32(w.model.VocabSize()) {
			if !slices.Contains(w.stops, id) && bytes.IndexByte(w.tokenizer.TokenBytes(id), '\n') < 0 {
				w.goOn = append(w.goOn, id)
			}
		}
	}
	return w.goOn
}

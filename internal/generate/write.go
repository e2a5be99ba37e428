package generate

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
	line    *line     // nil when raw
	begin   time.Time // when decoding began
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

// write goes on from the drafts' first tokens until every draft has stopped or something fails.
func (w *Writer) write(ctx context.Context, drafts []*draft, o Options, s Stream) ([]Continuation, error) {
	for _, d := range drafts {
		d.begin = time.Now() // of decoding: the first tokens came with the prompts
	}
	err := w.goOnWith(ctx, slices.Clone(drafts), o, s)
	return finished(drafts), err
}

func finished(drafts []*draft) []Continuation {
	done := make([]Continuation, len(drafts))
	for i, d := range drafts {
		done[i] = d.Continuation
	}
	return done
}

// goOnWith reads the drafts' last tokens all at once, gives each another, and so on.
func (w *Writer) goOnWith(ctx context.Context, live []*draft, o Options, s Stream) error {
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
		if err := w.cache.Decode(sequences, ids); err != nil {
			return err
		}
		if sequences[0] == 0 {
			w.read = append(w.read, ids[0])
		}
		if err := w.drawEach(live, o, s); err != nil {
			return err
		}
	}
}

// note adds the token that was drawn to its draft, and says why the draft ends, if it does.
func (w *Writer) note(d *draft, id int32, o Options, s Stream) {
	d.IDs = append(d.IDs, id)
	if len(d.IDs) > 1 {
		d.Decode = time.Since(d.begin)
	}
	if slices.Contains(w.stops, id) {
		d.Stopped = EndOfText
		return
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

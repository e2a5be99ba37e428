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
	options     *Options
	number      int      // number of the continuation
	sequence    int      // in the cache
	kept        *[]int32 // what the sequence holds, where the caller keeps account of it; else nil
	stream      TokenStream
	sampler     *sampler
	line        *line // nil when raw
	history     *history
	length      int       // tokens in its sequence
	decodeStart time.Time // when decoding began
}

// newDrafts returns an empty draft for each prompt.
func (g *Generator) newDrafts(prompts [][]int32, o Options, s Stream) ([]*draft, error) {
	if g.grammar == nil && !o.Raw {
		g.grammar = NewGrammar(g.tokenizer, g.model.VocabSize())
	}
	drafts := make([]*draft, len(prompts))
	for i, prompt := range prompts {
		drafts[i] = &draft{options: &o, number: i, sequence: i, sampler: newSampler(o.Sampling, o.First+i), history: newHistory(prompt), length: len(prompt)}
		if i == 0 {
			drafts[i].kept = &g.read
		}
		if s != nil {
			drafts[i].stream = func(t Token) bool {
				s(i, t.Text)
				return true
			}
		}
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
func (g *Generator) write(ctx context.Context, drafts []*draft) ([]Continuation, error) {
	for _, d := range drafts {
		d.decodeStart = time.Now() // the first tokens came with the prompts
	}
	err := g.decodeUntilDone(ctx, slices.Clone(drafts))
	return continuations(drafts), err
}

func continuations(drafts []*draft) []Continuation {
	done := make([]Continuation, len(drafts))
	for i, d := range drafts {
		done[i] = d.Continuation
	}
	return done
}

// decodeUntilDone decodes the last tokens of all live drafts at once, with guesses of the next ones, draws what comes next,
// and repeats.
func (g *Generator) decodeUntilDone(ctx context.Context, live []*draft) error {
	for {
		live = slices.DeleteFunc(live, func(d *draft) bool { return d.Stopped != Unfinished })
		if len(live) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		pass, err := g.decode(live)
		if err != nil {
			return err
		}
		if err := g.drawAfter(pass); err != nil {
			return err
		}
	}
}

// decoded is a draft in a decoding pass: its last token is in a row of its own, and the guesses after it in the next rows.
type decoded struct {
	*draft
	row     int
	guesses []int32
	right   int // guesses that were drawn, and after which something else was
}

// decode decodes the last token of each draft and the guesses after it.
func (g *Generator) decode(live []*draft) ([]*decoded, error) {
	var sequences, ids []int32
	pass := make([]*decoded, len(live))
	for i, d := range live {
		// The last token of a continuation is never decoded.
		most := min(g.decodeRows()/len(live)-1, d.options.MaxNewTokens-len(d.IDs)-1)
		pass[i] = &decoded{draft: d, row: len(ids), guesses: g.guess(d, most)}
		for _, id := range append([]int32{d.IDs[len(d.IDs)-1]}, pass[i].guesses...) {
			sequences, ids = append(sequences, int32(d.sequence)), append(ids, id)
			if d.kept != nil {
				*d.kept = append(*d.kept, id)
			}
		}
	}
	return pass, g.cache.Decode(sequences, ids)
}

// drawAfter draws what comes after the last token of each draft, and after each guess that was drawn. It takes back the others.
func (g *Generator) drawAfter(pass []*decoded) error {
	for drawing := slices.Clone(pass); len(drawing) > 0; {
		drafts, rows := make([]*draft, len(drawing)), make([]int, len(drawing))
		for i, d := range drawing {
			drafts[i], rows[i] = d.draft, d.row+d.right
		}
		if err := g.sampleEach(drafts, rows); err != nil {
			return err
		}
		drawing = slices.DeleteFunc(drawing, func(d *decoded) bool { return !d.wasRight() })
	}
	for _, d := range pass {
		d.length += 1 + d.right
		if len(d.guesses) > 0 {
			d.history.learn(d.right == len(d.guesses))
		}
		if d.right == len(d.guesses) {
			continue
		}
		if err := g.cache.Truncate(d.sequence, d.length); err != nil {
			return err
		}
		if d.kept != nil {
			*d.kept = (*d.kept)[:d.length]
		}
	}
	return nil
}

// wasRight reports whether the draft goes on with the next guess, and counts it.
func (d *decoded) wasRight() bool {
	if d.Stopped != Unfinished || d.right == len(d.guesses) || d.IDs[len(d.IDs)-1] != d.guesses[d.right] {
		return false
	}
	d.right++
	return true
}

// addToken appends a token to its draft and sets why the draft ends, if it does.
func (g *Generator) addToken(d *draft, t Token) {
	d.IDs = append(d.IDs, t.ID)
	d.Tokens = len(d.IDs)
	d.history.add(t.ID)
	if len(d.IDs) > 1 {
		d.Decode = time.Since(d.decodeStart)
	}
	if slices.Contains(g.stops, t.ID) {
		d.Stopped = EndOfText
		return
	}
	t.Text = g.tokenizer.TokenBytes(t.ID)
	if d.inText() {
		d.sampler.count(t.ID)
	}
	d.Text = append(d.Text, t.Text...)
	goesOn := d.stream == nil || d.stream(t)
	switch {
	case !d.options.SeveralLines && bytes.IndexByte(t.Text, '\n') >= 0:
		d.Stopped = EndOfLine
	case len(d.IDs) >= d.options.MaxNewTokens:
		d.Stopped = MaxNewTokens
	case !goesOn:
		d.Stopped = ByCaller
	}
}

// beforeText ends what comes before the text of a message. Inside a string its quotes would be escaped.
var beforeText = []byte(`, "text": "`)

// inText reports whether the next token belongs to the text of the message.
func (d *draft) inText() bool {
	return d.line == nil || len(d.sampler.counts) > 0 || bytes.Contains(d.Text, beforeText)
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

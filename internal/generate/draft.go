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
	line        *line // nil when raw
	history     *history
	length      int       // tokens in its sequence
	repeated    []int32   // the distinct tokens that the repetition penalty applies to: of the text so far; when raw, all
	decodeStart time.Time // when decoding began
}

// newDrafts returns an empty draft for each prompt.
func (g *Generator) newDrafts(prompts [][]int32, o Options) ([]*draft, error) {
	if g.grammar == nil && !o.Raw {
		g.grammar = NewGrammar(g.tokenizer, g.model.VocabSize())
	}
	drafts := make([]*draft, len(prompts))
	for i, prompt := range prompts {
		drafts[i] = &draft{number: i, sampler: newSampler(o.Sampling, o.First+i), history: newHistory(prompt), length: len(prompt)}
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

// decodeUntilDone decodes the last tokens of all live drafts at once, with guesses of the next ones, draws what comes next,
// and repeats.
func (g *Generator) decodeUntilDone(ctx context.Context, live []*draft, o Options, s Stream) error {
	for {
		live = slices.DeleteFunc(live, func(d *draft) bool { return d.Stopped != Unfinished })
		if len(live) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		pass, err := g.decode(live, o)
		if err != nil {
			return err
		}
		if err := g.drawAfter(pass, o, s); err != nil {
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
func (g *Generator) decode(live []*draft, o Options) ([]*decoded, error) {
	var sequences, ids []int32
	pass := make([]*decoded, len(live))
	for i, d := range live {
		// The last token of a continuation is never decoded.
		most := min(g.decodeRows()/len(live)-1, o.MaxNewTokens-len(d.IDs)-1)
		pass[i] = &decoded{draft: d, row: len(ids), guesses: g.guess(d, most)}
		for _, id := range append([]int32{d.IDs[len(d.IDs)-1]}, pass[i].guesses...) {
			sequences, ids = append(sequences, int32(d.number)), append(ids, id)
			if d.number == 0 {
				g.read = append(g.read, id)
			}
		}
	}
	return pass, g.cache.Decode(sequences, ids)
}

// drawAfter draws what comes after the last token of each draft, and after each guess that was drawn. It takes back the others.
func (g *Generator) drawAfter(pass []*decoded, o Options, s Stream) error {
	for drawing := slices.Clone(pass); len(drawing) > 0; {
		drafts, rows := make([]*draft, len(drawing)), make([]int, len(drawing))
		for i, d := range drawing {
			drafts[i], rows[i] = d.draft, d.row+d.right
		}
		if err := g.sampleEach(drafts, rows, o, s); err != nil {
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
		if err := g.cache.Truncate(d.number, d.length); err != nil {
			return err
		}
		if d.number == 0 {
			g.read = g.read[:d.length]
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
func (g *Generator) addToken(d *draft, id int32, o Options, s Stream) {
	d.IDs = append(d.IDs, id)
	d.history.add(id)
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

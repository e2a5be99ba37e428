package evaluate

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// Generator writes continuations of prompts; *generate.Generator is one.
type Generator interface {
	Continue(ctx context.Context, prompt []int32, n int, o generate.Options, s generate.Stream) ([]generate.Continuation, error)
	ContinueEach(ctx context.Context, prompts [][]int32, o generate.Options, s generate.Stream) ([]generate.Continuation, error)
}

// Validity counts messages that the model wrote without a grammar.
type Validity struct {
	Samples  int
	JSON     int // JSON objects
	Delta    int // of these, with one of windows.Deltas
	NonEmpty int // of these, with a text that is not only white space
}

// Samples counts the generated messages, in total and by author.
type Samples struct {
	All        Validity
	PerContact map[string]*Validity
	each       []writtenSample
}

// writtenSample is one generated message: which window it is of, and which counts it is in.
type writtenSample struct {
	sample
	counts Validity
}

// Several prompts are continued at once, as long as they and their continuations fit into this much cache.
const (
	groupPrompts = 16
	groupTokens  = 16384
)

// sample is a window whose last message the model writes again.
type sample struct {
	prompt               []int32
	author               string
	window, conversation int
}

// Generate has the model write again the last message of n windows, spread evenly over the set, and counts how many are well
// formed. It uses the options as given, except that it generates without the grammar.
func (s *Set) Generate(ctx context.Context, w Generator, n int, o generate.Options, p windows.Progress) (*Samples, error) {
	o.Raw = true
	n = min(n, len(s.Windows))
	counted := &Samples{PerContact: make(map[string]*Validity)}
	for done := 0; done < n; {
		var group []sample
		tokens := 0
		for len(group) < groupPrompts && done+len(group) < n {
			next, err := s.sample(s.Windows[(done+len(group))*len(s.Windows)/n])
			if err != nil {
				return nil, err
			}
			if tokens += len(next.prompt) + o.MaxNewTokens; len(group) > 0 && tokens > groupTokens {
				break
			}
			group = append(group, next)
		}
		prompts := make([][]int32, len(group))
		for i := range group {
			prompts[i] = group[i].prompt
		}
		written, err := w.ContinueEach(ctx, prompts, o, nil)
		if err != nil {
			return nil, err
		}
		for i := range written {
			counted.add(group[i], written[i].Text)
		}
		o.Seed += uint64(len(group)) << 32 // new random numbers for the next group
		done += len(group)
		p.Report(int64(done), int64(n))
	}
	return counted, nil
}

// sample returns the prompt for the last message of window i: the ids before that message, and the prefill.
func (s *Set) sample(i int) (sample, error) {
	w, err := s.read(i)
	if err != nil {
		return sample{}, err
	}
	last := len(w.authors) - 1
	context := w.window.IDs[:len(w.window.IDs)-w.window.Targets[last]]
	prompt := s.encoder.AppendEncodeOrdinary(append([]int32(nil), context...), generate.Prefill(w.authors[last]))
	return sample{prompt, w.authors[last], i, w.conversation}, nil
}

func (s *Samples) add(of sample, written []byte) {
	of.prompt = nil
	if s.PerContact[of.author] == nil {
		s.PerContact[of.author] = new(Validity)
	}
	line, _, _ := bytes.Cut(written, []byte{'\n'})
	w := writtenSample{sample: of}
	for _, v := range []*Validity{&s.All, s.PerContact[of.author], &w.counts} {
		v.add(generate.Prefill(of.author) + string(line))
	}
	s.each = append(s.each, w)
}

// add counts one line.
func (v *Validity) add(line string) {
	v.Samples++
	var m map[string]any
	if json.Unmarshal([]byte(line), &m) != nil {
		return
	}
	v.JSON++
	if delta, ok := m["delta"].(string); ok && windows.ValidDelta(delta) {
		v.Delta++
	}
	if text, ok := m["text"].(string); ok && strings.TrimSpace(text) != "" {
		v.NonEmpty++
	}
}

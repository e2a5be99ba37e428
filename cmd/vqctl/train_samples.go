package main

import (
	"context"
	"errors"
	"runtime"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/runlog"
	"ventriloquist/internal/windows"
)

// Limits on a sample keep an evaluation short, and its cache small.
const (
	sampleContext   = 512 // tokens that are read
	sampleNewTokens = 64
	sampleShown     = 6 // messages of the context that the log keeps
)

// sampler writes the same few held-out messages again after each evaluation, with the same random numbers. Its cache is a copy of the
// adapter as it is then, and the trainer's state is not touched.
type sampler struct {
	set       *evaluate.Set
	generator *generate.Generator
	wanted    int
	chosen    []chosenSample // nil until needed
}

// chosenSample is a held-out message and the prompt for it.
type chosenSample struct {
	comparison *evaluate.Comparison
	prompt     []int32
}

func newSampler(s *trainSession, wanted int) *sampler {
	generator := generate.NewGenerator(generate.OnEngine(s.handles.Model, s.handles.Adapter), s.tokenizer, endsOfText(s.files.Config, s.tokenizer))
	return &sampler{set: s.data.HeldOut.Within(sampleContext), generator: generator, wanted: wanted}
}

func (s *sampler) close() { s.generator.Close() }

// choose picks windows spread evenly over the held-out ones: from each part the first whose message is a text and fits, else the
// first that fits.
func (s *sampler) choose() error {
	n := min(s.wanted, len(s.set.Windows))
	for part := range n {
		var found *chosenSample
		for i := part * len(s.set.Windows) / n; i < (part+1)*len(s.set.Windows)/n; i++ {
			c, prompt, err := s.set.Prepare(i, "")
			if tooLong := (*batch.TooLongError)(nil); errors.As(err, &tooLong) {
				continue
			}
			if err != nil {
				return err
			}
			text := c.Real.ContentType == windows.ContentTypes[0]
			if found == nil || text {
				found = &chosenSample{c, prompt}
			}
			if text {
				break
			}
		}
		if found != nil {
			s.chosen = append(s.chosen, *found)
		}
	}
	return nil
}

// write implements train.Sampler.
func (s *sampler) write(ctx context.Context) ([]runlog.Sample, error) {
	if s.chosen == nil {
		if err := s.choose(); err != nil {
			return nil, err
		}
	}
	defer s.generator.Close() // the next evaluation needs a cache of the adapter as it will be then
	o := generate.Options{MaxNewTokens: sampleNewTokens, Sampling: generate.Sampling{Temperature: 0.7, TopP: 0.9, MinP: defaultMinP,
		RepetitionPenalty: defaultRepetitionPenalty, Seed: 1}}
	list := make([]runlog.Sample, 0, len(s.chosen))
	for i, of := range s.chosen {
		o.First = i
		written, err := evaluate.GenerateMessage(ctx, s.generator, of.prompt, of.comparison.Real.Name, o)
		if err != nil {
			return list, err
		}
		list = append(list, sampleEvent(of.comparison, written.Text))
	}
	return list, nil
}

// sampleEvent describes a sample for the log of the run.
func sampleEvent(c *evaluate.Comparison, text string) runlog.Sample {
	sample := runlog.Sample{Members: c.Header.Members, Real: runlog.Line{Name: c.Real.Name, Text: c.Real.Text}, Text: text, Context: []runlog.Line{}}
	for _, m := range c.Context[max(0, len(c.Context)-sampleShown):] {
		sample.Context = append(sample.Context, runlog.Line{Name: m.Name, Text: m.Text})
	}
	return sample
}

// machine describes where the run trains, for its log.
func (s *trainSession) machine() runlog.Machine {
	info := s.device.Info()
	return runlog.Machine{Device: info.Name, Instructions: info.Instructions, Threads: info.Threads, Memory: info.MemoryTotal,
		Planned: s.planned, System: runtime.GOOS + "/" + runtime.GOARCH, Program: "vqctl " + version}
}

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"ventriloquist/engine"
	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/canary"
	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/evaluate/leaks"
	"ventriloquist/internal/evaluate/style"
	"ventriloquist/internal/load"
	"ventriloquist/internal/people"
	"ventriloquist/internal/privacy"
	"ventriloquist/internal/terminal"
)

// measured is a model with its report.
type measured struct {
	name     string
	dir      string // of the adapter, "" for the base model
	identity string // of its files
	scores   *evaluate.Scores
	report   *evaluate.Report
}

// measureAll measures the loaded model, the other adapters in turn, and the base model.
func (o *evaluateOptions) measureAll(ctx context.Context, set *evaluate.Set, l *load.Loaded, adapterDir string) ([]*measured, error) {
	dirs := []string{adapterDir}
	if len(o.adapters) > 1 {
		dirs = append(dirs, o.adapters[1:]...)
	}
	if o.withBase {
		dirs = append(dirs, "")
	}
	identity, err := l.Base.Fingerprint()
	if err != nil {
		return nil, err
	}
	s := o.newStages(set, len(dirs), adapterDir, identity)
	all, err := o.measureEach(ctx, set, l, dirs, s)
	if err != nil {
		return nil, s.explain(err)
	}
	if s.reused > 0 {
		notice("%s of an evaluation that was stopped were not measured again", terminal.Quantity(s.reused, "result"))
	}
	s.end()
	return all, nil
}

// measureEach measures the adapters of the folders in turn, of which the first is loaded.
func (o *evaluateOptions) measureEach(ctx context.Context, set *evaluate.Set, l *load.Loaded, dirs []string, s *stages) (all []*measured, err error) {
	for i, dir := range dirs {
		if i > 0 && dir != "" {
			if err := l.ChangeAdapter(dir, func() {}); err != nil {
				return nil, err
			}
		}
		m := &measured{name: dir, dir: dir}
		if dir == "" {
			m.name = "the base model"
		}
		if m.identity, err = adapterIdentity(dir); err != nil {
			return nil, err
		}
		if err := o.measure(ctx, set, l, m, s); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// together returns one report about all the models.
func (o *evaluateOptions) together(all []*measured) *evaluate.Report {
	if len(all) == 1 {
		return all[0].report
	}
	first := *all[0].report
	first.Name, first.Detailed = all[0].name, true
	for i, a := range all {
		if i > 0 {
			other := *a.report
			other.Name = a.name
			first.Others = append(first.Others, &other)
		}
		for _, b := range all[i+1:] {
			d := evaluate.NewDifference(a.name, a.scores, b.name, b.scores, o.perContact)
			d.AddReports(a.report, b.report)
			first.Differences = append(first.Differences, d)
			if o.style {
				first.StyleDifferences = append(first.StyleDifferences, &evaluate.StyleDifference{A: a.name, B: b.name, Features: style.Compare(a.report.Style, b.report.Style)})
			}
		}
	}
	return &first
}

// keepResults writes the results of each adapter into its folder.
func (o *evaluateOptions) keepResults(ctx context.Context, all []*measured) {
	for _, m := range all {
		if m.dir == "" {
			continue
		}
		text, err := m.report.JSON()
		if err == nil {
			err = atomicfile.WriteBytes(filepath.Join(m.dir, resultsFile), text)
		}
		if err != nil { // the results have been printed
			notice("warning: the results were not kept with the adapter: %v", err)
		}
		recordOutput(ctx, o.dataDir, m.dir)
	}
}

// measure measures the adapter of m, or the base model.
func (o *evaluateOptions) measure(ctx context.Context, set *evaluate.Set, l *load.Loaded, m *measured, s *stages) (err error) {
	adapter := l.Adapter
	if m.dir == "" {
		adapter = nil
	}
	m.scores, err = runStage(s, m, "loss", "measuring", "windows", nil, func(report func(done, total int64)) (*evaluate.Scores, error) {
		trainer, err := l.Model.NewTrainer(adapter, set.Limits(), false)
		if err != nil {
			return nil, err
		}
		defer trainer.Close()
		return set.Score(ctx, trainer, report)
	})
	if err != nil {
		return err
	}
	writer := newGenerator(l, adapter == nil)
	defer writer.Close()
	if err := o.measureWriting(ctx, set, writer, m, s); err != nil {
		return err
	}
	if o.whoSaidIt {
		if err := measureAuthors(ctx, set, l, adapter, m, s); err != nil {
			return err
		}
	}
	if o.leaks {
		return o.measureCanaries(ctx, set, l, adapter, m, s)
	}
	return nil
}

// writer is a model that writes and chooses.
type writer interface {
	evaluate.Generator
	evaluate.Chooser
}

// measureWriting makes the report of a model whose losses were measured, and measures what it writes.
func (o *evaluateOptions) measureWriting(ctx context.Context, set *evaluate.Set, writer writer, m *measured, s *stages) (err error) {
	var samples *evaluate.Samples
	if !o.skipGeneration {
		if samples, err = o.writeSamples(ctx, set, writer, m, s); err != nil {
			return err
		}
	}
	m.report = evaluate.NewReport(m.scores, samples, o.perContact)
	if o.nextMessage {
		if m.report.NextMessage, err = measureForesight(ctx, set, writer, m, s); err != nil {
			return err
		}
	}
	if o.style || o.leaks {
		err = o.measureWritten(ctx, set, writer, m, s)
	}
	return err
}

// measureCanaries measures how well the adapter remembers the sentences that were planted for it; of the base model, those that were
// planted for the first adapter.
func (o *evaluateOptions) measureCanaries(ctx context.Context, set *evaluate.Set, l *load.Loaded, adapter *engine.Adapter, m *measured, s *stages) error {
	dir := m.dir
	if dir == "" && len(o.model.adapterDirs()) > 0 {
		dir = o.model.adapterDirs()[0]
	}
	if dir == "" {
		return nil
	}
	planted, err := plantedIn(dir)
	if err != nil || planted == nil {
		return err
	}
	m.report.Canaries, err = runStage(s, m, "canaries", "ranking planted sentences", "sentences", planted, func(report func(done, total int64)) (*canary.Report, error) {
		session, err := l.Model.NewSession(adapter, set.CanaryTokens(), evaluate.CanarySequences)
		if err != nil {
			return nil, err
		}
		defer session.Close()
		return set.Canaries(ctx, session, planted, report)
	})
	return err
}

// measureWritten has messages written in the places of real ones, and measures their style and what they copy.
func (o *evaluateOptions) measureWritten(ctx context.Context, set *evaluate.Set, writer evaluate.Generator, m *measured, s *stages) error {
	r := m.report
	moments, err := set.Moments(o.styleMessages)
	if err != nil {
		return err
	}
	written, err := runStage(s, m, "written", "writing in their places", "messages", []any{o.styleMessages, o.sample},
		func(report func(done, total int64)) (evaluate.SavedWritten, error) {
			err := set.WriteMoments(ctx, writer, moments, 1, o.sample, report)
			return evaluate.SaveWritten(moments), err
		})
	if err != nil {
		return err
	}
	written.Restore(moments)
	if o.style {
		texts, err := set.StylePeople(ctx, moments)
		if err != nil {
			return err
		}
		end := waiting("comparing styles")
		r.Style = style.Measure(texts)
		end()
	}
	if !o.leaks {
		return nil
	}
	trained, texts, real, err := set.LeakTexts(ctx, moments)
	if err != nil {
		return err
	}
	defer waiting("looking for copies")()
	finder := privacy.New(nil, people.Region(ownerFromSettings().Addresses), privacy.Kinds(), nil)
	r.Leaks = leaks.Measure(trained, texts, real, finder)
	return nil
}

func (o *evaluateOptions) writeSamples(ctx context.Context, set *evaluate.Set, writer evaluate.Generator, m *measured, s *stages) (*evaluate.Samples, error) {
	saved, err := runStage(s, m, "samples", "writing messages", "messages", []any{o.samples, o.sample},
		func(report func(done, total int64)) (evaluate.SavedSamples, error) {
			samples, err := set.Generate(ctx, writer, o.samples, o.sample, report)
			if err != nil {
				return evaluate.SavedSamples{}, err
			}
			return evaluate.SaveSamples(samples), nil
		})
	return saved.Restore(), err
}

// measureForesight measures how well the model foresees the next message.
func measureForesight(ctx context.Context, set *evaluate.Set, chooser evaluate.Chooser, m *measured, s *stages) (*evaluate.NextMessage, error) {
	saved, err := runStage(s, m, "next", "asking what comes next", "windows", nil, func(report func(done, total int64)) (evaluate.SavedNext, error) {
		next, err := set.NextMessage(ctx, chooser, report)
		return evaluate.SaveNext(next), err
	})
	return saved.Restore(), err
}

// measureAuthors measures how often the model names the author of a message.
func measureAuthors(ctx context.Context, set *evaluate.Set, l *load.Loaded, adapter *engine.Adapter, m *measured, s *stages) error {
	saved, err := runStage(s, m, "authors", "asking who said it", "windows", nil, func(report func(done, total int64)) (evaluate.SavedAuthors, error) {
		session, err := l.Model.NewSession(adapter, set.SequenceTokens(), set.Sequences())
		if err != nil {
			return evaluate.SavedAuthors{}, err
		}
		defer session.Close()
		return evaluate.SaveAuthors(set.WhoSaidIt(ctx, session, report))
	})
	m.report.WhoSaidIt, m.report.WhoSaidItDetail = saved.Restore()
	return err
}

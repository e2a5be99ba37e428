package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/generate/remote"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// validateBackend refuses what cannot be measured on another server.
func (o *evaluateOptions) validateBackend() error {
	switch {
	case o.backend.url == "" && o.skipLoss:
		return usererr.Usage("--skip-loss goes with --backend")
	case o.backend.url == "":
		return nil
	case o.withBase:
		return usererr.Usage("--with-base does not go with --backend: the server has one model")
	case o.whoSaidIt:
		return usererr.Usage("--who-said-it does not go with --backend: it asks for the likelihood of every message once per member")
	case o.skipLoss && (o.perContact || o.html != ""):
		return usererr.Usage("--per-contact and --html report losses: they do not go with --skip-loss")
	case o.skipLoss && o.skipGeneration && !o.nextMessage && !o.style && !o.leaks:
		return usererr.Usage("--skip-loss and --skip-generation leave nothing to measure")
	}
	return nil
}

// runWithBackend evaluates the model of another server, or compares with it.
func (o *evaluateOptions) runWithBackend(ctx context.Context, source windows.List, list []int, out io.Writer) error {
	w, err := o.backend.open(ctx)
	if err != nil {
		return err
	}
	writes := o.blindTest != "" || o.compare >= 0 || o.sideBySide > 0
	if !writes {
		if err := o.checkBackend(ctx, w); err != nil {
			return err
		}
	}
	source = windows.WithMemory(source, o.backend.memoryTokens, estimatedCount)
	set, err := o.readSet(ctx, source, list, textEncoder{}, o.maxSeqLength*remote.BytesPerToken)
	if err != nil {
		return err
	}
	if writes {
		return o.write(ctx, set, textGenerator{w, o.blindTest == ""}, nil, out)
	}
	m := &measured{name: o.backend.url, scores: set.Unscored()}
	if !o.skipLoss {
		report, finish := newProgress("measuring", "windows")
		m.scores, err = set.ScoreTexts(ctx, w, report)
		finish()
		if err != nil {
			return err
		}
	}
	if err := o.measureWriting(ctx, set, textGenerator{writer: w}, m, o.newStages(set, 1, "", "")); err != nil {
		return err
	}
	return o.show(ctx, m.report, out)
}

// checkBackend asks the server for what the measures need, about words of no one.
func (o *evaluateOptions) checkBackend(ctx context.Context, w *remote.Writer) error {
	if !o.skipLoss {
		if err := w.CheckLikelihoods(ctx); errors.Is(err, remote.ErrUnsupported) {
			hint := "--skip-loss measures the rest"
			if reason := usererr.Of(err); reason != "" {
				hint = reason + "; " + hint
			}
			return usererr.With(err, "%s", hint)
		} else if err != nil {
			return err
		}
	}
	if o.nextMessage {
		if err := w.CheckChoices(ctx); err != nil {
			return usererr.With(err, "leave out --next-message")
		}
	}
	return nil
}

// textEncoder makes a token of each byte, so that what is made of tokens can be read as a text.
type textEncoder struct{}

func (textEncoder) AppendEncodeOrdinary(ids []int32, text string) []int32 {
	for i := range len(text) {
		ids = append(ids, int32(text[i]))
	}
	return ids
}

// textOf returns the text of bytes that textEncoder made tokens of.
func textOf(ids []int32) string {
	text := make([]byte, len(ids))
	for i, id := range ids {
		text[i] = byte(id)
	}
	return string(text)
}

// textGenerator writes with another server. Its prompts are texts of textEncoder.
type textGenerator struct {
	writer *remote.Writer
	whole  bool // a message that the grammar rejects, or that is cut off, is an error; otherwise it is no message
}

// Continue implements evaluate.Generator.
func (g textGenerator) Continue(ctx context.Context, prompt []int32, n int, o generate.Options, s generate.Stream) ([]generate.Continuation, error) {
	done := make([]generate.Continuation, n)
	for i := range n {
		var err error
		done[i], err = g.writer.Continue(ctx, textOf(prompt), o.First+i, o, func(t generate.Token) bool {
			if s != nil {
				s(i, t.Text)
			}
			return true
		})
		if err != nil && (g.whole || !errors.Is(err, remote.ErrMalformed)) {
			return nil, err
		}
		if g.whole && done[i].Stopped == generate.MaxNewTokens {
			return nil, usererr.With(fmt.Errorf("%w: it was cut off after %d tokens", generate.ErrUnwritten, o.MaxNewTokens), "raise --max-new-tokens")
		}
	}
	return done, nil
}

// ContinueEach implements evaluate.Generator.
func (g textGenerator) ContinueEach(ctx context.Context, prompts [][]int32, o generate.Options, _ generate.Stream) ([]generate.Continuation, error) {
	var done []generate.Continuation
	for i, prompt := range prompts {
		each := o
		each.First += i
		one, err := g.Continue(ctx, prompt, 1, each, nil)
		if err != nil {
			return done, err
		}
		done = append(done, one...)
	}
	return done, nil
}

// Choose implements evaluate.Chooser.
func (g textGenerator) Choose(ctx context.Context, prompt []int32, texts []string) ([]float64, error) {
	return g.writer.Choose(ctx, textOf(prompt), texts)
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"github.com/urfave/cli/v3"

	"ventriloquist/engine"
	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/lines"
	"ventriloquist/internal/load"
	"ventriloquist/internal/tokenizer"
	"ventriloquist/internal/usererr"
)

// textsHint says where texts come from.
const textsHint = `texts come from a file or from standard input, one {"text": "…"} per line`

// scoreOptions are the flags of `vqctl score`.
type scoreOptions struct {
	model modelOptions
	input string // "-" for stdin
}

func newScoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "score",
		Usage:     "print the log-probability of every token of a text",
		ArgsUsage: "[FILE|-]",
		Description: `Reads {"text": "…"} or {"ids": […]} per line and writes {"tokens": n, "logprobs": […], "argmax": […]} per line: for each token
but the first, the natural log of its probability given the tokens before it, and the most likely token in its place. The
text is used as is; special tokens in it become their ids. For fewer than two tokens both lists are empty. Blank lines are
skipped.`,
		DisableSliceFlagSeparator: true, // a comma in a path is a comma
		Flags:                     loadedModelFlags(),
		Action: func(ctx context.Context, c *cli.Command) error {
			o := scoreOptions{input: "-"}
			var err error
			if o.model, err = loadedModelOptionsOf(c); err != nil {
				return err
			}
			if c.Args().Len() > 1 {
				return usererr.With(usererr.Usage("score reads one file, not %d", c.Args().Len()), "%s", textsHint)
			}
			if c.Args().Present() {
				o.input = c.Args().First()
			}
			return runScore(ctx, o, os.Stdin, stdout)
		},
	}
}

// runScore writes a line for each line of the input as soon as it is computed.
func runScore(ctx context.Context, o scoreOptions, stdin io.Reader, out io.Writer) error {
	name, in, err := openTexts(o.input, stdin, `echo '{"text": %q}' | vqctl score`)
	if err != nil {
		return err
	}
	defer in.Close()
	loaded, err := o.model.open()
	if err != nil {
		return err
	}
	defer loaded.Close()
	scorer := engine.NewScorer(loaded.Model, loaded.Adapter)
	defer scorer.Close()

	report, finish := newProgress("scoring", "tokens")
	defer finish()
	var before int64 // tokens of the lines that are done
	scorer.Scored = func(done, _ int) { report(before+int64(done), 0) }
	var result []byte
	_, err = lines.Each(ctx, in, name, func(number int64, line []byte) (err error) {
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		var tokens int
		if result, tokens, err = scoreLine(ctx, result[:0], loaded, scorer, line); err != nil {
			return fmt.Errorf("%s:%d: %w", name, number, err)
		}
		if _, err := out.Write(result); err != nil {
			return fmt.Errorf("cannot write the result: %w", err)
		}
		before += int64(tokens)
		report(before, 0)
		return nil
	})
	return err
}

// scoreLine appends the result for a line, and returns its number of tokens.
func scoreLine(ctx context.Context, dst []byte, l *load.Loaded, scorer *engine.Scorer, line []byte) ([]byte, int, error) {
	ids, err := lineTokens(l.Tokenizer, line)
	if err != nil {
		return dst, 0, err
	}
	for i, id := range ids {
		if id < 0 || int(id) >= l.Base.Config.VocabSize {
			return dst, 0, fmt.Errorf("token %d has the id %d, and the model's ids end at %d", i, id, l.Base.Config.VocabSize-1)
		}
	}
	logProbs, argmax, err := scorer.Score(ctx, ids)
	if err != nil {
		return dst, 0, err
	}
	dst, err = appendScore(dst, len(ids), logProbs, argmax)
	return dst, len(ids), err
}

// lineTokens reads a line's text or ids.
func lineTokens(t *tokenizer.Tokenizer, line []byte) ([]int32, error) {
	const advice = `a line is {"text": "…"} or {"ids": [1, 2, 3]}`
	var object struct {
		Text *string
		IDs  *[]int32
	}
	err := jsonfields.ReadLine([]byte(tokenizer.ToValidUTF8(string(line))), map[string]any{"text": &object.Text, "ids": &object.IDs})
	if err != nil {
		return nil, usererr.With(err, advice)
	}
	switch {
	case object.Text != nil && object.IDs != nil:
		return nil, usererr.With(errors.New("the line has both a text and ids"), advice)
	case object.IDs != nil:
		return *object.IDs, nil
	case object.Text != nil:
		return t.Encode(*object.Text), nil
	}
	return nil, usererr.With(errors.New("the line has neither a text nor ids"), advice)
}

func appendScore(dst []byte, tokens int, logProbs []float32, argmax []int32) ([]byte, error) {
	dst = fmt.Appendf(dst, `{"tokens": %d, "logprobs": [`, tokens)
	for i, p := range logProbs {
		if math.IsNaN(float64(p)) || math.IsInf(float64(p), 0) {
			return dst, fmt.Errorf("the probability of token %d is not finite", i+1)
		}
		dst = appendSeparator(dst, i)
		dst = strconv.AppendFloat(dst, float64(p), 'g', -1, 32)
	}
	dst = append(dst, `], "argmax": [`...)
	for i, id := range argmax {
		dst = appendSeparator(dst, i)
		dst = strconv.AppendInt(dst, int64(id), 10)
	}
	return append(dst, "]}\n"...), nil
}

func appendSeparator(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ", "...)
	}
	return dst
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/lines"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/tokenizer"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

type tokenizeOptions struct {
	baseModel string
	input     string // a file, or - for standard input
	decode    bool
	plain     bool
}

func newTokenizeCommand() *cli.Command {
	var o tokenizeOptions
	return &cli.Command{
		Name:      "tokenize",
		Usage:     "convert texts to token ids, or back",
		ArgsUsage: "[FILE|-]",
		Description: `Each input line is an object {"text": …} or a JSON string; the output is one JSON array of ids per line.
Special tokens spelled out in a text become their ids. Blank lines are skipped.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "base-model", Usage: "folder or `NAME` of the base model; a folder needs only a tokenizer.json", Destination: &o.baseModel},
			&cli.BoolFlag{Name: "decode", Usage: "read arrays of ids, write JSON strings", Destination: &o.decode},
			&cli.BoolFlag{Name: "plain", Usage: "treat the whole input as one text", Destination: &o.plain},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.NArg() > 1 {
				return usererr.With(usererr.Usage("tokenize takes one file, not %d", c.NArg()), "%s", textsHint)
			}
			o.input = "-"
			if c.NArg() == 1 {
				o.input = c.Args().First()
			}
			return runTokenize(ctx, o, os.Stdin, stdout)
		},
	}
}

func runTokenize(ctx context.Context, o tokenizeOptions, stdin io.Reader, out io.Writer) error {
	if o.decode && o.plain {
		return usererr.Usage("--plain reads text and --decode reads ids: give only one of them")
	}
	source, err := tokenizerSource(o.baseModel)
	if err != nil {
		return err
	}
	t, err := load.LoadTokenizer(source)
	if err != nil {
		return err
	}
	name, in, err := openTexts(o.input, stdin, "echo %q | vqctl tokenize --plain")
	if err != nil {
		return err
	}
	defer in.Close()
	switch {
	case o.plain:
		return tokenizePlain(t, name, in, out)
	case o.decode:
		return convertLines(ctx, t, name, in, out, decodeLine)
	}
	return convertLines(ctx, t, name, in, out, encodeLine)
}

// convertLines converts all lines but the blank ones, on all cores.
func convertLines(ctx context.Context, t *tokenizer.Tokenizer, name string, in io.Reader, out io.Writer,
	convert func(t *tokenizer.Tokenizer, dst, line []byte) ([]byte, error)) error {
	return lines.Map(ctx, name, in, out, func(dst, line []byte) ([]byte, error) {
		if len(bytes.TrimSpace(line)) == 0 {
			return dst, lines.ErrSkip
		}
		return convert(t, dst, line)
	})
}

// tokenizerSource returns the named base model, else that of the trained adapter, else the default.
func tokenizerSource(name string) (model.Location, error) {
	if name == "" {
		if train.UsableAdapter(defaultOutputDir).Dir != "" {
			base, _, err := modelOptions{}.resolve()
			return base, err
		}
	}
	return model.Resolve(name)
}

func tokenizePlain(t *tokenizer.Tokenizer, name string, in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", name, err)
	}
	if _, err := out.Write(append(appendIDs(nil, t.Encode(string(text))), '\n')); err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}
	return nil
}

func encodeLine(t *tokenizer.Tokenizer, dst, line []byte) ([]byte, error) {
	text, err := lineText(line)
	if err != nil {
		return nil, err
	}
	return appendIDs(dst, t.Encode(text)), nil
}

// lineText reads a JSON string, or the "text" of an object.
func lineText(line []byte) (string, error) {
	// encoding/json would make each broken byte a U+FFFD, the tokenizer each broken sequence.
	line = []byte(tokenizer.ToValidUTF8(string(line)))
	var text *string
	var err error
	if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("{")) {
		var object map[string]json.RawMessage
		if err = json.Unmarshal(line, &object); err == nil {
			raw, ok := object["text"]
			if !ok {
				return "", usererr.With(errors.New(`the object has no "text"`), tokenizeLineHint)
			}
			err = json.Unmarshal(raw, &text)
		}
	} else {
		err = json.Unmarshal(line, &text)
	}
	if err == nil && text == nil {
		err = errors.New("null is not a text")
	}
	if err != nil {
		return "", usererr.With(jsonfields.InWords(err), tokenizeLineHint)
	}
	return *text, nil
}

const tokenizeLineHint = `each line must be {"text": "…"} or a JSON string; --plain reads the input as one text`

func appendIDs(dst []byte, ids []int32) []byte {
	dst = append(dst, '[')
	for i, id := range ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(id), 10)
	}
	return append(dst, ']')
}

func decodeLine(t *tokenizer.Tokenizer, dst, line []byte) ([]byte, error) {
	var ids []int32
	err := json.Unmarshal(line, &ids)
	if err == nil && ids == nil {
		err = errors.New("null is not an array")
	}
	if err != nil {
		return nil, usererr.With(jsonfields.InWords(err), "with --decode each line must be an array of token ids, such as [9707,1879]")
	}
	for _, id := range ids {
		if t.TokenBytes(id) == nil {
			return nil, fmt.Errorf("the tokenizer has no id %d", id)
		}
	}
	return windows.AppendString(dst, t.Decode(ids)), nil
}

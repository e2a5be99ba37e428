package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model/convert"
	"ventriloquist/internal/modelfile"
	"ventriloquist/internal/usererr"
)

// ollamaWriter returns what writes a folder for `ollama create`: the merged model, and the Modelfile of a person.
func (o *exportOptions) ollamaWriter() (modelWriter, error) {
	chat, err := o.ollamaChat()
	if err != nil {
		return nil, err
	}
	write, err := o.ggufWriter()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, source convert.Source, path string) error {
		return atomicfile.WriteDir(path, func(tmp string) error {
			if err := write(ctx, source, filepath.Join(tmp, modelfile.Weights)); err != nil {
				return err
			}
			return atomicfile.WriteBytes(filepath.Join(tmp, modelfile.File), chat.Text())
		})
	}, nil
}

// ollamaCreate returns the command that makes a folder a model of Ollama, named like the folder.
func ollamaCreate(folder string) string {
	name := strings.ToLower(filepath.Base(filepath.Clean(folder)))
	return fmt.Sprintf("ollama create %s -f %s", quoteForShell(name), quoteForShell(filepath.Join(folder, modelfile.File)))
}

// ollamaChat returns who answers and who types.
func (o *exportOptions) ollamaChat() (chat modelfile.Chat, err error) {
	known := o.model.model.knownPeople()
	if len(o.person) != 1 {
		example := "John"
		if others := slices.DeleteFunc(slices.Clone(known.trained), func(name string) bool { return name == known.owner }); len(others) > 0 {
			example = others[0]
		}
		return chat, usererr.With(usererr.Usage("--format ollama writes a model of one person"), "name the person: --person %q", example)
	}
	if chat.As, err = known.resolve("--person", strings.TrimSpace(o.person[0]), nil); err != nil {
		return chat, err
	}
	with := strings.TrimSpace(o.model.with)
	if with == "" {
		with = known.owner
	}
	if with == "" {
		return chat, usererr.With(usererr.Usage("who will type to %s?", chat.As), "name the one who types: --with NAME, or set MY_NAME")
	}
	if chat.With, err = known.resolve("--with", with, nil); err != nil {
		return chat, err
	}
	if chat.As == chat.With {
		return chat, usererr.With(fmt.Errorf("%s cannot both answer and type: %w", chat.As, usererr.ErrUsage), "name another one who types: --with NAME")
	}
	return chat, nil
}

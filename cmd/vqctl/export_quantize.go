package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model/convert"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/usererr"
)

// quantizer is llama.cpp's program.
const quantizer = "llama-quantize"

// quantizingWriter returns what writes a GGUF file in f16 and has llama.cpp's quantizer make one of another type of it.
func (o *exportOptions) quantizingWriter(kind string) (modelWriter, error) {
	if o.model.check {
		return nil, usererr.With(usererr.Usage("--check cannot read weights in %s", kind), "check the same export in q8_0: only the rounding differs")
	}
	program, err := exec.LookPath(quantizer)
	if err != nil {
		return nil, usererr.With(fmt.Errorf("--type %s is made by llama.cpp's quantizer, and there is no %s in PATH", kind, quantizer),
			"install llama.cpp (brew install llama.cpp, or https://github.com/ggml-org/llama.cpp/releases), or choose one of %s", strings.Join(ownTypes(), ", "))
	}
	return func(ctx context.Context, source convert.Source, path string) error {
		return quantize(ctx, program, kind, source, path)
	}, nil
}

// quantize writes the file in f16 beside path, quantizes it there, and moves the result to path.
func quantize(ctx context.Context, program, kind string, source convert.Source, path string) (err error) {
	parent, name := filepath.Dir(path), filepath.Base(path)
	scratch.SweepNamed(parent, name)
	tmp, err := scratch.NewNamed(parent, name)
	if err != nil {
		return err
	}
	defer func() {
		if failed := tmp.Remove(); err == nil {
			err = failed
		}
	}()
	plain, small := filepath.Join(tmp.Path, "f16.gguf"), filepath.Join(tmp.Path, "quantized.gguf")
	if err := source.WriteGGUF(ctx, plain, gguf.F16); err != nil {
		return err
	}
	var said bytes.Buffer
	c := exec.CommandContext(ctx, program, plain, small, strings.ToUpper(kind))
	c.Stdout, c.Stderr = &said, &said
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w: %s", program, err, lastLine(said.String()))
	}
	if err := os.Chmod(small, 0o600); err != nil {
		return fmt.Errorf("%s wrote nothing: %w", program, err)
	}
	return atomicfile.Move(small, path)
}

// lastLine returns the last line of a program's output that is not empty.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

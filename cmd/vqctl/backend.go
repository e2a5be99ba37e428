package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/generate/remote"
	"ventriloquist/internal/usererr"
)

// backendKey is the variable with the key that the server asks for.
const backendKey = "VQCTL_BACKEND_KEY"

// backendOptions are the flags of commands that can write with the model of a server.
type backendOptions struct {
	url   string // "" for the engine
	model string
	yes   bool
	// memoryTokens is how many tokens of memories the server's model was trained with.
	memoryTokens int
}

func backendFlags() []cli.Flag {
	return inGroup(modelGroup,
		&cli.StringFlag{Name: "backend", Usage: "write with the model of the server at `URL`: llama.cpp's, Ollama, or one with OpenAI's /v1/completions"},
		&cli.StringFlag{Name: "backend-model", Usage: "`NAME` of the server's model (default: the only one it has)"},
		&cli.IntFlag{Name: "memory-tokens", Usage: "with --backend: `N` tokens of memories, for a model that was trained with them (preprocess --memory)"},
		&cli.BoolFlag{Name: "yes", Usage: "send conversations to another machine without asking"})
}

// backendOptionsOf returns what the flags ask for, and changes the options of sampling to what servers have.
func backendOptionsOf(c *cli.Command, sample *generate.Options) (o backendOptions, err error) {
	o = backendOptions{url: c.String("backend"), model: c.String("backend-model"), yes: c.Bool("yes"), memoryTokens: c.Int("memory-tokens")}
	if o.url == "" {
		if o.model != "" {
			return o, usererr.Usage("--backend-model goes with --backend")
		}
		return o, validateMemory(o.memoryTokens, c.IsSet("memory-tokens"), "--backend: otherwise the adapter says it")
	}
	for _, f := range loadedModelFlags() {
		if name := f.Names()[0]; c.IsSet(name) {
			return o, usererr.With(usererr.Usage("--%s does not go with --backend: the server has its own model", name),
				"vqctl export writes the model with its adapter for other programs")
		}
	}
	if err := validateMemory(o.memoryTokens, true, ""); err != nil {
		return o, err
	}
	if !c.IsSet("repetition-penalty") {
		sample.RepetitionPenalty = 1
	}
	return o, remote.Check(sample)
}

// open connects to the server. Before anything is sent to another machine, it asks.
func (o *backendOptions) open(ctx context.Context) (*remote.Writer, error) {
	address, err := remote.ParseAddress(o.url)
	if err != nil {
		return nil, err
	}
	if !address.Local() && !o.yes {
		what := fmt.Sprintf("Conversations, with their names and messages, would be sent to %s, which is another machine.\n", address.Host())
		yes, err := maySend(ctx, what, "Send them?", os.Stdin, term.IsTerminal(int(os.Stdin.Fd())))
		if err == nil && !yes {
			err = errors.New("nothing was sent")
		}
		if err != nil {
			return nil, err
		}
	}
	done := waiting("asking " + address.Host())
	defer done()
	return remote.Open(ctx, address, remote.Options{Model: o.model, Key: strings.TrimSpace(os.Getenv(backendKey))})
}

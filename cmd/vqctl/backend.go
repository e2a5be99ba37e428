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
}

func backendFlags() []cli.Flag {
	return inGroup(modelGroup,
		&cli.StringFlag{Name: "backend", Usage: "write with the model of the server at `URL`: llama.cpp's, Ollama, or one with OpenAI's /v1/completions"},
		&cli.StringFlag{Name: "backend-model", Usage: "`NAME` of the server's model (default: the only one it has)"},
		&cli.BoolFlag{Name: "yes", Usage: "send the conversation to another machine without asking"})
}

// backendOptionsOf returns what the flags ask for, and changes the options of sampling to what servers have.
func backendOptionsOf(c *cli.Command, sample *generate.Options) (o backendOptions, err error) {
	o = backendOptions{url: c.String("backend"), model: c.String("backend-model"), yes: c.Bool("yes")}
	if o.url == "" {
		if o.model != "" {
			return o, usererr.Usage("--backend-model goes with --backend")
		}
		return o, nil
	}
	for _, f := range loadedModelFlags() {
		if name := f.Names()[0]; c.IsSet(name) {
			return o, usererr.With(usererr.Usage("--%s does not go with --backend: the server has its own model", name),
				"vqctl export writes the model with its adapter for other programs")
		}
	}
	if !c.IsSet("repetition-penalty") {
		sample.RepetitionPenalty = 1
	}
	return o, remote.Check(sample)
}

// open connects to the server. Before anything is sent to another machine, it asks.
func (o *backendOptions) open(ctx context.Context) (generate.Writer, error) {
	address, err := remote.ParseAddress(o.url)
	if err != nil {
		return nil, err
	}
	if !address.Local() && !o.yes {
		if err := agreeToSend(ctx, address.Host()); err != nil {
			return nil, err
		}
	}
	done := waiting("asking " + address.Host())
	w, err := remote.Open(ctx, address, remote.Options{Model: o.model, Key: strings.TrimSpace(os.Getenv(backendKey))})
	done()
	if err != nil {
		return nil, err
	}
	return w, nil
}

// agreeToSend asks whether the conversation may be sent to another machine; an error means that it may not.
func agreeToSend(ctx context.Context, host string) error {
	const words = "The conversation, with its names and messages, would be sent to %s, which is another machine.\n"
	fmt.Fprintf(stderr, words, host)
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return usererr.With(errors.New("nothing was sent: this is not a terminal, so there is no one to ask"), "--yes sends without asking")
	}
	yes, err := ask(ctx, "Send it?", os.Stdin, stderr)
	if err == nil && !yes {
		err = errors.New("nothing was sent")
	}
	return err
}

package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"ventriloquist/internal/usererr"
)

// Options of a connection.
type Options struct {
	Model string // "" for the only one of the server
	Key   string // sent as a bearer token; "" for none
}

// Open finds out what kind of server listens at an address, by its path or by asking it, and which model to use. It sends no message.
func Open(ctx context.Context, a Address, o Options) (*Writer, error) {
	c := &client{address: a, key: o.Key, http: &http.Client{CheckRedirect: noRedirects}, patience: patience}
	s, err := find(ctx, c, o.Model)
	if err != nil {
		return nil, err
	}
	return &Writer{server: s}, nil
}

// find returns the server.
func find(ctx context.Context, c *client, model string) (server, error) {
	path := c.address.url.Path
	if before, ok := strings.CutSuffix(path, "/v1/completions"); ok {
		return newOpenAI(ctx, c, before+"/v1", model)
	}
	if strings.HasSuffix(path, "/v1") {
		return newOpenAI(ctx, c, path, model)
	}
	if before, ok := strings.CutSuffix(path, "/completion"); ok {
		return &llamaCPP{client: c, path: before}, nil
	}
	for _, ending := range []string{"/api/generate", "/api"} {
		if before, ok := strings.CutSuffix(path, ending); ok {
			return newOllama(ctx, c, before, model)
		}
	}
	return ask(ctx, c, path, model)
}

// ask finds the kind of a server whose path does not say it. llama.cpp's has all the others' addresses too, so it comes first.
func ask(ctx context.Context, c *client, path, model string) (server, error) {
	var props struct {
		Slots    *int `json:"total_slots"`
		Settings any  `json:"default_generation_settings"`
	}
	failed := c.get(ctx, path+"/props", &props)
	if failed == nil && (props.Slots != nil || props.Settings != nil) {
		return &llamaCPP{client: c, path: path}, nil
	}
	var refused *statusError
	if failed != nil && errors.As(failed, &refused) && refused.status == http.StatusUnauthorized {
		return nil, c.described(failed)
	}
	if failed != nil && ctx.Err() == nil && usererr.Of(failed) != "" {
		return nil, failed // nothing listens there
	}
	var version struct{ Version string }
	if err := c.get(ctx, path+"/api/version", &version); err == nil && version.Version != "" {
		return newOllama(ctx, c, path, model)
	}
	var list struct{ Data []any }
	if err := c.get(ctx, path+"/v1/models", &list); err == nil {
		return newOpenAI(ctx, c, path+"/v1", model)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, usererr.With(fmt.Errorf("%s is neither llama.cpp's server, nor Ollama, nor one with /v1/completions", c.address.Host()),
		"name the path too: …/completion for llama.cpp, …/api for Ollama, …/v1 for others")
}

// only returns the model to use: the one that was named, or the only one.
func only(model string, list []string) (string, error) {
	switch {
	case model != "":
		return model, nil
	case len(list) == 1:
		return list[0], nil
	case len(list) == 0:
		return "", usererr.With(errors.New("the server has no model"), "load one there, or name it with %v", usererr.Option("backend_model"))
	}
	const most = 10
	names := shortened(strings.Join(list[:min(most, len(list))], ", "))
	return "", usererr.With(usererr.Usage("the server has %d models, and none was named", len(list)), "choose with %v: %s", usererr.Option("backend_model"), names)
}

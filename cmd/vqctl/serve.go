package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"
	"golang.org/x/net/netutil"

	"ventriloquist/internal/loopback"
	"ventriloquist/internal/model"
	"ventriloquist/internal/serve"
	"ventriloquist/internal/usererr"
)

// serveOptions are the flags of `vqctl serve`.
type serveOptions struct {
	model       modelOptions
	backend     backendOptions
	adapters    []string
	server      serve.Options
	listen      string
	tokenFile   string
	certificate string
	key         string
	cacheTokens int
	contacts    contactsOptions // whose messages the page shows
	noArchive   bool
	openPage    bool
}

func newServeCommand() *cli.Command {
	var contacts contactsOptions
	return &cli.Command{
		Name:  "serve",
		Usage: "talk to the people the model was trained on in a browser, and from other programs",
		Description: `Open the address that it prints: the page lets you write as anyone, compares candidates, and shows the real messages, statistics
and the training run.

For other programs each person is a model of an HTTP server in the form of OpenAI's API: /v1/models lists them, /v1/chat/completions
answers as one of them, /v1/completions continues raw window text. With --backend, the model of another server writes the answers. User messages without a name are MY_NAME's. Sampling flags are the
defaults of requests. Requests are decoded together, and those of one conversation share what was read before.

The first line of output is the address. On 127.0.0.1 no token is needed. Other addresses need one: VQCTL_SERVE_TOKEN, the
content of --token-file, or one that is made, shown once and kept in ` + tokenPath + `. Clients send it as their API key.
Ctrl-C ends the server when the answers in progress are complete, after ten seconds at the latest.`,
		DisableSliceFlagSeparator: true, // a comma in a path is a comma
		Flags: slices.Concat(
			inGroup(serverGroup,
				&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8765", Usage: "`HOST:PORT` to listen on; port 0 is one that is free"},
				&cli.BoolFlag{Name: "open", Usage: "open the page in the browser"},
				&cli.BoolFlag{Name: "no-archive", Usage: "do not show the real messages, statistics and the training run"},
				dataDirFlag(&contacts.dataDir), contactsFlag(&contacts.contacts),
				&cli.StringFlag{Name: "token-file", Usage: "`FILE` with the token that requests must bring"},
				&cli.StringFlag{Name: "tls-cert", Usage: "`FILE` with the certificate for HTTPS, in PEM form"},
				&cli.StringFlag{Name: "tls-key", Usage: "`FILE` with its key"},
				&cli.StringSliceFlag{Name: "allow-host", Usage: "`NAME` that requests may be addressed to besides localhost (repeatable)"},
				&cli.StringSliceFlag{Name: "allow-origin", Usage: "`ORIGIN` of a site whose pages may use the server, such as http://localhost:3000 (repeatable)"},
				&cli.IntFlag{Name: "max-seq-length", Value: 4096, Usage: "`N`: maximum tokens of a conversation; oldest messages are dropped to fit"},
				&cli.IntFlag{Name: "parallel", Value: 16, Usage: "`N`: answers that are written at the same time"},
				&cli.IntFlag{Name: "cache-tokens", Usage: "`N`: tokens of all conversations in memory (default: 32768, or as many as fit)", HideDefault: true},
				&cli.IntFlag{Name: "queue", Value: 64, Usage: "`N`: requests that wait; further ones are refused"},
				&cli.DurationFlag{Name: "timeout", Value: 10 * time.Minute, Usage: "`DURATION` that a request may take, waiting included"}),
			sampleFlags("random for each request", "(default: %g; off with temperature 0)"),
			inGroup(modelGroup,
				baseModelFlag("the adapter's"),
				&cli.StringSliceFlag{Name: "adapter", Usage: "`DIR`: folder of an adapter (repeatable; default: " + defaultAdapter + ", or best next to it if its held-out loss is lower)"}),
			deviceFlags(), backendFlags()),
		Action: func(ctx context.Context, c *cli.Command) error {
			opts, err := serveOptionsOf(c)
			if err != nil {
				return err
			}
			opts.contacts, opts.noArchive, opts.openPage = contacts, c.Bool("no-archive"), c.Bool("open")
			return runServe(ctx, opts)
		},
	}
}

func serveOptionsOf(c *cli.Command) (o serveOptions, err error) {
	if o.model, err = modelOptionsOf(c); err != nil {
		return o, err
	}
	for _, dir := range c.StringSlice("adapter") {
		o.adapters = append(o.adapters, model.ExpandHome(dir))
	}
	o.listen, o.tokenFile = c.String("listen"), model.ExpandHome(c.String("token-file"))
	o.certificate, o.key = model.ExpandHome(c.String("tls-cert")), model.ExpandHome(c.String("tls-key"))
	o.cacheTokens = c.Int("cache-tokens")
	o.server = serve.Options{MaxTokens: c.Int("max-seq-length"), Parallel: c.Int("parallel"), Queue: c.Int("queue"), Timeout: c.Duration("timeout"),
		Hosts: c.StringSlice("allow-host"), Origins: c.StringSlice("allow-origin"), SeedGiven: c.IsSet("seed"), PenaltyWhenGreedy: c.IsSet("repetition-penalty")}
	for i, h := range o.server.Hosts {
		o.server.Hosts[i] = strings.ToLower(h)
	}
	if o.server.Defaults, err = sampleOptionsOf(c, false); err != nil {
		return o, err
	}
	if o.backend, err = backendOptionsOf(c, &o.server.Defaults); err != nil {
		return o, err
	}
	if err := o.refuseWithBackend(c.IsSet); err != nil {
		return o, err
	}
	if err := noArguments(c, ""); err != nil {
		return o, err
	}
	return o, o.validate()
}

func (o *serveOptions) validate() error {
	host, _, err := net.SplitHostPort(o.listen)
	switch {
	case err != nil:
		return usererr.With(usererr.Usage("--listen %q is not an address and a port", o.listen), "such as 127.0.0.1:8765")
	case (o.certificate == "") != (o.key == ""):
		return usererr.Usage("--tls-cert and --tls-key belong together")
	case o.server.MaxTokens < 1 || o.server.MaxTokens > 1<<20:
		return usererr.Usage("--max-seq-length %d is not from 1 to %d", o.server.MaxTokens, 1<<20)
	case o.server.Parallel < 1 || o.server.Parallel > 256:
		return usererr.Usage("--parallel %d is not from 1 to 256", o.server.Parallel)
	case o.server.Queue < 1 || o.server.Queue > 1<<16:
		return usererr.Usage("--queue %d is not from 1 to %d", o.server.Queue, 1<<16)
	case o.server.Timeout <= 0:
		return usererr.Usage("--timeout must be above 0")
	case o.cacheTokens < 0:
		return usererr.Usage("--cache-tokens must not be negative")
	}
	o.server.Loopback = loopback.Is(host)
	return nil
}

// runServe answers requests until the context ends.
func runServe(ctx context.Context, o serveOptions) error {
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return usererr.With(fmt.Errorf("cannot listen on %s: %w", o.listen, usererr.Network(err)), "choose another address with --listen; port 0 is one that is free")
	}
	defer listener.Close()
	if o.server.Token, err = o.token(); err != nil { // after it listens: a new token is shown only once
		return err
	}
	closeModels, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer closeModels()
	if !o.noArchive {
		o.server.Archive = o.archive()
	}
	o.server.Failed = func(err error) { logOf(ctx).Error("the model failed", zap.Error(err)) }
	s := serve.New(o.server)
	defer s.Close()
	return o.serve(ctx, s, listener)
}

// The limits on clients that hold connections open.
const (
	maxConnections = 256
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	grace          = 10 * time.Second // for the answers in progress when the server ends
)

func (o *serveOptions) serve(ctx context.Context, s *serve.Server, listener net.Listener) error {
	h := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: zap.NewStdLog(logOf(ctx))}
	scheme := "http"
	if o.certificate != "" {
		scheme = "https"
	}
	address := scheme + "://" + listener.Addr().String()
	fmt.Fprintf(stdout, "listening on %s\n", address)
	stdout.Flush()
	o.noticeOwner()
	ended := make(chan error, 1)
	go func() {
		limited := netutil.LimitListener(listener, maxConnections)
		if o.certificate != "" {
			ended <- h.ServeTLS(limited, o.certificate, o.key)
		} else {
			ended <- h.Serve(limited)
		}
	}()
	if o.openPage {
		openAddress(ctx, pageAddress(address), pageAddress(address))
	}
	defer onInterrupt(stopping{func() string { return "finishing the answers in progress" }, "they are cut off"})()
	select {
	case err := <-ended:
		return fmt.Errorf("cannot serve on %s: %w", o.listen, err)
	case <-ctx.Done():
	}
	s.Drain()
	wait, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := h.Shutdown(wait); errors.Is(err, context.DeadlineExceeded) {
		s.Close() // answers in progress end with an error
		last, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if h.Shutdown(last) != nil {
			h.Close()
		}
	}
	return nil
}

func (o *serveOptions) noticeOwner() {
	if o.server.Owner == "" {
		notice("MY_NAME is not set: user messages need a name")
	}
}

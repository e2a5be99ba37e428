package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"ventriloquist/internal/filelock"
	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"

	"golang.org/x/sync/errgroup"
)

// Result says where a model is.
type Result struct {
	Location model.Location
	Already  bool   // it was there before, in vqctl's folder or in Hugging Face's cache
	Commit   string // that was downloaded
	Bytes    int64  // size of all its files; 0 if Already
}

// Pull downloads a model, owner/name or owner/name@revision, unless it is already on this machine.
func (c *Client) Pull(ctx context.Context, name string) (Result, error) {
	repo, revision, ok := model.ParseName(name)
	if !ok {
		return Result{}, usererr.Usage("%q is not a model name; a name is owner/name or owner/name@revision, such as %s", name, model.Default)
	}
	name = model.AtRevision(repo, revision)
	final, partial, err := folders(repo, revision)
	if err != nil {
		return Result{}, err
	}
	if source, err := model.ResolveRepo(name); err == nil {
		return Result{Location: source, Already: true}, nil
	}
	if c.offline {
		return Result{}, usererr.With(fmt.Errorf("%s is not on this machine, and HF_HUB_OFFLINE forbids downloading it", name), "unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE")
	}
	if c.problem != nil {
		return Result{}, c.problem
	}
	if err := requireQwen3(repo); err != nil {
		return Result{}, err
	}
	l, err := c.list(ctx, repo, revision) // first: a name that does not exist leaves no folder
	if err != nil {
		return Result{}, err
	}
	return c.pull(ctx, model.Location{Name: name, Dir: final}, partial, l)
}

// pull downloads the listed files into the folder partial, which then becomes the target's.
func (c *Client) pull(ctx context.Context, target model.Location, partial string, l listing) (Result, error) {
	if err := prepare(target.Dir, partial); err != nil {
		return Result{}, err
	}
	unlock, err := lock(partial)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	total, err := c.download(ctx, model.Location{Name: target.Name, Dir: partial}, l)
	if err != nil {
		removeRejected(partial, err)
		return Result{}, err
	}
	if err := model.WriteCommit(partial, l.commit); err != nil {
		return Result{}, err
	}
	if err := finish(partial, target.Dir); err != nil {
		return Result{}, err
	}
	return Result{Location: target, Commit: l.commit, Bytes: total}, nil
}

// otherFamily matches names of models that are not of the Qwen3 family. Names that have qwen3 in them may be fine-tuned copies.
var otherFamily = regexp.MustCompile(`(?i)(^|[/_.-])(code)?(llama|mistral|mixtral|gemma|phi|qwen-?[12]?(\.5)?|falcon|gpt|gpt2|bloom|opt|pythia|olmo|deepseek|yi|glm|chatglm|internlm|baichuan|smollm|granite|stablelm|bert|t5|starcoder)-?v?[0-9.]*([/_.-]|$)`)

// requireQwen3 refuses models of other families by their names, before anything is requested.
func requireQwen3(repo string) error {
	name := repo[strings.Index(repo, "/")+1:]
	if strings.Contains(strings.ToLower(name), "qwen3") || !otherFamily.MatchString(name) {
		return nil
	}
	return usererr.With(fmt.Errorf("%s is not a model of the Qwen3 family, the only one that vqctl can use", repo), "choose one of it, such as %s; if it is one under another name, copy its folder here and use it with %v", model.Default, usererr.Option("base_model"))
}

// rejectedError is the error of a model that cannot be used, by its config.json.
type rejectedError struct{ error }

func (e rejectedError) Unwrap() error { return e.error }

// removeRejected removes the folder of a model that cannot be used.
func removeRejected(partial string, err error) {
	var rejected rejectedError
	if errors.As(err, &rejected) {
		_ = os.RemoveAll(partial) // what is left is listed as incomplete
		_ = os.Remove(filepath.Dir(partial))
	}
}

// lock locks a folder against other processes until unlock is called.
func lock(dir string) (unlock func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot begin the download: %w", err)
	}
	if filelock.Try(f) != nil {
		busy := usererr.With(errors.New("another vqctl is downloading this model"), "wait for it, or stop it first: its download is kept")
		return nil, errors.Join(busy, f.Close())
	}
	return f.Close, nil
}

// prepare creates the folder of the unfinished download. A model folder that lacks files becomes that folder.
func prepare(final, partial string) error {
	if err := os.MkdirAll(filepath.Dir(final), 0o700); err != nil {
		return fmt.Errorf("cannot make the folder for models: %w", err)
	}
	if _, err := os.Stat(partial); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(final, partial); err == nil {
			return nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot complete %s: %w", final, err)
		}
	}
	if err := os.MkdirAll(partial, 0o700); err != nil {
		return fmt.Errorf("cannot begin the download: %w", err)
	}
	return nil
}

// download fetches all files into the target's folder. config.json comes first: a model that cannot be used is rejected before its weights are
// downloaded.
func (c *Client) download(ctx context.Context, target model.Location, l listing) (int64, error) {
	repo, _ := model.SplitRevision(target.Name)
	dir := target.Dir
	if err := removeOthers(dir, l.files); err != nil {
		return 0, err
	}
	p := newProgress(l.files, c)
	if err := model.CheckSpace(dir, p.total-present(dir)); err != nil {
		return 0, err
	}
	isConfig := func(f file) bool { return f.name == model.ConfigFile }
	config := l.files[slices.IndexFunc(l.files, isConfig)]
	if err := c.fetch(ctx, repo, l.commit, dir, config, p); err != nil {
		return 0, err
	}
	if _, err := target.Config(); err != nil {
		return 0, rejectedError{err}
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.Workers)
	for _, f := range l.files {
		if !isConfig(f) {
			group.Go(func() error { return c.fetch(groupCtx, repo, l.commit, dir, f, p) })
		}
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return p.total, nil
}

// removeOthers removes files of an earlier run that the list no longer has, or has with other content.
func removeOthers(dir string, files []file) error {
	wanted := map[string]bool{}
	for _, f := range files {
		wanted[f.name], wanted[f.name+"."+f.checksum()[:12]+".part"] = true, true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot continue the download: %w", err)
	}
	for _, e := range entries {
		if wanted[e.Name()] {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("cannot continue the download: %w", err)
		}
	}
	return nil
}

// present returns the size of the files in a folder.
func present(dir string) (n int64) {
	entries, _ := os.ReadDir(dir) // without entries the estimate of the needed space is too high, which is safe
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	return n
}

// finish opens the model to check that its parts fit together, and renames the folder.
func finish(partial, final string) error {
	m, err := model.Open(partial)
	if err != nil {
		return err
	}
	if err := m.Close(); err != nil {
		return err
	}
	if err := os.Rename(partial, final); err != nil {
		return fmt.Errorf("cannot move the model to its folder: %w", err)
	}
	return nil
}

// progress adds up the reports of all files.
type progress struct {
	mu          sync.Mutex
	done, total int64
	client      *Client
}

func newProgress(files []file, c *Client) *progress {
	p := &progress{client: c}
	for _, f := range files {
		p.total += f.size
	}
	return p
}

// add counts downloaded bytes, negative ones for what had to be discarded.
func (p *progress) add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	if p.client.Progress != nil {
		p.client.Progress(p.done, p.total)
	}
}

// found counts bytes that an earlier run downloaded.
func (p *progress) found(n int64) {
	if p.client.Present != nil {
		p.client.Present(n)
	}
	p.add(n)
}

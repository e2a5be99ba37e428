package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"ventriloquist/internal/filelock"
	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"

	"golang.org/x/sync/errgroup"
)

// Result says where a model is.
type Result struct {
	Location model.Location
	Already  bool  // it was there before, in vqctl's folder or in Hugging Face's cache
	Bytes    int64 // size of all its files; 0 if Already
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
	if err := prepare(final, partial); err != nil {
		return Result{}, err
	}
	unlock, err := lock(partial)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	total, err := c.download(ctx, model.Location{Name: name, Dir: partial})
	if err != nil {
		return Result{}, err
	}
	if err := finish(partial, final); err != nil {
		return Result{}, err
	}
	return Result{Location: model.Location{Name: name, Dir: final}, Bytes: total}, nil
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
func (c *Client) download(ctx context.Context, target model.Location) (int64, error) {
	repo, revision := model.SplitRevision(target.Name)
	dir := target.Dir
	l, err := c.list(ctx, repo, revision)
	if err != nil {
		return 0, err
	}
	if err := removeOthers(dir, l.files); err != nil {
		return 0, err
	}
	p := newProgress(l.files, c.Progress)
	if err := model.CheckSpace(dir, p.total-present(dir)); err != nil {
		return 0, err
	}
	isConfig := func(f file) bool { return f.name == model.ConfigFile }
	config := l.files[slices.IndexFunc(l.files, isConfig)]
	if err := c.fetch(ctx, repo, l.commit, dir, config, p.add); err != nil {
		return 0, err
	}
	if _, err := target.Config(); err != nil {
		return 0, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.Workers)
	for _, f := range l.files {
		if !isConfig(f) {
			group.Go(func() error { return c.fetch(groupCtx, repo, l.commit, dir, f, p.add) })
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
	tell        func(done, total int64)
}

func newProgress(files []file, tell func(done, total int64)) *progress {
	p := &progress{tell: tell}
	for _, f := range files {
		p.total += f.size
	}
	return p
}

func (p *progress) add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	if p.tell != nil {
		p.tell(p.done, p.total)
	}
}

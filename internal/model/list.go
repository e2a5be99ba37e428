package model

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"ventriloquist/internal/scratch"
)

// Entry is a model on this machine.
type Entry struct {
	Name    string `json:"name"`
	Where   string `json:"where"` // "built in", "vqctl" or "huggingface"
	Dir     string `json:"dir,omitempty"`
	Bytes   int64  `json:"bytes"`
	Missing string `json:"missing,omitempty"` // the first missing file
}

// List lists the models that Resolve finds by name: the embedded one, vqctl's own, and the Qwen3 models in Hugging Face's
// cache. An unfinished download is listed with the file that it lacks.
func List() ([]Entry, error) {
	list := []Entry{{Name: Tiny, Where: "built in", Bytes: embedded().bytes()}}
	root, err := OwnFolder()
	if err != nil {
		return nil, err
	}
	own, err := listOwn(root)
	if err != nil {
		return nil, err
	}
	cached, err := listCache(CacheFolder())
	return append(append(list, own...), cached...), err
}

func listOwn(root string) (list []Entry, err error) {
	owners, err := readDir(root)
	if err != nil {
		return nil, err
	}
	for _, owner := range owners {
		dir := filepath.Join(root, owner)
		scratch.Sweep(dir) // what a killed removal left
		names, err := readDir(dir)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			whole := strings.TrimSuffix(strings.TrimPrefix(name, "."), ".partial")
			if plain, err := url.PathUnescape(whole); err == nil {
				whole = plain // a revision such as refs/pr/7
			}
			list = append(list, entry(owner+"/"+whole, "vqctl", filepath.Join(dir, name)))
		}
	}
	return list, nil
}

func listCache(root string) (list []Entry, err error) {
	if root == "" {
		return nil, nil
	}
	names, err := readDir(root)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		repo, ok := strings.CutPrefix(name, "models--")
		if !ok {
			continue
		}
		repo = strings.Replace(repo, "--", "/", 1)
		dir, err := cacheFolder(repo, "")
		if err != nil || dir == "" {
			continue // not a model that vqctl can use
		}
		if _, err := Folder(dir).Config(); err == nil {
			list = append(list, entry(repo, "huggingface", dir))
		}
	}
	return list, nil
}

func entry(name, where, dir string) Entry {
	return Entry{Name: name, Where: where, Dir: dir, Bytes: Folder(dir).bytes(), Missing: missingFile(dir)}
}

// readDir lists the subfolders of a folder; none if it does not exist.
func readDir(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list the models: %w", err)
	}
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.IsDir() {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	return names, nil
}

// File is one of a model's files.
type File struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// Files lists a model's files, following links.
func (s Location) Files() (list []File, err error) {
	if s.gguf != nil {
		info, err := os.Stat(s.Name)
		if err != nil {
			return nil, fmt.Errorf("cannot list %s: %w", s, err)
		}
		return []File{{filepath.Base(s.Name), info.Size()}}, nil
	}
	tree := s.files
	if s.Dir != "" {
		tree = os.DirFS(s.Dir)
	}
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", s, err)
	}
	for _, e := range entries {
		if info, err := fs.Stat(tree, e.Name()); err == nil && info.Mode().IsRegular() {
			list = append(list, File{e.Name(), info.Size()})
		}
	}
	return list, nil
}

func (s Location) bytes() (n int64) {
	files, _ := s.Files() // a folder that cannot be read has size 0
	for _, f := range files {
		n += f.Bytes
	}
	return n
}

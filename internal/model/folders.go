package model

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// ExpandHome replaces ~ at the start of a path, which shells leave alone in variables and behind an equals sign.
func ExpandHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !strings.HasPrefix(rest, "/") {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(home, rest)
}

// OwnFolder returns the folder of the models that vqctl downloads: $VENTRILOQUIST_MODELS, else ventriloquist/models in the
// user's data folder.
func OwnFolder() (string, error) {
	if dir := os.Getenv("VENTRILOQUIST_MODELS"); dir != "" {
		return filepath.Abs(ExpandHome(dir))
	}
	if dir := ExpandHome(os.Getenv("XDG_DATA_HOME")); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ventriloquist", "models"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", usererr.With(fmt.Errorf("no folder for models: %w", err), "set VENTRILOQUIST_MODELS to a folder")
	}
	return filepath.Join(home, ".local", "share", "ventriloquist", "models"), nil
}

// OwnPath returns the folder of a model among vqctl's own, which need not exist. Revisions have folders side by side.
func OwnPath(repo, revision string) (string, error) {
	root, err := OwnFolder()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, filepath.FromSlash(repo))
	if revision != "" {
		dir += "@" + url.PathEscape(revision)
	}
	return dir, nil
}

// ownFolder returns OwnPath, "" if the folder does not exist.
func ownFolder(repo, revision string) (string, error) {
	dir, err := OwnPath(repo, revision)
	if err != nil {
		return "", err
	}
	return existingDir(dir)
}

// HuggingFaceHome returns the folder of Hugging Face's tools: $HF_HOME, else huggingface in the user's cache; "" if there is
// no home folder.
func HuggingFaceHome() string {
	if dir := os.Getenv("HF_HOME"); dir != "" {
		return ExpandHome(dir)
	}
	cache := ExpandHome(os.Getenv("XDG_CACHE_HOME"))
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		cache = filepath.Join(home, ".cache")
	}
	return filepath.Join(cache, "huggingface")
}

// CacheFolder returns Hugging Face's cache of models, as its environment variables set it; "" if there is no home folder.
func CacheFolder() string {
	for _, key := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if dir := os.Getenv(key); dir != "" {
			return ExpandHome(dir)
		}
	}
	if home := HuggingFaceHome(); home != "" {
		return filepath.Join(home, "hub")
	}
	return ""
}

// cacheFolder returns the snapshot of a model's revision ("": main) in Hugging Face's cache, "" if there is none.
func cacheFolder(repo, revision string) (string, error) {
	root := CacheFolder()
	if root == "" {
		return "", nil
	}
	base := filepath.Join(root, "models--"+strings.ReplaceAll(repo, "/", "--"))
	if revision == "" {
		revision = "main"
	}
	if !strings.Contains(revision, "/") { // it may be a commit
		if dir, err := existingDir(filepath.Join(base, "snapshots", revision)); dir != "" || err != nil {
			return dir, err
		}
	}
	path := filepath.Join(base, "refs", filepath.FromSlash(revision))
	ref, err := regularfile.Read(path, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the Hugging Face cache: %w", err)
	}
	commit := strings.TrimSpace(string(ref))
	if commit == "" || commit != filepath.Base(commit) || !filepath.IsLocal(commit) {
		return "", usererr.With(fmt.Errorf("%s contains %q, which is not a commit", path, commit), "remove that folder and download the model again")
	}
	return existingDir(filepath.Join(base, "snapshots", commit))
}

func existingDir(dir string) (string, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot look for models: %w", err)
	}
	return dir, nil
}

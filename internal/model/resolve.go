package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"ventriloquist/internal/usererr"
)

const (
	// Default is the base model that is used if none is named.
	Default = "Qwen/Qwen3-8B-Base"
	// Tiny is the name of the model embedded in the program.
	Tiny = "tiny"
)

// Known lists the Qwen3 models, base models first; their owner may be omitted, and case does not matter.
var Known = []string{
	"Qwen/Qwen3-0.6B-Base", "Qwen/Qwen3-1.7B-Base", "Qwen/Qwen3-4B-Base", "Qwen/Qwen3-8B-Base", "Qwen/Qwen3-14B-Base",
	"Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B", "Qwen/Qwen3-4B", "Qwen/Qwen3-8B", "Qwen/Qwen3-14B", "Qwen/Qwen3-32B",
}

// Resolve finds a model: "" is Default, "tiny" the embedded one; then a folder or a GGUF file; then a name such as Qwen/Qwen3-8B-Base,
// qwen3-8b-base, owner/name or owner/name@revision in vqctl's own model folder and in the Hugging Face cache. It downloads
// nothing.
func Resolve(nameOrDir string) (Location, error) {
	if nameOrDir == "" {
		nameOrDir = Default
	}
	if nameOrDir == Tiny {
		return embedded(), nil
	}
	nameOrDir = ExpandHome(nameOrDir)
	if info, err := os.Stat(nameOrDir); err == nil && info.IsDir() {
		return folderByPath(nameOrDir)
	} else if err == nil {
		return fileByPath(nameOrDir)
	} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return Location{}, fmt.Errorf("cannot open base model: %w", err)
	}
	repo, revision, ok := ParseName(nameOrDir)
	if !ok {
		unknown := fmt.Errorf("no base model %q: it is neither a folder, nor a GGUF file, nor the name of a model", nameOrDir)
		return Location{}, usererr.Suggest(unknown, nameOrDir, usableNames(), "%s", fmt.Sprintf(
			"give a folder, %s, or a name as on Hugging Face: %s; vqctl model list shows the models on this machine", Tiny, Default))
	}
	return ResolveRepo(AtRevision(repo, revision))
}

// folderByPath makes the path absolute, because an adapter that records it must find it from elsewhere.
func folderByPath(dir string) (Location, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return Location{}, fmt.Errorf("cannot open base model %s: %w", dir, err)
	}
	return Folder(absolute), nil
}

// fileByPath finds a GGUF file; other files are parts of a model.
func fileByPath(path string) (Location, error) {
	if !isGGUF(path) {
		return Location{}, usererr.With(fmt.Errorf("base model %s is neither a folder nor a GGUF file", path), "name the folder that contains it")
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return Location{}, fmt.Errorf("cannot open base model %s: %w", path, err)
	}
	return ggufLocation(absolute), nil
}

// ResolveRepo finds a model by its full name, owner/name or owner/name@revision.
func ResolveRepo(name string) (Location, error) {
	repo, revision := SplitRevision(name)
	incomplete := ""
	for _, find := range []func(repo, revision string) (string, error){ownFolder, ownCommit, cacheFolder} {
		dir, err := find(repo, revision)
		if err != nil {
			return Location{}, err
		}
		if dir == "" {
			continue
		}
		if missing := missingFile(dir); missing != "" {
			incomplete = fmt.Sprintf(": %s has no %s", dir, missing)
			continue
		}
		return Location{Name: name, Dir: dir}, nil
	}
	err := fmt.Errorf("base model %s is not on this machine%s", name, incomplete)
	if original, ok := Original(repo); ok {
		return Location{}, usererr.With(err, "it is a quantized copy, which vqctl cannot use: use %v %s (vqctl model pull %s); %v quantizes it when it is loaded",
			usererr.Option("base_model"), original, original, usererr.Option("load_in_4bit"))
	}
	otherwise := fmt.Sprintf("download it with: vqctl model pull %s (or try the built-in model: %v %s)", name, usererr.Option("base_model"), Tiny)
	if incomplete != "" || slices.Contains(Known, repo) {
		return Location{}, usererr.With(err, "%s", otherwise)
	}
	return Location{}, usererr.Suggest(err, repo, Known, "%s", otherwise) // other names may be right, and not downloaded yet
}

// usableNames returns the names that a mistyped one may stand for: those of the models on this machine, and known ones with and
// without their owner.
func usableNames() []string {
	names := []string{Tiny}
	if list, err := List(); err == nil {
		for _, e := range list {
			names = append(names, e.Name)
		}
	}
	for _, name := range Known {
		names = append(names, name, path.Base(name))
	}
	return names
}

// ParseName splits a model's name and adds the owner of a known one. ok is false if the name or the revision is not valid.
func ParseName(name string) (repo, revision string, ok bool) {
	repo, revision = SplitRevision(name)
	repo, ok = RepoName(repo)
	if revision == "main" {
		revision = ""
	}
	return repo, revision, ok
}

// revisionPattern is a branch, a tag, a commit, or a pull request: refs/pr/7.
var revisionPattern = regexp.MustCompile(`^[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95}){0,3}$`)

// SplitRevision splits owner/name@revision. Other names, such as paths with an @, have no revision.
func SplitRevision(name string) (repo, revision string) {
	before, after, found := strings.Cut(name, "@")
	if !found || !revisionPattern.MatchString(after) || strings.Contains(after, "..") {
		return name, ""
	}
	if _, ok := RepoName(before); !ok {
		return name, ""
	}
	return before, after
}

// AtRevision is the reverse of SplitRevision. main is what a name means without a revision. A folder has no revisions.
func AtRevision(name, revision string) string {
	if _, ok := RepoName(name); !ok || revision == "" || revision == "main" {
		return name
	}
	if joined := name + "@" + revision; revisionPattern.MatchString(revision) {
		return joined
	}
	return name
}

// repoPattern is what Hugging Face allows: owner/name, of letters, digits, dots, dashes and underscores.
var repoPattern = regexp.MustCompile(`^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$`)

// RepoName returns a model's name with its owner, and reports whether it is a valid name.
func RepoName(name string) (string, bool) {
	for _, known := range Known {
		if strings.EqualFold(name, known) || strings.EqualFold("Qwen/"+name, known) {
			return known, true
		}
	}
	return name, repoPattern.MatchString(name) && !strings.Contains(name, "..") && !strings.Contains(name, "--")
}

// missingFile returns the first missing file of a downloaded model, "" if it is complete. A cache often holds only the
// tokenizer of a model.
func missingFile(dir string) string {
	s := Folder(dir)
	for _, name := range []string{ConfigFile, TokenizerFile} {
		if !s.Has(name) {
			return name
		}
	}
	if s.Has(WeightsFile) {
		return ""
	}
	content, err := s.ReadFile(IndexFile)
	if err != nil {
		return WeightsFile
	}
	weightMap, err := parseIndex(s.Path(IndexFile), content)
	if err != nil {
		return "" // opening the model reports what is wrong with the index
	}
	for _, shard := range shardNames(weightMap) {
		if !s.Has(shard) {
			return shard
		}
	}
	return ""
}

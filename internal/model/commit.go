package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/filelock"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/usererr"
)

// commitFile is in the folder of a downloaded model: which commit of its repository it is.
const commitFile = ".commit"

var commitPattern = regexp.MustCompile(`^[0-9a-f]{40,64}$`)

// WriteCommit records the commit of a downloaded model in its folder.
func WriteCommit(dir, commit string) error {
	return atomicfile.WriteBytes(filepath.Join(dir, commitFile), []byte(commit+"\n"))
}

// Commit returns the commit of a downloaded model, "" if it is not known.
func (s Location) Commit() string {
	if s.Dir == "" {
		return ""
	}
	content, err := regularfile.Read(filepath.Join(s.Dir, commitFile), 1<<10)
	if commit := strings.TrimSpace(string(content)); err == nil && commitPattern.MatchString(commit) {
		return commit
	}
	return ""
}

// Pinned returns the name with the commit where that is known: a branch may move. Adapters record it.
func (s Location) Pinned() string {
	repo, _ := SplitRevision(s.Name)
	if commit := s.Commit(); commit != "" && s.Name != s.Dir {
		return AtRevision(repo, commit)
	}
	return s.Name
}

// ownCommit returns vqctl's folder of a model at a commit, downloaded under whichever revision; "" if there is none.
func ownCommit(repo, commit string) (string, error) {
	if !commitPattern.MatchString(commit) {
		return "", nil
	}
	plain, err := OwnPath(repo, "")
	if err != nil {
		return "", err
	}
	folders := regularfile.Glob(filepath.Dir(plain), filepath.Base(plain)+"@*") // a model's name has no character of patterns
	for _, dir := range append([]string{plain}, folders...) {
		if Folder(dir).Commit() == commit {
			return dir, nil
		}
	}
	return "", nil
}

// Remove removes a downloaded model, whole or not, and returns the bytes that are free now.
func Remove(name string) (freed int64, err error) {
	if err := IsRemovable(name); err != nil {
		return 0, err
	}
	repo, revision, _ := ParseName(name)
	final, err := OwnPath(repo, revision)
	if err != nil {
		return 0, err
	}
	for _, dir := range []string{final, PartialPath(final)} {
		lock, err := filelock.OpenLocked(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return freed, usererr.With(fmt.Errorf("cannot remove %s: %w", dir, err), "another vqctl may be downloading it")
		}
		bytes := Folder(dir).bytes()
		doomed := filepath.Join(filepath.Dir(dir), scratch.RandomName(filepath.Base(dir)))
		err = errors.Join(os.Rename(dir, doomed), lock.Close(), os.RemoveAll(doomed))
		if err != nil {
			return freed, fmt.Errorf("cannot remove %s: %w", dir, err)
		}
		freed += bytes
	}
	_ = os.Remove(filepath.Dir(final)) // the owner's folder, if it is empty
	return freed, nil
}

// IsRemovable returns an error unless vqctl downloaded the model, whole or in part.
func IsRemovable(name string) error {
	repo, revision, ok := ParseName(name)
	if !ok {
		return usererr.With(usererr.Usage("%q is not the name of a downloaded model", name), "vqctl model list shows them; delete another folder yourself")
	}
	final, err := OwnPath(repo, revision)
	if err != nil {
		return err
	}
	for _, dir := range []string{final, PartialPath(final)} {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	unknown := fmt.Errorf("%s is not among the models that vqctl downloaded", AtRevision(repo, revision))
	if dir, err := cacheFolder(repo, revision); err == nil && dir != "" {
		return usererr.With(unknown, "it is in Hugging Face's cache, %s: remove it with `hf cache rm`", dir)
	}
	return usererr.Suggest(unknown, AtRevision(repo, revision), downloaded(), "%s", "vqctl model list shows them")
}

// downloaded returns the names of vqctl's own models.
func downloaded() (names []string) {
	list, _ := List() // without, no name is suggested
	for _, e := range list {
		if e.Where == "vqctl" {
			names = append(names, e.Name)
		}
	}
	return names
}

// PartialPath returns the folder of a model's unfinished download.
func PartialPath(final string) string {
	return filepath.Join(filepath.Dir(final), "."+filepath.Base(final)+".partial")
}

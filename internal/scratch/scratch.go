// Package scratch makes temporary folders that do not outlive a run: each is locked while its run lives, and Sweep removes
// those whose run was killed. What they hold is private: decrypted databases, copies, unfinished files.
//
// In: the folder to put them in, usually that of messages.db. Out: folders of mode 0700. It must not know: what they hold.
package scratch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"ventriloquist/internal/filelock"
	"ventriloquist/internal/usererr"
)

// infix is in the name of everything temporary: a dot, a name, infix, and random digits.
const infix = ".partial-"

// Retired is the suffix of a temporary folder that was moved aside while another took its place.
const Retired = ".old"

// Pattern is the name of a temporary file or folder for os.CreateTemp or os.MkdirTemp.
func Pattern(name string) string { return "." + name + infix + "*" }

// RandomName is a name for a temporary file that is probably free.
func RandomName(name string) string { return fmt.Sprintf(".%s%s%d", name, infix, rand.Uint64()) }

// Dir is a temporary folder.
type Dir struct {
	Path string // absolute
	lock *os.File
	made string // the parent, if New made it
}

// New makes a temporary folder in parent, and parent if it is missing. An empty parent stands for the system's folder of
// temporary files.
func New(parent string) (*Dir, error) { return NewNamed(parent, "scratch") }

// NewNamed is New with a name that says what the folder is for.
func NewNamed(parent, name string) (*Dir, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, cannotMake(err)
	}
	d := &Dir{}
	if _, err := os.Stat(parent); errors.Is(err, os.ErrNotExist) {
		d.made = parent
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, cannotMake(err)
	}
	for {
		path, err := os.MkdirTemp(parent, Pattern(name))
		if err != nil {
			return nil, cannotMake(err)
		}
		d.Path = path
		d.lock, err = filelock.OpenLocked(path)
		switch {
		case err == nil && filelock.IsAt(d.lock, path):
			return d, nil
		case err == nil:
			d.lock.Close()
		case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, filelock.ErrLocked):
			return nil, errors.Join(cannotMake(err), os.Remove(path))
		}
		// Another run swept it before it was locked.
	}
}

func cannotMake(err error) error {
	return usererr.With(fmt.Errorf("cannot make a temporary folder: %w", err), "make room there, or name another folder with %v", usererr.Option("data_dir"))
}

// Remove removes the folder with what it holds.
func (d *Dir) Remove() error {
	err := os.RemoveAll(d.Path)
	if d.made != "" {
		removeEmpty(d.made)
	}
	return errors.Join(err, d.lock.Close())
}

// removeEmpty removes a folder unless something is in it, or somebody has locked it to put something there.
func removeEmpty(folder string) {
	lock, err := filelock.OpenLocked(folder)
	if err != nil {
		return
	}
	defer lock.Close()
	_ = os.Remove(folder)
}

// Sweep removes what killed runs left in parent, and puts back a folder that one of them had moved aside. It leaves alone
// what running processes use, and what it may not remove.
func Sweep(parent string) { sweep(parent, func(string) bool { return true }) }

// SweepNamed is Sweep for the temporary files and folders of one name.
func SweepNamed(parent, name string) {
	sweep(parent, func(entry string) bool { return strings.HasPrefix(entry, "."+name+infix) })
}

func sweep(parent string, chosen func(entry string) bool) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() && !e.Type().IsRegular() {
			continue
		}
		if name, temporary := nameOf(e.Name()); temporary && chosen(e.Name()) {
			removeDead(filepath.Join(parent, e.Name()), filepath.Join(parent, name))
		}
	}
}

// nameOf returns the name in that of a temporary file or folder.
func nameOf(entry string) (name string, temporary bool) {
	rest, hidden := strings.CutPrefix(entry, ".")
	at := strings.LastIndex(rest, infix)
	if !hidden || at <= 0 {
		return "", false
	}
	digits := strings.TrimSuffix(rest[at+len(infix):], Retired)
	return rest[:at], digits != "" && strings.Trim(digits, "0123456789") == ""
}

// removeDead removes the temporary file or folder at path unless a process holds its lock. target is where it was to go.
func removeDead(path, target string) {
	lock, err := filelock.OpenLocked(path)
	if err != nil {
		return
	}
	defer lock.Close()
	if !filelock.IsAt(lock, path) {
		return
	}
	if strings.HasSuffix(path, Retired) {
		if _, err := os.Lstat(target); errors.Is(err, os.ErrNotExist) {
			_ = os.Rename(path, target) // the run was killed before the new folder took its place
			return
		}
	}
	_ = os.RemoveAll(path)
}

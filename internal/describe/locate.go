package describe

import (
	"archive/zip"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"ventriloquist/internal/store"
)

// Locator finds the files of attachments. It may be used from several goroutines.
type Locator struct {
	// Attachments is a copy of Apple's folder of that name, or empty.
	Attachments string
	// Home is the folder that ~ stands for.
	Home string

	mu    sync.Mutex
	zips  map[string]*zip.ReadCloser // by path; nil is one that cannot be opened
	named map[*zip.ReadCloser]map[string]*zip.File
}

// found is a file: one by itself, or a member of a zip.
type found struct {
	path   string
	member *zip.File
	size   int64
}

func (f *found) open() (io.ReadCloser, error) {
	if f.member != nil {
		return f.member.Open()
	}
	return os.Open(f.path)
}

// Close closes the zips that were opened.
func (l *Locator) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, z := range l.zips {
		if z != nil {
			errs = append(errs, z.Close())
		}
	}
	l.zips, l.named = nil, nil
	return errors.Join(errs...)
}

// find looks wherever the file may be. Its error is fs.ErrNotExist if it is nowhere.
func (l *Locator) find(p store.FilePlace) (*found, error) {
	var denied error
	for _, candidate := range l.candidates(p) {
		f, err := candidate()
		if err == nil {
			return f, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			denied = err
		}
	}
	if denied != nil {
		return nil, denied
	}
	return nil, fs.ErrNotExist
}

// candidates are the places where a file may be, in the order of trust: what the user names, what lies beside the source,
// the home folder of this machine.
func (l *Locator) candidates(p store.FilePlace) (list []func() (*found, error)) {
	at := func(elements ...string) {
		list = append(list, func() (*found, error) { return onDisk(filepath.Join(elements...)) })
	}
	rest, ofHome := strings.CutPrefix(p.Path, "~/")
	apples := ofHome || path.IsAbs(p.Path)
	if apples && !ofHome {
		rest = strings.TrimLeft(p.Path, "/")
	}
	if p.Path == "" || !filepath.IsLocal(filepath.FromSlash(rest)) {
		return nil
	}
	if !apples {
		return []func() (*found, error){func() (*found, error) { return l.within(p.Root, rest) }}
	}
	if _, below, inFolder := strings.Cut(p.Path, "/Attachments/"); inFolder {
		if l.Attachments != "" {
			at(l.Attachments, below)
			at(l.Attachments, "Attachments", below)
		}
		if p.Root != "" {
			at(p.Root, "Attachments", below)
			hashed := backupName("MediaDomain", "Library/SMS/Attachments/"+below)
			at(p.Root, hashed[:2], hashed)
			at(p.Root, hashed)
		}
	}
	if ofHome && l.Home != "" {
		at(l.Home, rest)
	}
	if !ofHome {
		at(p.Path)
	}
	return list
}

// backupName is what a file is called in a backup of an iPhone.
func backupName(domain, path string) string {
	sum := sha1.Sum([]byte(domain + "-" + path))
	return hex.EncodeToString(sum[:])
}

// onDisk is a file by itself. The picture of a Live Photo may lie in a folder, beside its video.
func onDisk(path string) (*found, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return inLivePhoto(path)
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	return &found{path: path, size: info.Size()}, nil
}

func inLivePhoto(dir string) (*found, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	pictures := []string{".heic", ".jpg", ".jpeg"}
	for _, e := range entries {
		if e.Type().IsRegular() && slices.Contains(pictures, strings.ToLower(filepath.Ext(e.Name()))) {
			return onDisk(filepath.Join(dir, e.Name()))
		}
	}
	return nil, fs.ErrNotExist
}

// within is a file in the folder or the zip of an export, and never one outside of it: its name comes from a message.
func (l *Locator) within(root, name string) (*found, error) {
	if root == "" {
		return nil, fs.ErrNotExist
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return l.inZip(root, name)
	}
	folder, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	if info, err = folder.Stat(filepath.FromSlash(name)); err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	return &found{path: filepath.Join(root, filepath.FromSlash(name)), size: info.Size()}, nil
}

func (l *Locator) inZip(archive, name string) (*found, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	z, known := l.zips[archive]
	if !known {
		if l.zips == nil {
			l.zips, l.named = map[string]*zip.ReadCloser{}, map[*zip.ReadCloser]map[string]*zip.File{}
		}
		z, _ = zip.OpenReader(archive)
		l.zips[archive] = z
		if z != nil {
			members := make(map[string]*zip.File, len(z.File))
			for _, f := range z.File {
				members[path.Clean(f.Name)] = f
			}
			l.named[z] = members
		}
	}
	if z == nil {
		return nil, fs.ErrNotExist
	}
	member := l.named[z][path.Clean(name)]
	if member == nil || !member.Mode().IsRegular() || member.UncompressedSize64 > 1<<40 {
		return nil, fs.ErrNotExist
	}
	return &found{path: archive, member: member, size: int64(member.UncompressedSize64)}, nil
}

// head reads how a file begins.
func (f *found) head() ([]byte, error) {
	in, err := f.open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	head := make([]byte, headSize)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return head[:n], nil
}

// lay makes it a file by itself, which a member of a zip becomes in dir.
func (f *found) lay(dir string) (path string, err error) {
	if f.member == nil {
		return filepath.Abs(f.path)
	}
	in, err := f.open()
	if err != nil {
		return "", errDamaged
	}
	defer in.Close()
	path = filepath.Join(dir, "attachment")
	return path, writePrivate(path, func(w io.Writer) error {
		n, err := io.Copy(w, io.LimitReader(in, f.size+1))
		if err == nil && n != f.size {
			err = fmt.Errorf("it has %d bytes, not %d", n, f.size)
		}
		return err
	})
}

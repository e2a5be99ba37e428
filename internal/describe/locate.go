package describe

import (
	"archive/zip"
	"context"
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

	"ventriloquist/internal/messages"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/sources/androidsms"
	"ventriloquist/internal/sources/iosbackup"
)

// Locator finds the files of attachments. It is safe for concurrent use.
type Locator struct {
	// Attachments is a copy of Apple's folder of that name; may be empty.
	Attachments string
	// Home is the folder that ~ stands for.
	Home string
	// Backups are the unlocked encrypted iPhone backups, by folder.
	Backups map[string]*iosbackup.Backup

	mu   sync.Mutex
	zips map[string]*openZip // by path; nil if it cannot be opened
}

// openZip is a zip with its members by name. Exported files may be in a folder of the zip: a name without a folder finds the first
// member of that name in any.
type openZip struct {
	*regularfile.Zip
	named, inAnyFolder map[string]*zip.File
}

// openMembers opens a zip; it returns nil if it cannot.
func openMembers(archive string) *openZip {
	z, err := regularfile.OpenZip(archive)
	if err != nil {
		return nil
	}
	o := &openZip{z, make(map[string]*zip.File, len(z.File)), make(map[string]*zip.File, len(z.File))}
	for _, f := range z.File {
		o.named[path.Clean(f.Name)] = f
		if base := path.Base(f.Name); o.inAnyFolder[base] == nil {
			o.inAnyFolder[base] = f
		}
	}
	return o
}

// errElsewhere is the error of a file that exists outside of the folders in which its source keeps attachments. A message database
// may name any file of this machine; only attachments are read.
var errElsewhere = errors.New("the file is outside of the attachment folders")

// errSealed is the error of a file in an encrypted backup whose passphrase is not known.
var errSealed = errors.New("the file is in an encrypted backup")

// largestFile is the size of the largest file that is read. Messengers send files of up to 4 GiB.
const largestFile = 4 << 30

// locatedFile is a file: on disk, in a zip, inside a backup of messages, or in an encrypted backup.
type locatedFile struct {
	path   string
	member *zip.File
	inline string // its position inside the file at path
	backup *iosbackup.Backup
	sealed iosbackup.File // its entry in the encrypted backup
	size   int64          // size of a file inside another file or an encrypted backup, possibly a little too large
}

// Close closes the zips and backups.
func (l *Locator) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, b := range l.Backups {
		errs = append(errs, b.Close())
	}
	for _, z := range l.zips {
		if z != nil {
			errs = append(errs, z.Close())
		}
	}
	l.zips = nil
	return errors.Join(errs...)
}

// find looks for a file wherever it may be. The error is fs.ErrNotExist if it is nowhere.
func (l *Locator) find(p messages.FilePlace) (*locatedFile, error) {
	var inTheWay error
	for _, candidate := range l.candidates(p) {
		f, err := candidate()
		if err == nil {
			return f, nil
		}
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, errSealed) || errors.Is(err, errElsewhere) {
			inTheWay = err
		}
	}
	if inTheWay != nil {
		return nil, inTheWay
	}
	return nil, fs.ErrNotExist
}

// candidates returns the places where a file may be, most trusted first: those the user names, those next to the source, the
// home folder of this machine.
func (l *Locator) candidates(p messages.FilePlace) (list []func() (*locatedFile, error)) {
	at := func(root, below string) {
		list = append(list, func() (*locatedFile, error) { return inside(root, below) })
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
		return []func() (*locatedFile, error){func() (*locatedFile, error) { return l.within(p.Root, rest) }}
	}
	if _, below, inFolder := strings.Cut(p.Path, "/Attachments/"); inFolder {
		if l.Attachments != "" {
			at(l.Attachments, below)
			at(filepath.Join(l.Attachments, "Attachments"), below)
		}
		if p.Root != "" {
			list = append(list,
				func() (*locatedFile, error) { return besideSource(p.Root, below) },
				func() (*locatedFile, error) { return l.inBackup(p.Root, below) })
		}
	}
	file := p.Path
	if ofHome {
		file = filepath.Join(l.Home, rest)
	}
	return append(list, func() (*locatedFile, error) { return l.inOwnFolders(file, p.Root) })
}

// ownFolder is where Messages keeps files in a home folder, attachments and stickers among them.
const ownFolder = "Library/Messages"

// inOwnFolders finds a file by its whole path, in a folder of attachments only.
func (l *Locator) inOwnFolders(file, root string) (*locatedFile, error) {
	for _, place := range []struct {
		folder string
		find   func(below string) (*locatedFile, error)
	}{
		{l.Attachments, func(below string) (*locatedFile, error) { return inside(l.Attachments, below) }},
		{join(l.Home, ownFolder), func(below string) (*locatedFile, error) { return inside(join(l.Home, ownFolder), below) }},
		{join(root, besideName), func(below string) (*locatedFile, error) { return besideSource(root, below) }},
	} {
		below, err := filepath.Rel(place.folder, file)
		if place.folder != "" && err == nil && filepath.IsLocal(below) {
			return place.find(below)
		}
	}
	if _, err := os.Lstat(file); err != nil {
		return nil, err
	}
	return nil, errElsewhere
}

// join is filepath.Join, "" if there is no folder.
func join(folder, name string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, name)
}

// besideName is the folder of attachments next to a copied chat.db.
const besideName = "Attachments"

// besideSource finds a file below the folder of attachments next to the source. That folder may have come with the source, so it
// must not be a link to elsewhere either.
func besideSource(root, below string) (*locatedFile, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	folder, err := filepath.EvalSymlinks(filepath.Join(root, besideName))
	if err != nil {
		return nil, err
	}
	if within, err := filepath.Rel(root, folder); err != nil || !filepath.IsLocal(within) {
		if _, err := os.Stat(filepath.Join(folder, below)); err != nil {
			return nil, err
		}
		return nil, errElsewhere
	}
	return inside(folder, below)
}

// inside finds a file below a folder, but none that a link leads to elsewhere.
func inside(folder, below string) (*locatedFile, error) {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return nil, err
	}
	file, err := filepath.EvalSymlinks(filepath.Join(folder, below))
	if err != nil {
		return nil, err
	}
	if within, err := filepath.Rel(folder, file); err != nil || !filepath.IsLocal(within) {
		return nil, errElsewhere
	}
	return onDisk(file)
}

// inBackup finds a file in an iPhone backup, where its name is a hash; copies of backups may have no subfolders.
func (l *Locator) inBackup(root, below string) (*locatedFile, error) {
	file := iosbackup.File{Domain: "MediaDomain", Path: "Library/SMS/Attachments/" + below}
	id := iosbackup.FileID(file.Domain, file.Path)
	f, err := inside(root, filepath.Join(id[:2], id))
	if errors.Is(err, fs.ErrNotExist) {
		return inside(root, id)
	}
	if err != nil {
		return nil, err
	}
	if iosbackup.IsEncrypted(root) {
		if f.backup, f.sealed = l.Backups[root], file; f.backup == nil {
			return nil, errSealed
		}
	}
	return f, nil
}

// onDisk finds a file on disk. The picture of a Live Photo may be a folder that also holds its video.
func onDisk(path string) (*locatedFile, error) {
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
	return &locatedFile{path: path, size: info.Size()}, nil
}

func inLivePhoto(dir string) (*locatedFile, error) {
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

// within finds a file in the folder or zip of an export, but never outside of it: its name comes from a message.
func (l *Locator) within(root, name string) (*locatedFile, error) {
	if root == "" {
		return nil, fs.ErrNotExist
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		f, err := l.inZip(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			return inMessages(root, name)
		}
		return f, err
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
	return &locatedFile{path: filepath.Join(root, filepath.FromSlash(name)), size: info.Size()}, nil
}

// inMessages finds a file inside the messages file itself.
func inMessages(root, place string) (*locatedFile, error) {
	in, most, err := androidsms.OpenContent(root, place)
	if err != nil {
		return nil, err
	}
	return &locatedFile{path: root, inline: place, size: most}, in.Close()
}

func (l *Locator) inZip(archive, name string) (*locatedFile, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	z, known := l.zips[archive]
	if !known {
		if l.zips == nil {
			l.zips = make(map[string]*openZip)
		}
		z = openMembers(archive)
		l.zips[archive] = z
	}
	if z == nil {
		return nil, fs.ErrNotExist
	}
	member := z.named[path.Clean(name)]
	if member == nil && !strings.Contains(name, "/") {
		member = z.inAnyFolder[name]
	}
	if member == nil || !member.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	size := min(member.UncompressedSize64, largestFile+1) // what the zip says; the member's reader returns no more
	return &locatedFile{path: archive, member: member, size: int64(size)}, nil
}

// head reads the beginning of the file.
func (f *locatedFile) head(ctx context.Context) (head []byte, err error) {
	var in io.ReadCloser
	switch {
	case f.member != nil || f.inline != "":
		in, err = f.open()
	case f.backup != nil:
		folder, err := os.MkdirTemp(f.backup.Folder(), "")
		if err != nil {
			return nil, cannotWrite(err)
		}
		defer os.RemoveAll(folder)
		path, err := f.extract(ctx, folder)
		if err != nil {
			return nil, err
		}
		return (&locatedFile{path: path}).head(ctx)
	default:
		in, err = regularfile.Open(f.path)
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	head = make([]byte, headSize)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return head[:n], nil
}

// open opens a file that is inside another file.
func (f *locatedFile) open() (io.ReadCloser, error) {
	if f.member != nil {
		return f.member.Open()
	}
	in, _, err := androidsms.OpenContent(f.path, f.inline)
	return in, err
}

// extract returns the path of the file on disk; it extracts the file to dir if it is inside another one.
func (f *locatedFile) extract(ctx context.Context, dir string) (path string, err error) {
	if f.backup != nil {
		if err := f.backup.Extract(ctx, dir, f.sealed); err != nil {
			return "", errors.Join(ctx.Err(), errDamaged)
		}
		id := iosbackup.FileID(f.sealed.Domain, f.sealed.Path)
		return filepath.Join(dir, id[:2], id), nil
	}
	if f.member == nil && f.inline == "" {
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
		if err == nil && n != f.size && f.inline == "" {
			err = fmt.Errorf("the file has %d bytes, not %d", n, f.size)
		}
		return err
	})
}

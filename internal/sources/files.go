package sources

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/regularfile"
)

// mostFiles limits the files of an export, whose names are in memory.
const mostFiles = 1_000_000

// Files are the files of an export: those below a folder, those in a zip, those in all zips of a folder that holds nothing else, or a
// file alone. Litter is left out.
type Files struct {
	path string // of the export, as it was given
	root string // the folder; empty for zips
	// places are the absolute paths of the folder or the zips.
	places []string
	alone  bool
	names  []string // relative to the root or the zip, with slashes, in order
	zips   []*regularfile.Zip
	// broken are the errors of zips that cannot be read, next to some that can.
	broken    []error
	encodings map[string]string // of files that are not in UTF-8, by name
	// members are the files in zips, by name, and the paths of their zips.
	members map[string]zipMember
}

type zipMember struct {
	file *zip.File
	zip  int // the number of its zip
}

// OpenFiles lists the files of the export at path.
func OpenFiles(path string) (*Files, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	f := &Files{path: path}
	if info.IsDir() {
		archives, err := zipsIn(path)
		if err != nil {
			return nil, err
		}
		if len(archives) == 0 {
			return f, f.walk()
		}
		return f.openZips(archives)
	}
	if err := regularfile.Check(path, info); err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	opened, err := f.openZips([]string{path})
	if !errors.Is(err, regularfile.ErrNoZip) {
		return opened, err
	}
	root := filepath.Dir(path)
	return &Files{path: path, root: root, places: []string{absolute(root)}, alone: true, names: []string{filepath.Base(path)}}, nil
}

// zipsIn returns the zips in a folder that holds nothing else, such as the parts of a Google Takeout.
func zipsIn(folder string) (archives []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source: %w", err)
	}
	for _, entry := range entries {
		switch name := entry.Name(); {
		case IsLitter(name):
		case !entry.Type().IsRegular() || !strings.EqualFold(filepath.Ext(name), ".zip"):
			return nil, nil
		default:
			archives = append(archives, filepath.Join(folder, name))
		}
	}
	return archives, nil
}

// walk lists the files below the folder.
func (f *Files) walk() error {
	f.root, f.places = filepath.Clean(f.path), []string{absolute(f.path)}
	err := filepath.WalkDir(f.root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		relative, err := filepath.Rel(f.root, name)
		if relative = filepath.ToSlash(relative); err != nil || IsLitter(relative) {
			return err
		}
		return f.add(relative)
	})
	if err != nil {
		return fmt.Errorf("cannot read the source: %w", err)
	}
	slices.Sort(f.names)
	return nil
}

func (f *Files) add(name string) error {
	if len(f.names) >= mostFiles {
		return fmt.Errorf("%s holds more than %d files", f.path, mostFiles)
	}
	f.names = append(f.names, name)
	return nil
}

// openZips lists the files in zips. Of files with the same name, the first one counts.
func (f *Files) openZips(archives []string) (*Files, error) {
	f.members = map[string]zipMember{}
	for _, place := range archives {
		archive, err := regularfile.OpenZip(place)
		if err != nil {
			f.broken = append(f.broken, err)
			continue
		}
		f.zips, f.places = append(f.zips, archive), append(f.places, absolute(place))
		if archive.Cut {
			f.broken = append(f.broken, CutZip(place))
		}
		for _, member := range archive.File {
			name := path.Clean(strings.ReplaceAll(member.Name, `\`, "/"))
			if _, twice := f.members[name]; twice || !member.Mode().IsRegular() || IsLitter(name) || !filepath.IsLocal(name) {
				continue
			}
			f.members[name] = zipMember{member, len(f.zips) - 1}
			if err := f.add(name); err != nil {
				return nil, errors.Join(err, f.Close())
			}
		}
	}
	if len(f.zips) == 0 {
		return nil, fmt.Errorf("cannot read the source: %w", f.broken[0])
	}
	slices.Sort(f.names)
	return f, nil
}

// Report names the zips that cannot be read, and the encodings of the files read so far.
func (f *Files) Report(sink Sink) {
	for _, name := range slices.Sorted(maps.Keys(f.encodings)) {
		NoteEncoding(sink, f.At(name), f.encodings[name])
	}
	for _, err := range f.broken {
		sink.Unreadable(err.Error(), 0)
	}
}

// Path returns the path of the export, as it was given.
func (f *Files) Path() string { return f.path }

// Alone reports whether the export is a file alone.
func (f *Files) Alone() bool { return f.alone }

// Names returns the names of the files with slashes, in order. The caller must not change them.
func (f *Files) Names() []string { return f.names }

// Has reports whether there is a file of this name.
func (f *Files) Has(name string) bool {
	_, found := slices.BinarySearch(f.names, name)
	return found
}

// In returns the names of the files in a folder and those below it.
func (f *Files) In(folder string) []string {
	if folder == "." || folder == "" {
		return f.names
	}
	from, _ := slices.BinarySearch(f.names, folder+"/")
	to := from
	for to < len(f.names) && strings.HasPrefix(f.names[to], folder+"/") {
		to++
	}
	return f.names[from:to]
}

// Beginning returns the first name that begins with a text.
func (f *Files) Beginning(prefix string) (name string, found bool) {
	i, _ := slices.BinarySearch(f.names, prefix)
	if i == len(f.names) || !strings.HasPrefix(f.names[i], prefix) {
		return "", false
	}
	return f.names[i], true
}

// Folder returns the folder closest to the top that holds a file of this name; "." is the top.
func (f *Files) Folder(name string) (folder string, found bool) {
	for _, n := range f.names {
		if path.Base(n) == name && (!found || depth(path.Dir(n)) < depth(folder)) {
			folder, found = path.Dir(n), true
		}
	}
	return folder, found
}

// NameOf returns the name of a folder; that of the top is the export's.
func (f *Files) NameOf(folder string) string {
	if folder != "." {
		return path.Base(folder)
	}
	if f.alone {
		return filepath.Base(f.places[0])
	}
	return filepath.Base(absolute(f.path))
}

func depth(folder string) int {
	if folder == "." {
		return 0
	}
	return 1 + strings.Count(folder, "/")
}

// Read passes a file that is open as text in UTF-8 to read.
func (f *Files) Read(name string, read func(in io.Reader) error) error {
	in, err := f.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	return read(in)
}

// Beside returns the names of the files in the folder of a file and those below it. Beside a file alone, there may be others.
func (f *Files) Beside(name string) []string {
	if !f.alone {
		return f.In(path.Dir(name))
	}
	beside := &Files{path: f.root}
	_ = beside.walk() // what cannot be read is not found
	return beside.names
}

// JSON returns the names that end with .json; that of a file alone may be any.
func (f *Files) JSON() []string {
	return f.Matching(func(name string) bool { return f.alone || strings.EqualFold(path.Ext(name), ".json") })
}

// Matching returns the names that match.
func (f *Files) Matching(matches func(name string) bool) (names []string) {
	for _, name := range f.names {
		if matches(name) {
			names = append(names, name)
		}
	}
	return names
}

// Open opens a file, as text in UTF-8.
func (f *Files) Open(name string) (io.ReadCloser, error) {
	text, err := f.open(name)
	if err != nil {
		return nil, err
	}
	return &fileText{text, f, name}, nil
}

func (f *Files) open(name string) (*Text, error) {
	member, zipped := f.members[name]
	if !zipped {
		return Open(f.At(name))
	}
	in, err := member.file.Open()
	if err != nil {
		return nil, fmt.Errorf("cannot decompress %s: %w", f.At(name), err)
	}
	return NewText(in), nil
}

// fileText is an open file, whose encoding is remembered.
type fileText struct {
	*Text
	files *Files
	name  string
}

func (t *fileText) Close() error {
	if encoding := t.Encoding(); encoding != "" {
		if t.files.encodings == nil {
			t.files.encodings = make(map[string]string)
		}
		t.files.encodings[t.name] = encoding
	}
	return t.Text.Close()
}

// At returns the path of a file, for messages to the user: of one in a zip, the zip's path and the name.
func (f *Files) At(name string) string {
	if f.alone {
		return f.path
	}
	root := f.root
	if member, zipped := f.members[name]; zipped {
		root = f.zips[member.zip].Path
	}
	return filepath.Join(root, filepath.FromSlash(name))
}

// Place returns the place of a file of the export, which need not be there; none for a name that leads out of the export. In several
// zips, that is the zip that holds it.
func (f *Files) Place(name string) (p messages.FilePlace) {
	if name = path.Clean(name); !filepath.IsLocal(filepath.FromSlash(name)) {
		return p
	}
	return messages.FilePlace{Root: f.places[f.members[name].zip], Path: name}
}

func absolute(place string) string {
	if whole, err := filepath.Abs(place); err == nil {
		return whole
	}
	return place
}

// Close closes the zips.
func (f *Files) Close() error {
	var errs []error
	for _, archive := range f.zips {
		errs = append(errs, archive.Close())
	}
	return errors.Join(errs...)
}

package sources_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
)

// content returns the names of the files with their content.
func content(t *testing.T, f *sources.Files) (list []string) {
	t.Helper()
	for _, name := range f.Names() {
		err := f.Read(name, func(in io.Reader) error {
			text, err := io.ReadAll(in)
			list = append(list, name+": "+string(text))
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	return list
}

// A folder, a zip of it, and its parts in several zips have the same files.
func TestOpenFiles_FolderAndZips(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a/one.json": "1", "a/b/two.json": "2", "three.txt": "\xff\xfe3\x00", ".DS_Store": "x", "__MACOSX/a/._one.json": "x"}
	want := []string{"a/b/two.json: 2", "a/one.json: 1", "three.txt: 3"}
	folder := sourcetest.WriteFiles(t, files)
	parts := t.TempDir()
	sourcetest.WriteZip(t, filepath.Join(parts, "part-1.zip"), map[string]string{"a/one.json": "1", "three.txt": "\xff\xfe3\x00"})
	sourcetest.WriteZip(t, filepath.Join(parts, "part-2.zip"), map[string]string{"a/b/two.json": "2", "a/one.json": "other", "../out.json": "x"})
	zipped := filepath.Join(t.TempDir(), "all.zip")
	sourcetest.WriteZip(t, zipped, files)
	for name, place := range map[string]string{"Folder": folder, "Zip": zipped, "Zips": parts} {
		f, err := sources.OpenFiles(place)
		if err != nil {
			t.Fatal(err)
		}
		if got := content(t, f); !slices.Equal(got, want) {
			t.Errorf("%s: files are %q", name, got)
		}
		if found, is := f.Folder("two.json"); !is || found != "a/b" || f.Alone() || !f.Has("three.txt") || f.Has("four.txt") || len(f.In("a")) != 2 || len(f.In("a/b")) != 1 || len(f.JSON()) != 2 {
			t.Errorf("%s: %q is the folder of two.json", name, found)
		}
		if p := f.Place("a/b/two.json"); !filepath.IsAbs(p.Root) || p.Path != "a/b/two.json" || name == "Zips" && filepath.Base(p.Root) != "part-2.zip" || f.Place("../x").Path != "" {
			t.Errorf("%s: the file is at %+v", name, p)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		h, err := sources.ReadHead(place)
		if err != nil || !h.Holds("a/*.json") || !h.Holds("one.json") || h.Holds("four.json") {
			t.Errorf("%s: head is %+v (%v)", name, h, err)
		}
		if !h.Begins(func(name string) bool { return name == "three.txt" }, func(text []byte) bool { return string(text) == "3" }) {
			t.Errorf("%s: the beginning of three.txt is not found", name)
		}
	}
}

// A zip that cannot be read costs what it holds, next to one that can.
func TestOpenFiles_BrokenZip(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "broken.zip"), []byte("PK\x03\x04 and no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sources.OpenFiles(folder); err == nil || !strings.Contains(err.Error(), "broken.zip") {
		t.Errorf("error is %v", err)
	}
	sourcetest.WriteZip(t, filepath.Join(folder, "whole.zip"), map[string]string{"a.json": "1"})
	f, err := sources.OpenFiles(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sink := sourcetest.NewSink()
	if f.Report(sink); len(sink.Damage) != 1 || !strings.Contains(sink.Damage[0], "broken.zip") || len(content(t, f)) != 1 {
		t.Errorf("damage is %q", sink.Damage)
	}
}

func TestOpenFiles_Alone(t *testing.T) {
	t.Parallel()
	place := sourcetest.Write(t, "chat.json", "{}")
	f, err := sources.OpenFiles(place)
	if err != nil || !f.Alone() || !slices.Equal(content(t, f), []string{"chat.json: {}"}) || f.At("chat.json") != place || f.Path() != place || len(f.JSON()) != 1 {
		t.Errorf("files are %+v (%v)", f, err)
	}
	if p := f.Place("photos/a.jpg"); p.Root != filepath.Dir(place) || p.Path != "photos/a.jpg" {
		t.Errorf("the photo is at %+v", p)
	}
	if _, err := sources.OpenFiles(place + "x"); err == nil {
		t.Error("a missing file is opened")
	}
}

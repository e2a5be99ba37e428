package iosbackup_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/sources/iosbackup"
	"ventriloquist/internal/sources/iosbackup/backuptest"
	"ventriloquist/internal/usererr"
)

// quick is as phones do it, but for the number of iterations.
var quick = backuptest.Options{Passphrase: "correct horse", First: 20, Second: 10}

// files are of lengths on both sides of a block's and of what is read at a time.
func files() map[string][]byte {
	return map[string][]byte{
		"HomeDomain-Library/SMS/sms.db":                               bytes.Repeat([]byte("message "), 300_000),
		"HomeDomain-Library/AddressBook/AddressBook.sqlitedb":         []byte("sixteen bytes ok"),
		"MediaDomain-Library/SMS/Attachments/00/IMG_1.HEIC":           {},
		"MediaDomain-Library/SMS/Attachments/00/ends in padding.jpeg": {1, 2, 3, 1},
	}
}

func write(t testing.TB, o backuptest.Options) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "00008110-000000000000001E")
	if err := backuptest.Write(dir, files(), o); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestExtract(t *testing.T) {
	old, oldest := quick, quick
	old.PlainList = true
	oldest.First, oldest.PlainList = 0, true
	for name, o := range map[string]backuptest.Options{"Today": quick, "PlainManifest": old, "OneDerivation": oldest} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, o)
			if !iosbackup.IsEncrypted(dir) {
				t.Fatal("it is not seen to be encrypted")
			}
			temp := t.TempDir()
			b, err := iosbackup.Unlock(t.Context(), dir, o.Passphrase, temp)
			if err != nil {
				t.Fatal(err)
			}
			out := t.TempDir()
			for name, want := range files() {
				domain, path, _ := strings.Cut(name, "-")
				if err := b.Extract(t.Context(), out, iosbackup.File{Domain: domain, Path: path}); err != nil {
					t.Fatal(err)
				}
				id := iosbackup.FileID(domain, path)
				file := filepath.Join(out, id[:2], id)
				got, err := os.ReadFile(file)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s has %d bytes (%v), want %d", name, len(got), err, len(want))
				}
				if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s has mode %v", name, info.Mode())
				}
				if info, err := os.Stat(filepath.Dir(file)); err != nil || info.Mode().Perm() != 0o700 {
					t.Errorf("its folder has mode %v", info.Mode())
				}
			}
			if err := b.Extract(t.Context(), out, iosbackup.File{Domain: "HomeDomain", Path: "nothing"}); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a file that is not there: %v", err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("%s is left", left[0].Name())
			}
		})
	}
}

// The names that Apple gives to the two databases.
func TestFileID(t *testing.T) {
	for file, want := range map[iosbackup.File]string{iosbackup.Messages: "3d0d7e5fb2ce288813306e4d4636395e047a3d28", iosbackup.AddressBook: "31bb7ba8914766d4ba40d6dfb6113c8b614be442"} {
		if got := iosbackup.FileID(file.Domain, file.Path); got != want {
			t.Errorf("%s is called %s, want %s", file.Path, got, want)
		}
	}
}

func TestUnlock_WrongPassphrase(t *testing.T) {
	dir := write(t, quick)
	for _, passphrase := range []string{"", "correct horsf"} {
		b, err := iosbackup.Unlock(t.Context(), dir, passphrase, "")
		if b != nil || !errors.Is(err, iosbackup.ErrPassphrase) || !strings.Contains(err.Error(), dir) || usererr.Of(err) == "" {
			t.Errorf("%q: %v", passphrase, err)
		}
	}
}

func TestUnlock_Errors(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(dir string)
		want   string
	}{
		"NoPlist": {func(dir string) { os.WriteFile(filepath.Join(dir, "Manifest.plist"), []byte("{"), 0o600) }, "is no property list"},
		"NoKeybag": {func(dir string) {
			backuptest.Write(dir+"/x", nil, backuptest.Options{})
			os.Rename(dir+"/x/Manifest.plist", dir+"/Manifest.plist")
		}, "the keybag has no salt"},
		"NoManifest":    {func(dir string) { os.Remove(filepath.Join(dir, "Manifest.db")) }, "Manifest.db"},
		"CutManifest":   {func(dir string) { os.Truncate(filepath.Join(dir, "Manifest.db"), 1000) }, "not whole"},
		"EmptyManifest": {func(dir string) { os.Truncate(filepath.Join(dir, "Manifest.db"), 4096) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, quick)
			c.damage(dir)
			temp := t.TempDir()
			b, err := iosbackup.Unlock(t.Context(), dir, quick.Passphrase, temp)
			if c.want == "" {
				if err == nil {
					err = b.Extract(t.Context(), t.TempDir(), iosbackup.Messages)
					b.Close()
				}
				if err == nil || !strings.Contains(err.Error(), dir) {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error is %v, want %s", err, c.want)
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("%s is left", left[0].Name())
			}
		})
	}
}

func TestExtract_ADamagedFileIsNotTaken(t *testing.T) {
	dir := write(t, quick)
	id := iosbackup.FileID(iosbackup.Messages.Domain, iosbackup.Messages.Path)
	b, err := iosbackup.Unlock(t.Context(), dir, quick.Passphrase, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, size := range []int64{160, 161} {
		if err := os.Truncate(filepath.Join(dir, id[:2], id), size); err != nil {
			t.Fatal(err)
		}
		if err := b.Extract(t.Context(), t.TempDir(), iosbackup.Messages); err == nil || !strings.Contains(err.Error(), "not whole") || !strings.Contains(err.Error(), "sms.db") {
			t.Errorf("error is %v", err)
		}
	}
	os.Remove(filepath.Join(dir, id[:2], id))
	if err := b.Extract(t.Context(), t.TempDir(), iosbackup.Messages); err == nil || !strings.Contains(err.Error(), id) {
		t.Errorf("error is %v", err)
	}
}

// Phones list an older size for databases in use: shorter, or longer if the database was vacuumed since.
func TestExtract_EndsWhereItsPaddingSays(t *testing.T) {
	t.Parallel()
	for _, difference := range []int{-300_000, -16, -1, 1, 16, 5000} {
		o := quick
		o.Sizes = make(map[string]int)
		for name, data := range files() {
			o.Sizes[name] = max(len(data)+difference, 0)
		}
		dir, out := write(t, o), t.TempDir()
		b, err := iosbackup.Unlock(t.Context(), dir, o.Passphrase, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range files() {
			domain, path, _ := strings.Cut(name, "-")
			if err := b.Extract(t.Context(), out, iosbackup.File{Domain: domain, Path: path}); err != nil {
				t.Error(err)
			}
			id := iosbackup.FileID(domain, path)
			if got, err := os.ReadFile(filepath.Join(out, id[:2], id)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("listed %+d bytes: %s has %d bytes (%v), want %d", difference, name, len(got), err, len(want))
			}
		}
		b.Close()
	}
}

func TestDecrypt_ABackupWithoutMessages(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "backup")
	if err := backuptest.Write(dir, map[string][]byte{"HomeDomain-other": {1}}, quick); err != nil {
		t.Fatal(err)
	}
	_, err := iosbackup.Decrypt(t.Context(), dir, quick.Passphrase, t.TempDir(), []iosbackup.File{iosbackup.Messages}, nil)
	if err == nil || !strings.Contains(err.Error(), dir+" is an iOS backup without messages") || usererr.Of(err) == "" {
		t.Errorf("error is %v", err)
	}
}

func TestIsEncrypted(t *testing.T) {
	if iosbackup.IsEncrypted(write(t, backuptest.Options{})) || iosbackup.IsEncrypted(t.TempDir()) {
		t.Error("what is not encrypted is taken for it")
	}
}

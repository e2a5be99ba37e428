package main

import (
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/usererr"
)

// Another system's walk: a path that is mistyped, or that of Windows, leads to the right one.
func TestMissingSource_SaysWhatToType(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "Downloads", "Telegram Export")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "result.json")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const sources = "`vqctl sources` lists what is read, and how to get it"
	for path, want := range map[string]string{
		filepath.Join(folder, "resutl.json"):                             "did you mean " + file + "?",
		filepath.Join(dir, "Downlods", "Telegram Export", "result.json"): "did you mean " + file + "?",
		filepath.Join(dir, "Downlods", "nothing", "here"):                "did you mean " + filepath.Join(dir, "Downloads") + "?",
		filepath.Join(dir, "something else"):                             sources,
		`C:\Users\me\Downloads\result.json`:                              "it is a path of Windows: WSL has that drive at /mnt/c/Users/me/Downloads/result.json",
		`D:/chats`:                                                       "it is a path of Windows: WSL has that drive at /mnt/d/chats",
		`C:UsersmeDownloadsresult.json`:                                  "it is a path of Windows: WSL has that drive at /mnt/c/…",
	} {
		if got := usererr.Of(missingSource(path)); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if err := missingSource(file); err != nil {
		t.Error(err)
	}
}

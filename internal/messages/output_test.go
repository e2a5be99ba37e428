package messages_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ventriloquist/internal/messages"
)

// Files and folders are recorded, also before they are there; devices and pipes, which hold nothing, are not.
func TestDB_AddOutput_RecordsWhatHoldsSomething(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := messages.Create(t.Context(), filepath.Join(dir, "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Skip(err)
	}
	later := filepath.Join(dir, "later.jsonl")
	for _, path := range []string{os.DevNull, link, dir, later} {
		if err := db.AddOutput(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := db.Outputs(t.Context()); err != nil || !slices.Equal(got, []string{dir, later}) {
		t.Errorf("recorded: %q, %v", got, err)
	}
}

package regularfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ventriloquist/internal/regularfile"
)

// The name of a folder is no pattern.
func TestGlob_InAFolderOfAnyName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain", "runs[1]", "a[b", "what?", "st*r", `back\slash`} {
		folder := filepath.Join(t.TempDir(), name)
		var want []string
		for _, file := range []string{"checkpoint-1", "checkpoint-2", "final"} {
			if err := os.MkdirAll(filepath.Join(folder, file), 0o700); err != nil {
				t.Fatal(err)
			}
			want = append(want, filepath.Join(folder, file))
		}
		if got := regularfile.Glob(folder, "checkpoint-*"); !slices.Equal(got, want[:2]) {
			t.Errorf("in %q there are %q", name, got)
		}
		if got := regularfile.Glob(filepath.Dir(folder), "*/final"); !slices.Equal(got, want[2:]) {
			t.Errorf("above %q there are %q", name, got)
		}
	}
	if got := regularfile.Glob(filepath.Join(t.TempDir(), "missing"), "*"); got != nil {
		t.Errorf("in a folder that is missing there are %q", got)
	}
}

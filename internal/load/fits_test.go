package load

import (
	"strings"
	"testing"

	"ventriloquist/engine"
	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

// A model that does not fit is refused with how much it needs, how much is missing, and what helps.
func TestFits_SaysHowMuchIsMissing(t *testing.T) {
	t.Parallel()
	plan := engine.Memory{Weights: 16 << 30, Mapped: 15 << 30, Workspace: 1 << 30, Total: 17 << 30}
	if err := fits(plan, engine.Plain, 17<<30, model.Folder("m")); err != nil {
		t.Errorf("what just fits was refused: %v", err)
	}
	err := fits(plan, engine.Plain, 8<<30, model.Folder("m"))
	if err == nil {
		t.Fatal("17 GiB fit into 8")
	}
	if want := "m needs 17.00 GiB (weights 16.00 GiB), 9.00 GiB more than the 8.00 GiB that are free"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if !strings.Contains(usererr.Of(err), "smaller model") {
		t.Errorf("hint %q", usererr.Of(err))
	}
}

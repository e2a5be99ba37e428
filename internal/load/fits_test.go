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
	plan := engine.Plan{WeightsMapped: 15e9, WeightsPrepared: 1e9, Workspace: 1e9, Total: 17e9}
	if err := fits(plan, engine.Plain, 17e9, model.Folder("m")); err != nil {
		t.Errorf("what just fits was refused: %v", err)
	}
	err := fits(plan, engine.Plain, 8e9, model.Folder("m"))
	if err == nil {
		t.Fatal("17 GB fit into 8")
	}
	if want := "m needs 17.0 GB (weights 16.0 GB), 9.0 GB more than the 8.0 GB that are free"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if !strings.Contains(usererr.Of(err), "smaller model") {
		t.Errorf("hint %q", usererr.Of(err))
	}
}

package usererr_test

import (
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

func TestPermissionAdvice_DependsOnSystem(t *testing.T) {
	t.Parallel()
	advice := usererr.PermissionAdvice("darwin", "/x/chat.db")
	for _, step := range []string{"System Settings > Privacy & Security > Full Disk Access", "switch your terminal on", "open it again"} {
		if !strings.Contains(advice, step) {
			t.Errorf("the advice does not say %q: %s", step, advice)
		}
	}
	if got := usererr.PermissionAdvice("linux", "/x/chat.db"); got != "you need the right to read /x/chat.db" {
		t.Errorf("advice is %q", got)
	}
}

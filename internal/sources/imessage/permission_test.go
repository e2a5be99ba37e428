package imessage

import (
	"errors"
	"os"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

func TestExplainFile_WithoutPermission(t *testing.T) {
	err := explainFile("/x/chat.db", &os.PathError{Op: "open", Path: "/x/chat.db", Err: os.ErrPermission})
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "/x/chat.db") || usererr.Of(err) == "" {
		t.Errorf("error is %v, with hint %q", err, usererr.Of(err))
	}
	advice := permissionAdvice("darwin", "/x/chat.db")
	for _, step := range []string{"System Settings > Privacy & Security > Full Disk Access", "switch your terminal on", "open it again"} {
		if !strings.Contains(advice, step) {
			t.Errorf("the advice does not say %q: %s", step, advice)
		}
	}
	if got := permissionAdvice("linux", "/x/chat.db"); got != "you need the right to read /x/chat.db" {
		t.Errorf("advice is %q", got)
	}
}

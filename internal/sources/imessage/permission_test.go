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
}

package messages

import (
	"strings"
	"syscall"
	"testing"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/usererr"
)

// SQLite reports a full disk in two ways.
func TestExplain_FullDisk(t *testing.T) {
	t.Parallel()
	for _, failure := range []sqlite3.Error{{Code: sqlite3.ErrFull}, {Code: sqlite3.ErrIoErr, SystemErrno: syscall.ENOSPC}} {
		if advice := usererr.Of(explain("messages.db", failure)); !strings.Contains(advice, "make room") {
			t.Errorf("%v: the advice is %q", failure, advice)
		}
	}
	if advice := usererr.Of(explain("messages.db", sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.EIO})); advice != "" {
		t.Errorf("of a broken disk the advice is %q", advice)
	}
}

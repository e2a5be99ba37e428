package imessage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"runtime"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
	"ventriloquist/internal/usererr"

	"github.com/mattn/go-sqlite3"
)

// Source is an open message database, and one read transaction over all of it.
type Source struct {
	path       string // as it was found, for messages
	name       string // by which the store knows it
	root       string // the backup that it is of, else the folder that it lies in
	db         *sql.DB
	conn       *sql.Conn // in a transaction
	copyFolder string    // folder of the copy that is read, or empty
	// backup is the encrypted backup that the database was decrypted from into the folder decrypted; both may be empty.
	backup, decrypted string
	immutableStamp    string // the stamp of a file that is read as one that nobody writes, or empty
	columns           map[string]map[string]bool
	snapshot          *sqlitepages.Snapshot // at the state that the transaction sees; nil if others write too often to tell
	roots             map[string]uint32     // the first pages of the surveyed tables
	// withoutRowID are the tables of interest whose rows have no numbers.
	withoutRowID map[string]bool
	byGUID       map[string]int64 // rows by identifier, of a database without an index of these
}

// Path is the database that was found; of an encrypted backup, its folder.
func (s *Source) Path() string {
	if s.backup != "" {
		return s.backup
	}
	return s.path
}

// Unit is what a summary counts.
func (s *Source) Unit() string { return "rows" }

// Fates are those of a row.
func (s *Source) Fates() []sources.Fate { return rowFates }

// rowFates are the fates of a row, in the order of a summary.
var rowFates = []sources.Fate{sources.Messages, sources.Reactions, sources.Removals, sources.LostTarget, sources.GroupEvents, sources.Stickers,
	sources.PollVotes, sources.Unsent, sources.Empty, sources.RecentlyDeleted, sources.Junk, sources.Scheduled, sources.NeverSent, sources.NoChat,
	sources.NoSender, sources.UnknownKind, sources.Unread}

// errChangedDuringRead says that somebody wrote a file that was read as one that nobody writes.
var errChangedDuringRead = errors.New("it was changed while it was read")

// checkUnchanged returns errChangedDuringRead if the file was written since it was opened as one that nobody writes.
func (s *Source) checkUnchanged() error {
	if s.immutableStamp != "" && stampOf(s.path) != s.immutableStamp {
		return errChangedDuringRead
	}
	return nil
}

// stampOf reports whether a file has changed.
func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}

// stamp reports whether the files of the database have changed.
func (s *Source) stamp() string {
	return stampOf(s.path) + ";" + stampOf(s.path+"-wal")
}

// explain names the database and says what to do about what SQLite reports.
func (s *Source) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	advice := usererr.Of(err)
	var failure sqlite3.Error
	if errors.As(err, &failure) {
		switch failure.Code {
		case sqlite3.ErrBusy, sqlite3.ErrLocked:
			advice = "another program is writing it: close Messages and try again"
		case sqlite3.ErrNotADB, sqlite3.ErrCorrupt:
			advice = "the file is damaged: try a copy of it, or repair it with sqlite3's .recover"
		case sqlite3.ErrPerm, sqlite3.ErrAuth, sqlite3.ErrCantOpen:
			advice = usererr.PermissionAdvice(runtime.GOOS, s.path+" and its folder")
		}
	}
	err = fmt.Errorf("cannot read %s: %w", s.path, err)
	if advice == "" {
		return err
	}
	return usererr.With(err, "%s", advice)
}

func explainFile(path string, err error) error {
	err = fmt.Errorf("cannot read the message database: %w", err)
	switch {
	case errors.Is(err, os.ErrPermission):
		return usererr.With(err, "%s", usererr.PermissionAdvice(runtime.GOOS, path))
	case errors.Is(err, os.ErrNotExist):
		return usererr.With(err, "name the database with %v: a Mac's is ~/Library/Messages/chat.db", sourceOption)
	}
	return err
}

package imessage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/scratch"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/sqlitepages"
	"ventriloquist/internal/usererr"
)

// sourceOption is the option that names the database.
const sourceOption = usererr.Option("source")

// Source is an open message database with one read transaction for all queries.
type Source struct {
	path       string // the path as found, for messages to the user
	name       string // the name of the source in the store
	root       string // the backup that contains it, or else its folder
	db         *sql.DB
	conn       *sql.Conn    // with an open transaction
	copyFolder *scratch.Dir // the folder of the copy to read, or nil
	temp       string       // where copyFolder goes
	// backup is the encrypted backup that the database comes from, and decrypted the folder of its decrypted files; "" and nil
	// for others.
	backup         string
	decrypted      *scratch.Dir
	immutableStamp string // the stamp of a file that is read as immutable, or empty
	columns        map[string]map[string]bool
	snapshot       *sqlitepages.Snapshot // what the transaction sees; nil if that is not known
	roots          map[string]uint32     // the root pages of the surveyed tables
	// withoutRowID contains the join tables without row IDs.
	withoutRowID map[string]bool
	byGUID       map[string]int64 // rows by identifier, for a database without an index on them
}

// Path returns the path of the database or, for an encrypted backup, of its folder.
func (s *Source) Path() string {
	if s.backup != "" {
		return s.backup
	}
	return s.path
}

// Unit returns the unit of the counts in a summary.
func (s *Source) Unit() string { return "rows" }

// Fates returns the possible fates of a row.
func (s *Source) Fates() []sources.Fate { return rowFates }

// rowFates lists the fates of a row in the order of a summary.
var rowFates = []sources.Fate{sources.Messages, sources.Reactions, sources.Removals, sources.LostTarget, sources.GroupEvents, sources.Stickers,
	sources.PollVotes, sources.Duplicates, sources.Unsent, sources.Empty, sources.RecentlyDeleted, sources.Junk, sources.Scheduled, sources.NeverSent, sources.NoChat,
	sources.NoSender, sources.UnknownKind, sources.Unread}

// errChangedDuringRead means that another process wrote a file that was read as immutable.
var errChangedDuringRead = errors.New("it was changed while it was read")

// checkUnchanged returns errChangedDuringRead if the file was written after it was opened as immutable.
func (s *Source) checkUnchanged() error {
	if s.immutableStamp != "" && stampOf(s.path) != s.immutableStamp {
		return errChangedDuringRead
	}
	return nil
}

// stampOf returns a string that differs if the file has changed.
func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}

// stamp returns a string that differs if the files of the database have changed.
func (s *Source) stamp() string {
	return stampOf(s.path) + ";" + stampOf(s.path+"-wal")
}

// explain names the database in an SQLite error and adds what to do about it.
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
		case sqlite3.ErrNotADB:
			advice = "the file is encrypted or no SQLite database: name a Mac's chat.db, a phone's sms.db, or the folder of a backup"
		case sqlite3.ErrCorrupt:
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
	if errors.Is(err, os.ErrNotExist) {
		return usererr.With(fmt.Errorf("there is no message database %s", path), missingAdvice(runtime.GOOS), sourceOption)
	}
	err = fmt.Errorf("cannot read the message database: %w", err)
	if errors.Is(err, os.ErrPermission) {
		return usererr.With(err, "%s", usererr.PermissionAdvice(runtime.GOOS, path))
	}
	return err
}

// missingAdvice says where messages are on a system; the name of the option for a source is filled in.
func missingAdvice(goos string) string {
	if goos == "darwin" {
		return "Messages on this Mac has no database there: name another one, an iPhone's backup or an export, with %v"
	}
	return "only a Mac has this file: name an export, an iPhone's backup or a copy of chat.db with %v; `vqctl sources` lists what is read"
}

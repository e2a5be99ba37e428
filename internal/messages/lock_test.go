package messages_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ventriloquist/internal/messages"
)

func TestLockFolder_OneAtATime(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	release, err := messages.LockFolder(t.Context(), folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that stayed empty is still there (%v)", err)
	}
	var group sync.WaitGroup
	var holders atomic.Int32
	for range 4 {
		group.Go(func() {
			for range 20 {
				release, err := messages.LockFolder(t.Context(), folder, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if holders.Add(1) != 1 {
					t.Error("two hold the lock")
				}
				if _, err := os.Stat(folder); err != nil {
					t.Errorf("the folder of a lock that is held: %v", err)
				}
				holders.Add(-1)
				release()
			}
		})
	}
	group.Wait()
}

// A link into nowhere is an error, and no reason to try for ever.
func TestLockFolder_OfALinkIntoNowhere(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(filepath.Join(t.TempDir(), "missing"), link); err != nil {
		t.Skip(err)
	}
	if release, err := messages.LockFolder(t.Context(), link, nil); err == nil {
		release()
		t.Error("there is no error")
	}
}

func TestLockFolder_OfASymbolicLink(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	release, err := messages.LockFolder(ctx, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func TestLockFolder_WaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	release, err := messages.LockFolder(t.Context(), folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := messages.LockFolder(ctx, folder, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

// Opening and reading take no lock that a writer's excludes, in the middle of its transaction and after it.
func TestOpen_DoesNotWaitForAWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	db, err := messages.Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	writer, err := sql.Open("sqlite3", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	tx, err := writer.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	reader, err := messages.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := reader.OwnAddresses(t.Context()); err != nil {
		t.Error(err)
	}
}

// What fills the file with more than its cache holds would lock readers out, but for the write-ahead log; afterwards there is
// one file again, which can be copied.
func TestUpdate_ReadersGoOn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "messages.db")
	db, err := messages.Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(address string) string { return address }, func(conn *sql.Conn, _ *messages.Reader) error {
		_, err := conn.ExecContext(t.Context(), `INSERT INTO training_conversations (id, members, first, last)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, hex(randomblob(50000)), i, i FROM n`)
		if err != nil {
			return err
		}
		reader, err := messages.Open(t.Context(), path)
		if err != nil {
			return err
		}
		defer reader.Close()
		_, err = reader.OwnAddresses(t.Context())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if names, err := filepath.Glob(path + "*"); err != nil || len(names) != 1 {
		t.Errorf("files are %v (%v)", names, err)
	}
	header, err := os.ReadFile(path)
	if err != nil || header[18] != 1 {
		t.Errorf("the file is not in the mode of a single file (%v)", err)
	}
}

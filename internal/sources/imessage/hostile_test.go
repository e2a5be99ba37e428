package imessage_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ventriloquist/internal/sources/imessage"
)

// A pipe in the place of the database is refused at once: reading it would wait for somebody to write.
func TestOpen_RefusesAPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "chat.db")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := imessage.Open(ctx, path, dir)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("it was opened")
		}
	case <-ctx.Done():
		t.Fatal("it waits")
	}
}

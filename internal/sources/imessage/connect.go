package imessage

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/sources/imessage/sqlitepages"
)

// connect opens a database file and begins the transaction for all reads.
func (s *Source) connect(ctx context.Context, path, mode string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	dsn := url.URL{Scheme: "file", Path: absolute, RawQuery: mode + "&_mutex=no&_query_only=true&_busy_timeout=3000&_stmt_cache_size=16"}
	if s.db, err = sql.Open("sqlite3", dsn.String()); err != nil {
		return err
	}
	if s.conn, err = s.db.Conn(ctx); err == nil {
		err = s.begin(ctx, absolute)
	}
	if err == nil {
		s.columns, err = s.probe(ctx)
	}
	if err == nil {
		err = s.readRoots(ctx)
	}
	if err != nil {
		s.disconnect()
	}
	return err
}

func (s *Source) disconnect() error {
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	s.conn, s.db = nil, nil
	return errors.Join(errs...)
}

// begin begins the transaction. What another process commits at the same time may or may not be part of it.
func (s *Source) begin(ctx context.Context, path string) error {
	const attempts = 10
	for n := range attempts {
		if n > 0 {
			if _, err := s.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
				return err
			}
		}
		before, failed := sqlitepages.TakeSnapshot(path)
		if _, err := s.conn.ExecContext(ctx, "BEGIN; SELECT count(*) FROM sqlite_master"); err != nil {
			return err
		}
		if after, err := sqlitepages.TakeSnapshot(path); failed == nil && err == nil {
			if s.snapshot = before.Until(after); s.snapshot != nil {
				return nil
			}
		}
	}
	return nil
}

func cannotOpen(err error) bool {
	var failure sqlite3.Error
	return errors.As(err, &failure) && (failure.Code == sqlite3.ErrCantOpen || failure.Code == sqlite3.ErrReadonly)
}

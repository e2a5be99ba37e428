package messages

import (
	"context"
	"database/sql"
)

// session runs statements in a transaction.
type session struct {
	ctx        context.Context
	conn       *sql.Conn
	sql        *sql.Tx // of conn
	path       string  // of the file, for errors
	statements map[string]*sql.Stmt
}

func (s *session) exec(statement string, args ...any) error {
	_, err := s.sql.ExecContext(s.ctx, statement, args...)
	return err
}

// run executes a statement that is prepared once. It takes no context: with one, each would start a goroutine to watch it.
func (s *session) run(statement string, args ...any) error {
	prepared, err := s.prepared(statement)
	if err == nil {
		_, err = prepared.Exec(args...)
	}
	return err
}

func (s *session) prepared(statement string) (*sql.Stmt, error) {
	prepared := s.statements[statement]
	if prepared == nil {
		var err error
		if prepared, err = s.sql.PrepareContext(s.ctx, statement); err != nil {
			return nil, err
		}
		s.statements[statement] = prepared
	}
	return prepared, nil
}

func (s *session) each(query string, scan func(*sql.Rows) error, args ...any) error {
	return each(s.ctx, s.sql, query, scan, args...)
}

// query is each for a statement that is prepared once.
func (s *session) query(query string, scan func(*sql.Rows) error, args ...any) error {
	prepared, err := s.prepared(query)
	if err != nil {
		return err
	}
	rows, err := prepared.Query(args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *session) integer(query string, args ...any) (int64, error) {
	return integer(s.ctx, s.sql, query, args...)
}

// wrong adds the file's name to an error.
func (s *session) wrong(err error) error {
	if err == nil {
		return nil
	}
	return explain(s.path, err)
}

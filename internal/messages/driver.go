package messages

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

// statement is a prepared statement that goes to the driver directly. database/sql would check, convert and lock for each
// value, which takes as long as SQLite itself.
type statement struct {
	conn *sql.Conn
	stmt driver.Stmt
}

var errDriver = errors.New("the SQLite driver has no statements with parameters")

// prepareStatement prepares a statement on a connection, inside its transaction if there is one.
func prepareStatement(ctx context.Context, conn *sql.Conn, query string) (*statement, error) {
	s := &statement{conn: conn}
	err := conn.Raw(func(c any) (err error) {
		preparer, is := c.(driver.ConnPrepareContext)
		if !is {
			return errDriver
		}
		s.stmt, err = preparer.PrepareContext(ctx, query)
		return err
	})
	return s, err
}

// Close frees the statement.
func (s *statement) Close() error {
	if s.stmt == nil {
		return nil
	}
	return s.conn.Raw(func(any) error { return s.stmt.Close() })
}

// query starts the statement. It is for the functions of conn.Raw, which holds the connection.
func (s *statement) query(args []driver.NamedValue) (driver.Rows, error) {
	querier, is := s.stmt.(driver.StmtQueryContext)
	if !is {
		return nil, errDriver
	}
	// With a context that can be canceled, each step would start a goroutine to watch it.
	return querier.QueryContext(context.Background(), args)
}

// run executes the statement, which returns no rows. As a query, because its values then cross into SQLite all at once.
func (s *statement) run(args []driver.NamedValue) error {
	return s.conn.Raw(func(any) error {
		rows, err := s.query(args)
		if err != nil {
			return err
		}
		return rows.Close()
	})
}

// number returns a whole number of a row.
func number(v driver.Value) (int64, error) {
	n, is := v.(int64)
	if !is {
		return 0, fmt.Errorf("a number is stored as %T", v)
	}
	return n, nil
}

// text returns a text of a row; known is false for NULL.
func text(v driver.Value) (s string, known bool, err error) {
	switch v := v.(type) {
	case nil:
		return "", false, nil
	case string:
		return v, true, nil
	case []byte:
		return string(v), true, nil
	}
	return "", false, fmt.Errorf("a text is stored as %T", v)
}

package imessage

import (
	"context"
	"errors"
	"fmt"

	"ventriloquist/internal/usererr"
)

// required lists the columns that a collect cannot do without; every other column may be missing.
var required = map[string][]string{
	"message":           {"guid", "date", "handle_id", "is_from_me"},
	"handle":            {"id"},
	"chat":              {"guid"},
	"chat_message_join": {"chat_id", "message_id"},
}

var tables = []string{"message", "handle", "chat", "chat_message_join", "chat_handle_join", "attachment",

	"message_attachment_join", "chat_recoverable_message_join"}

// probe returns the columns of the tables that the package reads.
func (s *Source) probe(ctx context.Context) (map[string]map[string]bool, error) {
	columns := make(map[string]map[string]bool)
	for _, table := range tables {
		names := make(map[string]bool)
		err := s.each(ctx, `SELECT name FROM pragma_table_info(?)`, func(r record) error {
			names[r.text(0)] = true
			return nil
		}, table)
		if err != nil {
			return nil, err
		}
		columns[table] = names
	}
	if columns["message"]["address"] && columns["message"]["flags"] && len(columns["handle"]) == 0 {
		return nil, usererr.With(errors.New("it is a message database of iOS 5 or older, which is not read"),
			"restore its backup to a device with iOS 6 or newer, and collect a backup of that")
	}
	for _, table := range tables {
		for _, name := range required[table] {
			if !columns[table][name] {
				return nil, usererr.With(fmt.Errorf("it has no column %s.%s: this is not a Messages database", table, name),
					"a Mac's is ~/Library/Messages/chat.db")
			}
		}
	}
	return columns, nil
}

// integer returns an expression for a column as an integer: 0 if it is NULL or missing.
func (s *Source) integer(table, column string) string {
	if !s.has(table, column) {
		return "0"
	}
	return fmt.Sprintf("coalesce(CAST(%s.%s AS INTEGER), 0)", table, column)
}

// text does the same for text, with the empty string for NULL.
func (s *Source) text(table, column string) string {
	if !s.has(table, column) {
		return "''"
	}
	return fmt.Sprintf("coalesce(CAST(%s.%s AS TEXT), '')", table, column)
}

// blob does the same for bytes, and keeps NULL.
func (s *Source) blob(table, column string) string {
	if !s.has(table, column) {
		return "NULL"
	}
	return table + "." + column
}

package discord

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"ventriloquist/internal/sources/csvstream"
	"ventriloquist/internal/sources/jsonstream"
)

// json passes the messages of messages.json to visit.
func (e *packageEmitter) json(ctx context.Context, in io.Reader, where string, visit func(*packagedMessage) error, damaged func(string)) error {
	return jsonstream.Read(in, where, largestValue, damaged, func(s *jsonstream.Scanner) error {
		return jsonstream.Each(s, (*packagedMessage).read, func(m *packagedMessage) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return visit(m)
		})
	})
}

// csv passes the messages of messages.csv, which older packages have, to visit.
func (e *packageEmitter) csv(ctx context.Context, in io.Reader, where string, visit func(*packagedMessage) error, damaged func(string)) error {
	rows := csvstream.New(in)
	names, err := rows.Header()
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	id, at, text, files := slices.Index(names, "ID"), slices.Index(names, "Timestamp"), slices.Index(names, "Contents"), slices.Index(names, "Attachments")
	if id < 0 || at < 0 || text < 0 || files < 0 {
		return fmt.Errorf("%s: it lacks the columns ID, Timestamp, Contents and Attachments", where)
	}
	for {
		fields, line, err := rows.Next()
		switch {
		case errors.As(err, new(csvstream.Damage)):
			damaged(fmt.Sprintf("%s:%d: %v", where, line, err))
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", where, err)
		case fields == nil:
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := visit(&packagedMessage{id: fields[id], at: fields[at], text: fields[text], files: fields[files]}); err != nil {
			return err
		}
	}
}

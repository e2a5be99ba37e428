package windows

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"ventriloquist/internal/messages"
)

// History reads the conversations that Build stored, in pages, and changes nothing.
type History struct {
	db *messages.DB
}

// OpenHistory opens the conversations in the messages.db at path.
func OpenHistory(ctx context.Context, path string) (*History, error) {
	db, err := messages.OpenReadOnly(ctx, path)
	if err != nil {
		return nil, err
	}
	return &History{db}, nil
}

// Close closes the file.
func (h *History) Close() error { return h.db.Close() }

// PastConversation is a conversation of the history.
type PastConversation struct {
	ID       int64
	Members  []string // sorted
	Messages int64
	Last     time.Time
}

// PastMessage is a message of the history. IDs ascend in the order of a conversation's messages.
type PastMessage struct {
	ID   int64
	Date time.Time
	Message
}

// ErrNoConversation means that there is no conversation with this number.
var ErrNoConversation = errors.New("there is no such conversation")

// Conversations returns all conversations, those with the latest messages first.
func (h *History) Conversations(ctx context.Context) (list []PastConversation, err error) {
	rows, err := h.db.SQL().QueryContext(ctx, `SELECT c.id, c.members, c.last - c.first + 1, m.date
		FROM training_conversations c JOIN training_messages m ON m.id = c.last ORDER BY m.date DESC, c.id`)
	if err != nil {
		return nil, h.db.Explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c PastConversation
		var members []byte
		var last int64
		if err := rows.Scan(&c.ID, &members, &c.Messages, &last); err != nil {
			return nil, h.db.Explain(err)
		}
		if err := json.Unmarshal(members, &c.Members); err != nil {
			return nil, h.db.Explain(fmt.Errorf("training_conversations: members of row %d: %w", c.ID, err))
		}
		c.Last = time.Unix(0, last)
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		return nil, h.db.Explain(err)
	}
	return list, nil
}

// Page returns up to limit messages of a conversation, the latest ones before the message with an ID, or of all if that is 0. more
// reports whether there are earlier ones.
func (h *History) Page(ctx context.Context, conversation, before int64, limit int) (page []PastMessage, more bool, err error) {
	var first, last int64
	err = h.db.SQL().QueryRowContext(ctx, `SELECT first, last FROM training_conversations WHERE id = ?`, conversation).Scan(&first, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, ErrNoConversation
	}
	if err != nil {
		return nil, false, h.db.Explain(err)
	}
	if before > first && before <= last {
		last = before - 1
	} else if before != 0 && before <= first {
		return nil, false, nil
	}
	from := max(first, last-int64(limit)+1)
	rows, err := h.db.SQL().QueryContext(ctx, selectMessages, max(from-1, first), last) // with the one before, for the delta
	if err != nil {
		return nil, false, h.db.Explain(err)
	}
	defer rows.Close()
	scanner := messageScanner{}
	for rows.Next() {
		m, err := scanner.scan(rows)
		if err != nil {
			return nil, false, h.db.Explain(err)
		}
		page = append(page, PastMessage{m.id, time.Unix(0, m.date), m.Message})
	}
	if err := rows.Err(); err != nil {
		return nil, false, h.db.Explain(err)
	}
	page = slices.DeleteFunc(page, func(m PastMessage) bool { return m.ID < from })
	return page, from > first, nil
}

package messages

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
)

// reactionEvent is a reaction or the removal of one.
type reactionEvent struct {
	id      int64 // of the message, or of the removal
	row     int64
	date    int64
	text    string // the reaction's text; "" in a removal that does not say which emoji it takes back
	removal bool
}

// reactionKey is a person and the message reacted to.
type reactionKey struct {
	person string
	target int64
}

// readCanceled returns the reactions that were taken back. Each removal cancels the latest earlier reaction by the same
// person to the same message with the same text.
func readCanceled(ctx context.Context, q querier, h *handles, identity func(string) string) (map[int64]bool, error) {
	people := make([]string, len(h.addresses))
	for i, address := range h.addresses {
		if people[i] = address; i > 0 && identity != nil {
			people[i] = identity(address)
		}
	}
	events, err := readReactionEvents(ctx, q, people)
	if err != nil {
		return nil, err
	}
	canceled := make(map[int64]bool)
	for _, list := range events {
		sort.Slice(list, func(i, j int) bool { return list[i].before(&list[j]) })
		for i := range list {
			if list[i].removal {
				cancelLatest(list[:i], list[i].text, canceled)
			}
		}
	}
	return canceled, nil
}

func (e *reactionEvent) before(f *reactionEvent) bool {
	switch {
	case e.date != f.date:
		return e.date < f.date
	case e.row != f.row:
		return e.row < f.row
	}
	return e.id < f.id
}

func cancelLatest(earlier []reactionEvent, text string, canceled map[int64]bool) {
	for i := len(earlier) - 1; i >= 0; i-- {
		e := &earlier[i]
		if !e.removal && !canceled[e.id] && (e.text == text || text == "" && !isWord(e.text)) {
			canceled[e.id] = true
			return
		}
	}
}

// isWord distinguishes the six named reactions from emoji.
func isWord(reaction string) bool { return reaction != "" && reaction[0] >= 'A' && reaction[0] <= 'Z' }

// readReactionEvents returns all reactions and removals on messages that have a removal.
func readReactionEvents(ctx context.Context, q querier, people []string) (map[reactionKey][]reactionEvent, error) {
	const removals = `SELECT quote FROM message WHERE kind = 9 AND state & 3 = 0`
	const query = `SELECT m.id, m.line, m.date, m.sender, m.text, m.quote, m.kind = 9 FROM message m
		WHERE m.target IS NOT NULL AND m.kind IN (1, 9) AND m.state & 3 = 0 AND m.quote IN (` + removals + `) AND EXISTS (` + removals + `)`
	events := make(map[reactionKey][]reactionEvent)
	err := each(ctx, q, query, func(rows *sql.Rows) error {
		var e reactionEvent
		var line *int64
		var sender, target int64
		if err := rows.Scan(&e.id, &line, &e.date, &sender, &e.text, &target, &e.removal); err != nil {
			return err
		}
		if sender < 0 || sender >= int64(len(people)) {
			return fmt.Errorf("handle %d does not exist", sender)
		}
		e.row = rowOf(e.id, line)
		key := reactionKey{people[sender], target}
		events[key] = append(events[key], e)
		return nil
	})
	return events, err
}

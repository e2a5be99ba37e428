package messages

import (
	"context"
	"database/sql"
	"sort"
)

// Count is how many messages somebody sent to a conversation, reactions included.
type Count struct {
	Conversation int    // index into the conversations
	Sender       string // an address, or Owner
	Messages     int64
	Last         int64 // when the last one was sent: nanoseconds since 1970 UTC
}

// Addresses are those that take part in conversations, as sources spell them, without the owner's "".
func (r *Reader) Addresses() []string { return r.addresses[1:] }

// Tally counts messages by conversation and sender, those left out that were taken back.
func (r *Reader) Tally(ctx context.Context, conversations []Conversation) ([]Count, error) {
	counts, err := r.tally(ctx, conversations)
	if err == nil {
		err = r.withoutCanceled(ctx, conversations, counts)
	}
	if err != nil {
		return nil, explain(r.path, err)
	}
	return counts, nil
}

func (r *Reader) tally(ctx context.Context, conversations []Conversation) ([]Count, error) {
	place := make(map[int64]int, len(conversations))
	for i := range conversations {
		place[conversations[i].ID] = i
	}
	rows, err := r.q.QueryContext(ctx, `SELECT c.id, m.sender, count(*), max(m.date)
		FROM conversation c JOIN message m ON m.id BETWEEN c.first AND c.last GROUP BY c.id, m.sender`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var counts []Count
	for rows.Next() {
		var c Count
		var conversation, sender int64
		if err := rows.Scan(&conversation, &sender, &c.Messages, &c.Last); err != nil {
			return nil, err
		}
		i, known := place[conversation]
		if !known {
			continue
		}
		if c.Sender, err = r.address(sender); err != nil {
			return nil, err
		}
		c.Conversation = i
		counts = append(counts, c)
	}
	return counts, rows.Err()
}

// withoutCanceled takes the reactions that were taken back out of the counts.
func (r *Reader) withoutCanceled(ctx context.Context, conversations []Conversation, counts []Count) error {
	type key struct {
		conversation int
		sender       string
	}
	place := make(map[key]int, len(counts))
	for i, c := range counts {
		place[key{c.Conversation, c.Sender}] = i
	}
	byFirst := make([]int, len(conversations))
	for i := range byFirst {
		byFirst[i] = i
	}
	sort.Slice(byFirst, func(i, j int) bool { return conversations[byFirst[i]].First < conversations[byFirst[j]].First })
	for id := range r.canceled {
		rows, err := r.q.QueryContext(ctx, `SELECT sender FROM message WHERE id = ?`, id)
		if err != nil {
			return err
		}
		sender, err := oneInteger(rows)
		if err != nil {
			return err
		}
		address, err := r.address(sender)
		if err != nil {
			return err
		}
		at := sort.Search(len(byFirst), func(i int) bool { return conversations[byFirst[i]].Last >= id })
		if at == len(byFirst) {
			continue
		}
		if i, known := place[key{byFirst[at], address}]; known {
			counts[i].Messages--
		}
	}
	return nil
}

// oneInteger reads the one value of the one row, and closes the rows.
func oneInteger(rows *sql.Rows) (n int64, err error) {
	defer rows.Close()
	if !rows.Next() {
		return 0, rows.Err()
	}
	return n, rows.Scan(&n)
}

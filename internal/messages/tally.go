package messages

import (
	"context"
	"database/sql"
)

// Count is how many messages one sender sent to a conversation, including reactions.
type Count struct {
	Conversation int    // index into the conversations
	Sender       string // an address, or Owner
	Messages     int64
	Last         int64 // when the last one was sent: nanoseconds since 1970 UTC
}

// Tally counts messages by conversation and sender, without canceled reactions.
func (r *Reader) Tally(ctx context.Context, conversations []Conversation) ([]Count, error) {
	type key struct {
		conversation int
		sender       int64
	}
	counts := make(map[key]*Count)
	var order []key
	spans := make(map[int64][]int) // indexes of the conversations that include part of a chat
	for i := range conversations {
		for _, s := range conversations[i].spans {
			spans[s.chat] = append(spans[s.chat], i)
		}
	}
	for _, chat := range sortedKeys(spans) {
		err := each(ctx, r.q, `SELECT m.id, m.line, m.date, m.sender FROM message m WHERE m.chat = ? AND `+isShown, func(rows *sql.Rows) error {
			var id, date, sender int64
			var line *int64
			if err := rows.Scan(&id, &line, &date, &sender); err != nil {
				return err
			}
			at := conversationAt(conversations, spans[chat], chat, moment{date, rowOf(id, line)})
			if at < 0 {
				return nil
			}
			k := key{at, sender}
			c := counts[k]
			if c == nil {
				address, err := r.handles.address(sender)
				if err != nil {
					return err
				}
				c = &Count{Conversation: at, Sender: address}
				counts[k] = c
				order = append(order, k)
			}
			if c.Last = max(c.Last, date); !r.canceled[id] {
				c.Messages++
			}
			return nil
		}, chat)
		if err != nil {
			return nil, explain(r.path, err)
		}
	}
	list := make([]Count, len(order))
	for i, k := range order {
		list[i] = *counts[k]
	}
	return list, nil
}

// conversationAt returns the index of the conversation that a moment of a chat belongs to, -1 for none.
func conversationAt(conversations []Conversation, among []int, chat int64, at moment) int {
	for _, i := range among {
		for _, s := range conversations[i].spans {
			if s.chat == chat && s.after.compare(at) < 0 && at.compare(s.upTo) <= 0 {
				return i
			}
		}
	}
	return -1
}

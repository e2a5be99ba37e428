package messages

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
)

// chatPair is two chats, the one with the lower number first.
type chatPair struct{ a, b int64 }

func pairOf(a, b int64) chatPair { return chatPair{min(a, b), max(a, b)} }

// spokenWord is a message as commonWords compares it.
type spokenWord struct {
	words uint64 // their hash
	date  int64
	chat  int64
}

// mostCompared limits the messages in memory; of larger histories, messages with some words are compared.
const mostCompared = 2_000_000

// mostAtOnce limits how many messages of the same words at the same time are compared.
const mostAtOnce = 1000

// commonWords returns the pairs of chats that hold the same words at the same time: comparing every two chats message by message takes
// time for each pair, and most have nothing in common.
func commonWords(ctx context.Context, q querier, chats []int64) (map[chatPair]bool, error) {
	total, err := integer(ctx, q, `SELECT count(*) FROM message`)
	if err != nil {
		return nil, err
	}
	one := uint64(total/mostCompared + 1)
	var list []spokenWord
	for _, chat := range chats {
		err := each(ctx, q, `SELECT m.date, m.text FROM message m INDEXED BY message_order WHERE m.chat = ? AND m.kind = ? AND `+isShown, func(rows *sql.Rows) error {
			var date int64
			var text string
			err := rows.Scan(&date, &text)
			if words := sumOf(plainWords(text)); words%one == 0 {
				list = append(list, spokenWord{words, date, chat})
			}
			return err
		}, chat, Text)
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(x, y spokenWord) int { return cmp.Or(cmp.Compare(x.words, y.words), cmp.Compare(x.date, y.date)) })
	pairs := make(map[chatPair]bool)
	for i := range list {
		for j := i + 1; j < min(len(list), i+mostAtOnce) && list[j].words == list[i].words && list[j].date-list[i].date <= minute; j++ {
			if list[i].chat != list[j].chat {
				pairs[pairOf(list[i].chat, list[j].chat)] = true
			}
		}
	}
	return pairs, nil
}

package imessage

import (
	"context"
	"fmt"
	"slices"
)

// ChatRow is a chat as Messages lists it.
type ChatRow struct {
	GUID      string   // the id by which AppleScript knows the chat
	Addresses []string // of the members other than the owner
	Group     bool
}

// ChatRows returns the chats that have a GUID and messages, the one with the newest row first.
func (s *Source) ChatRows(ctx context.Context) ([]ChatRow, error) {
	d, err := s.readDirectory(ctx)
	if err != nil {
		return nil, s.explain(err)
	}
	var list []ChatRow
	query := fmt.Sprintf(`SELECT chat.ROWID, %s FROM chat JOIN chat_message_join j ON j.chat_id = chat.ROWID
		GROUP BY chat.ROWID ORDER BY max(j.message_id) DESC, chat.ROWID`, s.text("chat", "guid"))
	err = s.each(ctx, query, func(r record) error {
		c := d.chats[r.int(0)]
		if c == nil || r.text(1) == "" {
			return nil
		}
		row := ChatRow{GUID: r.text(1), Group: c.group}
		for _, p := range c.members {
			row.Addresses = append(row.Addresses, p.address)
		}
		slices.Sort(row.Addresses)
		list = append(list, row)
		return nil
	})
	return list, s.explain(err)
}

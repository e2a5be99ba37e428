package signal

import (
	"context"
	"database/sql"
	"encoding/json"
	"hash/fnv"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
)

// groupChange is the part of a row of the type group-v2-change that is read.
type groupChange struct {
	Change struct {
		Details []struct{ Type, ACI, UUID, ConversationID string }
	} `json:"groupV2Change"`
}

// memberChanges are the types of details that say who joined, true, or left, false.
var memberChanges = map[string]bool{"member-add": true, "member-add-from-invite": true, "member-add-from-link": true, "member-add-from-admin-approval": true,
	"member-remove": false}

// addMembership reads who was in which group when. A group of which no change is recorded has its members at all times.
func (d *directory) addMembership(ctx context.Context) error {
	groups := make(map[string]*sources.Membership)
	r := d.reader
	err := r.db.Tolerate(ctx, `SELECT conversationId, rowid, sent_at, json FROM messages WHERE `+r.column("messages", "type")+` = 'group-v2-change'`, func(rows *sql.Rows) error {
		var id, content sql.NullString
		var row, at sql.NullInt64
		if err := rows.Scan(&id, &row, &at, &content); err != nil {
			return err
		}
		var change groupChange
		if c := d.chats[id.String]; c == nil || !c.Group || at.Int64 <= 0 || json.Unmarshal([]byte(content.String), &change) != nil {
			return nil
		}
		for _, detail := range change.Change.Details {
			joined, is := memberChanges[detail.Type]
			p := d.find(detail.ACI, detail.UUID, detail.ConversationID)
			if !is || p == nil || p.address == messages.Owner {
				continue
			}
			if groups[id.String] == nil {
				groups[id.String] = &sources.Membership{}
			}
			if joined {
				groups[id.String].Joined(time.UnixMilli(at.Int64), row.Int64, p.address)
			} else {
				groups[id.String].Left(time.UnixMilli(at.Int64), row.Int64, p.address)
			}
		}
		return nil
	})
	if err != nil || len(groups) == 0 {
		return err
	}
	for id, g := range groups {
		for _, address := range d.chats[id].today {
			g.Today(address)
		}
	}
	err = r.db.Tolerate(ctx, `SELECT conversationId, rowid, sent_at, `+r.senders()+` FROM messages WHERE `+r.column("messages", "type")+` = 'incoming'`, func(rows *sql.Rows) error {
		var id, aci, phone sql.NullString
		var row, at sql.NullInt64
		err := rows.Scan(&id, &row, &at, &aci, &phone)
		if g := groups[id.String]; g != nil && at.Int64 > 0 {
			if p := d.find(aci.String, phone.String); p != nil && p.address != messages.Owner {
				g.Wrote(time.UnixMilli(at.Int64), row.Int64, p.address)
			}
		}
		return err
	})
	for id, g := range groups {
		c := d.chats[id]
		c.Periods, c.Number = g.Periods(), numberOf(c.key)
	}
	return err
}

// senders are the columns that tell who sent a message.
func (r *Reader) senders() string {
	return `coalesce(` + r.column("messages", "sourceServiceId") + `, ` + r.column("messages", "sourceUuid") + `), ` + r.column("messages", "source")
}

// numberOf returns a number for a conversation, which Signal does not number.
func numberOf(key string) int64 {
	sum := fnv.New64a()
	sum.Write([]byte(key))
	return int64(sum.Sum64() >> 1)
}

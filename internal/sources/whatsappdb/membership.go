package whatsappdb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ventriloquist/internal/sources"
)

// memberships collects who was in which group when. Groups of which nothing is recorded have the people who wrote in them.
type memberships struct {
	*emitter
	groups map[int64]*sources.Membership // by chat
}

func (m *memberships) of(chat int64) *sources.Membership {
	g := m.groups[chat]
	if c := m.chats[chat]; g == nil && c != nil && c.Group {
		g = &sources.Membership{}
		m.groups[chat] = g
	}
	return g
}

// today adds somebody who is in a group today.
func (m *memberships) today(chat int64, address string) {
	if g := m.of(chat); g != nil && address != "" && !m.isOwn(address) {
		g.Today(address)
	}
}

// changed adds a record that somebody joined or left.
func (m *memberships) changed(chat int64, at time.Time, row int64, address string, joined bool) {
	g := m.of(chat)
	switch {
	case g == nil || address == "" || m.isOwn(address) || at.IsZero():
	case joined:
		g.Joined(at, row, address)
	default:
		g.Left(at, row, address)
	}
}

// wrote adds the messages of the groups of which something is recorded.
func (m *memberships) wrote(ctx context.Context, query string, scan func(*sql.Rows) (chat, row int64, at time.Time, address string, err error)) error {
	if len(m.groups) == 0 {
		return nil
	}
	return m.reader.db.Tolerate(ctx, query, func(rows *sql.Rows) error {
		chat, row, at, address, err := scan(rows)
		if g := m.groups[chat]; g != nil && address != "" && !m.isOwn(address) && !at.IsZero() {
			g.Wrote(at, row, address)
		}
		return err
	})
}

// set gives the chats their periods.
func (m *memberships) set() {
	for id, g := range m.groups {
		c := m.chats[id]
		c.Periods, c.Number = g.Periods(), id
	}
}

// What message_system.action_type records: somebody was added, joined by a link, an invitation or from a community; left; was removed.
const androidJoins, androidLeaves = "4, 12, 20, 52, 79", "5, 7, 13, 14"

// androidMembership reads who was in which group when.
func (r *Reader) androidMembership(ctx context.Context, e *emitter, people map[int64]string) error {
	m := memberships{e, map[int64]*sources.Membership{}}
	address := func(jid int64) string {
		if people[jid] == "" {
			return ""
		}
		return addressOf(people[jid])
	}
	if r.columns["group_participant_user"]["user_jid_row_id"] {
		pending := r.optional("group_participant_user", "pending", "0")
		err := r.db.Tolerate(ctx, `SELECT chat._id, user_jid_row_id FROM group_participant_user JOIN chat ON chat.jid_row_id = group_jid_row_id WHERE coalesce(`+pending+`, 0) = 0`, func(rows *sql.Rows) error {
			var chat, user sql.NullInt64
			err := rows.Scan(&chat, &user)
			m.today(chat.Int64, address(user.Int64))
			return err
		})
		if err != nil {
			return err
		}
	}
	if r.columns["message_system"]["action_type"] && r.columns["message_system_chat_participant"]["user_jid_row_id"] {
		err := r.db.Tolerate(ctx, fmt.Sprintf(`SELECT m.chat_row_id, m._id, m.timestamp, p.user_jid_row_id, s.action_type IN (%s) FROM message_system s JOIN message m ON m._id = s.message_row_id
			JOIN message_system_chat_participant p ON p.message_row_id = m._id WHERE s.action_type IN (%[1]s, %s)`, androidJoins, androidLeaves), func(rows *sql.Rows) error {
			var chat, row, at, user sql.NullInt64
			var joined sql.NullBool
			err := rows.Scan(&chat, &row, &at, &user, &joined)
			m.changed(chat.Int64, timeOf(at.Int64), row.Int64, address(user.Int64), joined.Bool)
			return err
		})
		if err != nil {
			return err
		}
	}
	err := m.wrote(ctx, `SELECT chat_row_id, _id, timestamp, sender_jid_row_id FROM message WHERE from_me = 0 AND message_type NOT IN (7, 10) AND sender_jid_row_id > 0`,
		func(rows *sql.Rows) (int64, int64, time.Time, string, error) {
			var chat, row, at, sender sql.NullInt64
			err := rows.Scan(&chat, &row, &at, &sender)
			return chat.Int64, row.Int64, timeOf(at.Int64), address(sender.Int64), err
		})
	m.set()
	return err
}

// The types of ZWAMESSAGE.ZGROUPEVENTTYPE that are read: somebody was added or joined; left; was removed.
const iPhoneJoin, iPhoneChanges = 2, "2, 3, 7"

// iPhoneMembership reads who was in which group when.
func (r *Reader) iPhoneMembership(ctx context.Context, e *emitter, members map[int64]string) error {
	m := memberships{e, map[int64]*sources.Membership{}}
	if r.columns["ZWAMESSAGE"]["ZGROUPEVENTTYPE"] {
		err := r.db.Tolerate(ctx, `SELECT ZCHATSESSION, Z_PK, CAST(ZMESSAGEDATE AS REAL), ZGROUPMEMBER, ZGROUPEVENTTYPE FROM ZWAMESSAGE WHERE ZMESSAGETYPE = 6 AND ZGROUPEVENTTYPE IN (`+iPhoneChanges+`)`, func(rows *sql.Rows) error {
			var chat, row, member, kind sql.NullInt64
			var at sql.NullFloat64
			err := rows.Scan(&chat, &row, &at, &member, &kind)
			m.changed(chat.Int64, appleTime(at.Float64), row.Int64, members[member.Int64], kind.Int64 == iPhoneJoin)
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(m.groups) == 0 || !r.columns["ZWAGROUPMEMBER"]["ZISACTIVE"] {
		return nil
	}
	err := r.db.Tolerate(ctx, `SELECT ZCHATSESSION, Z_PK FROM ZWAGROUPMEMBER WHERE ZISACTIVE = 1`, func(rows *sql.Rows) error {
		var chat, member sql.NullInt64
		err := rows.Scan(&chat, &member)
		if m.groups[chat.Int64] != nil {
			m.today(chat.Int64, members[member.Int64])
		}
		return err
	})
	if err != nil {
		return err
	}
	err = m.wrote(ctx, `SELECT ZCHATSESSION, Z_PK, CAST(ZMESSAGEDATE AS REAL), ZGROUPMEMBER FROM ZWAMESSAGE WHERE ZISFROMME = 0 AND ZMESSAGETYPE NOT IN (6, 10) AND ZGROUPMEMBER > 0`,
		func(rows *sql.Rows) (int64, int64, time.Time, string, error) {
			var chat, row, member sql.NullInt64
			var at sql.NullFloat64
			err := rows.Scan(&chat, &row, &at, &member)
			return chat.Int64, row.Int64, appleTime(at.Float64), members[member.Int64], err
		})
	m.set()
	return err
}

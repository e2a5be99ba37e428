package whatsappdb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sqlitefile"
)

var androidTables = []string{"message", "jid", "chat", "jid_map", "message_media", "message_quoted", "message_location", "message_vcard", "message_add_on", "message_add_on_reaction", "message_poll_option", "message_event",
	"message_edit_info", "message_system", "message_system_chat_participant", "group_participant_user"}

// optional returns an expression for a column that may be missing.
func (r *Reader) optional(table, column, otherwise string) string {
	if r.columns[table][column] {
		return table + "." + column
	}
	return otherwise
}

// join returns a join with a table that may be missing.
func (r *Reader) join(table, on string) string {
	if len(r.columns[table]) == 0 {
		return ""
	}
	return " LEFT JOIN " + table + " ON " + on
}

// android reads the rows of msgstore.db.
func (r *Reader) android(ctx context.Context, e *emitter) error {
	people, err := r.jids(ctx)
	if err != nil {
		return err
	}
	if err := r.androidChats(ctx, e, people); err != nil {
		return err
	}
	r.names(ctx, e)
	if err := r.androidMessages(ctx, e, people); err != nil {
		return err
	}
	return r.androidReactions(ctx, e, people)
}

// jids returns the identifiers by their rows; a hidden number is replaced by the number, where the database knows it.
func (r *Reader) jids(ctx context.Context) (map[int64]string, error) {
	jids := make(map[int64]string)
	err := r.db.Each(ctx, `SELECT _id, raw_string FROM jid`, func(rows *sql.Rows) error {
		var id int64
		var text sql.NullString
		err := rows.Scan(&id, &text)
		jids[id] = text.String
		return err
	})
	if err != nil || len(r.columns["jid_map"]) == 0 {
		return jids, err
	}
	numbers := make(map[int64]string)
	err = r.db.Each(ctx, `SELECT lid_row_id, jid_row_id FROM jid_map`, func(rows *sql.Rows) error {
		var lid, jid sql.NullInt64
		err := rows.Scan(&lid, &jid)
		if number := jids[jid.Int64]; number != "" {
			numbers[lid.Int64] = number
		}
		return err
	})
	for id, number := range numbers {
		jids[id] = number
	}
	return jids, err
}

// androidChats reads the chats, and who wrote in the groups.
func (r *Reader) androidChats(ctx context.Context, e *emitter, people map[int64]string) error {
	e.chats = make(map[int64]*chat)
	err := r.db.Each(ctx, `SELECT _id, jid_row_id, `+r.optional("chat", "subject", "NULL")+` FROM chat`, func(rows *sql.Rows) error {
		var id, jid int64
		var subject sql.NullString
		err := rows.Scan(&id, &jid, &subject)
		if people[jid] != "" {
			e.chats[id] = r.newChat(people[jid], subject.String)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = r.db.Tolerate(ctx, `SELECT DISTINCT chat_row_id, sender_jid_row_id FROM message WHERE from_me = 0 ORDER BY 1, 2`, func(rows *sql.Rows) error {
		var id, sender sql.NullInt64
		err := rows.Scan(&id, &sender)
		if c := e.chats[id.Int64]; c != nil && people[sender.Int64] != "" && !e.isOwn(addressOf(people[sender.Int64])) {
			c.speaks(addressOf(people[sender.Int64]))
		}
		return err
	})
	if err != nil {
		return err
	}
	return r.androidMembership(ctx, e, people)
}

// names reads the phone's names for people, from the database of contacts beside this one.
func (r *Reader) names(ctx context.Context, e *emitter) {
	book, err := sqlitefile.Open(ctx, strings.TrimSuffix(r.absolute, androidName)+"wa.db", "")
	if err != nil {
		return
	}
	defer book.Close()
	rows, err := book.QueryContext(ctx, `SELECT jid, COALESCE(NULLIF(display_name, ''), wa_name) FROM wa_contacts WHERE jid LIKE '%@s.whatsapp.net'`)
	if err != nil {
		return
	}
	defer rows.Close()
	for rows.Next() {
		var jid, name sql.NullString
		if rows.Scan(&jid, &name) == nil {
			e.name(jid.String, name.String)
		}
	}
}

// The types of messages of Android that are known. Others have words, or count as unknown.
var androidTypes = map[int64]what{0: words, 1: media, 2: media, 3: media, 4: contact, 5: location, 7: event, 8: event, 9: media, 10: event, 11: event, 13: media, 14: contact,
	15: deleted, 16: location, 20: media, 36: event, 42: media, 43: media, 56: event, 64: deleted, 66: words, 81: media, 82: media, 90: event, 103: media, 106: words}

func (r *Reader) androidMessages(ctx context.Context, e *emitter, people map[int64]string) error {
	e.rows = r.db.Count(ctx, "message")
	cards := "NULL"
	if len(r.columns["message_vcard"]) > 0 {
		cards = `(SELECT group_concat(v.vcard, char(10)) FROM message_vcard v WHERE v.message_row_id = message._id)`
	}
	choices := "NULL"
	if len(r.columns["message_poll_option"]) > 0 {
		choices = `(SELECT group_concat(o.option_name, char(10)) FROM (SELECT option_name FROM message_poll_option WHERE message_row_id = message._id ORDER BY _id) o)`
	}
	query := fmt.Sprintf(`SELECT message._id, message.chat_row_id, message.from_me, message.sender_jid_row_id, coalesce(nullif(message.timestamp, 0), %s), message.message_type,
		coalesce(%s, message.key_id), coalesce(nullif(message.text_data, ''), %s), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM message%s%s%s%s%s`,
		r.optional("message", "received_timestamp", "NULL"), r.optional("message_edit_info", "original_key_id", "NULL"), r.optional("message_media", "media_caption", "NULL"), choices, r.optional("message_event", "name", "NULL"),
		r.optional("message_quoted", "key_id", "NULL"), r.optional("message_media", "file_path", "NULL"), r.optional("message_media", "mime_type", "NULL"), r.optional("message_media", "media_name", "NULL"),
		r.optional("message_location", "latitude", "NULL"), r.optional("message_location", "longitude", "NULL"), r.optional("message_location", "place_name", "NULL"), cards,
		r.join("message_quoted", "message_quoted.message_row_id = message._id"), r.join("message_media", "message_media.message_row_id = message._id"),
		r.join("message_location", "message_location.message_row_id = message._id"), r.join("message_event", "message_event.message_row_id = message._id"),
		r.join("message_edit_info", "message_edit_info.message_row_id = message._id"))
	return r.scan(ctx, e, "message._id", query, func(rows *sql.Rows) error {
		var n entry
		var chat, fromMe, sender, at, kind sql.NullInt64
		var key, text, choices, title, quoted, file, mime, name, place, vcard sql.NullString
		var latitude, longitude sql.NullFloat64
		if err := rows.Scan(&n.row, &chat, &fromMe, &sender, &at, &kind, &key, &text, &choices, &title, &quoted, &file, &mime, &name, &latitude, &longitude, &place, &vcard); err != nil {
			return err
		}
		n.chat, n.fromMe, n.at, n.key, n.quoted, n.text = chat.Int64, fromMe.Int64 != 0, timeOf(at.Int64), key.String, quoted.String, cmp.Or(text.String, title.String)
		if choices.String != "" {
			n.text = sources.PollText(n.text, strings.Split(choices.String, "\n"))
		}
		if jid := people[sender.Int64]; jid != "" {
			n.sender = addressOf(jid)
		}
		n.file, n.mime, n.name = file.String, mime.String, name.String
		var known bool
		if n.what, known = androidTypes[kind.Int64]; !known {
			n.what = unknown
		}
		switch n.what {
		case location:
			n.name = cmp.Or(place.String, coordinates(latitude.Float64, longitude.Float64))
		case contact:
			n.name = cmp.Or(vcardName(vcard.String), n.text)
			n.text = ""
		}
		return e.entry(ctx, &n)
	})
}

// androidReactions reads the reactions, which are rows of their own.
func (r *Reader) androidReactions(ctx context.Context, e *emitter, people map[int64]string) error {
	if len(r.columns["message_add_on_reaction"]) == 0 {
		return nil
	}
	return r.db.Each(ctx, `SELECT a._id, message.chat_row_id, a.from_me, a.sender_jid_row_id, coalesce(nullif(x.sender_timestamp, 0), a.timestamp), coalesce(`+r.optional("message_edit_info", "original_key_id", "NULL")+`, message.key_id), x.reaction
		FROM message_add_on_reaction x JOIN message_add_on a ON a._id = x.message_add_on_row_id JOIN message ON message._id = a.parent_message_row_id`+
		r.join("message_edit_info", "message_edit_info.message_row_id = message._id")+` WHERE x.reaction <> '' ORDER BY a._id`, func(rows *sql.Rows) error {
		var n entry
		var chat, fromMe, sender, at sql.NullInt64
		var key, reaction sql.NullString
		if err := rows.Scan(&n.row, &chat, &fromMe, &sender, &at, &key, &reaction); err != nil {
			return err
		}
		n.chat, n.fromMe, n.at, n.key, n.reacted = chat.Int64, fromMe.Int64 != 0, timeOf(at.Int64), key.String, reaction.String
		if jid := people[sender.Int64]; jid != "" {
			n.sender = addressOf(jid)
		}
		return e.entry(ctx, &n)
	})
}

// timeOf returns a time in milliseconds since 1970; the zero time if there is none.
func timeOf(milliseconds int64) (at time.Time) {
	if milliseconds <= 0 {
		return at
	}
	return time.UnixMilli(milliseconds)
}

// vcardName returns the names on cards.
func vcardName(cards string) string {
	var names []string
	for line := range strings.Lines(cards) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "FN:"); found {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

package whatsappdb

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

var iPhoneTables = []string{"ZWAMESSAGE", "ZWACHATSESSION", "ZWAGROUPMEMBER", "ZWAMEDIAITEM", "ZWAPROFILEPUSHNAME"}

// appleEpoch is the beginning of 2001, from which dates count.
var appleEpoch = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

// appleTime returns a time in seconds from there; the zero time if there is none.
func appleTime(seconds float64) (at time.Time) {
	if seconds == 0 {
		return at
	}
	return appleEpoch.Add(time.Duration(seconds * float64(time.Second))).Round(time.Millisecond)
}

// The types of messages of an iPhone that are known.
var iPhoneTypes = map[int64]what{0: words, 1: media, 2: media, 3: media, 4: contact, 5: location, 6: event, 7: words, 8: media, 10: event, 11: media, 14: deleted, 15: media,
	38: media, 39: media, 59: event}

// mimes are the kinds of files by the type of their message, for names that do not tell.
var mimes = map[int64]string{1: "image/jpeg", 2: "video/mp4", 3: "audio/opus", 11: "video/mp4", 15: "image/webp", 38: "image/jpeg", 39: "video/mp4"}

// apple reads the rows of ChatStorage.sqlite.
func (r *Reader) apple(ctx context.Context, e *emitter) error {
	e.chats = make(map[int64]*chat)
	err := r.db.Each(ctx, `SELECT Z_PK, ZCONTACTJID, ZPARTNERNAME FROM ZWACHATSESSION`, func(rows *sql.Rows) error {
		var id int64
		var jid, name sql.NullString
		err := rows.Scan(&id, &jid, &name)
		if jid.String != "" {
			e.chats[id] = r.newChat(jid.String, name.String)
			e.name(jid.String, name.String)
		}
		return err
	})
	if err != nil {
		return err
	}
	members, err := r.groupMembers(ctx, e)
	if err != nil {
		return err
	}
	e.rows = r.db.Count(ctx, "ZWAMESSAGE")
	query := fmt.Sprintf(`SELECT ZWAMESSAGE.Z_PK, ZCHATSESSION, ZISFROMME, ZGROUPMEMBER, CAST(ZMESSAGEDATE AS REAL), ZMESSAGETYPE, ZSTANZAID, ZTEXT, %s, %s, %s, %s, %s, %s
		FROM ZWAMESSAGE%s`,
		r.optional("ZWAMEDIAITEM", "ZMEDIALOCALPATH", "NULL"), r.optional("ZWAMEDIAITEM", "ZTITLE", "NULL"), r.optional("ZWAMEDIAITEM", "ZVCARDNAME", "NULL"),
		r.optional("ZWAMEDIAITEM", "ZLATITUDE", "NULL"), r.optional("ZWAMEDIAITEM", "ZLONGITUDE", "NULL"), r.optional("ZWAMEDIAITEM", "ZMETADATA", "NULL"),
		r.join("ZWAMEDIAITEM", "ZWAMEDIAITEM.Z_PK = ZWAMESSAGE.ZMEDIAITEM"))
	return r.scan(ctx, e, "ZWAMESSAGE.Z_PK", query, func(rows *sql.Rows) error {
		var n entry
		var chat, fromMe, member, kind sql.NullInt64
		var at, latitude, longitude sql.NullFloat64
		var key, text, file, title, card sql.NullString
		var metadata []byte
		if err := rows.Scan(&n.row, &chat, &fromMe, &member, &at, &kind, &key, &text, &file, &title, &card, &latitude, &longitude, &metadata); err != nil {
			return err
		}
		n.chat, n.fromMe, n.sender, n.key, n.text = chat.Int64, fromMe.Int64 != 0, members[member.Int64], key.String, text.String
		n.at = appleTime(at.Float64)
		n.quoted = quotedKey(metadata)
		var known bool
		if n.what, known = iPhoneTypes[kind.Int64]; !known {
			n.what = unknown
		}
		switch n.what {
		case media:
			n.file, n.mime = file.String, mimes[kind.Int64]
			if kind.Int64 == 8 { // a document, whose title is its name
				n.name, n.mime, n.text = cmp.Or(title.String, n.text), "", ""
			} else if n.text == "" {
				n.text = title.String // the caption
			}
			if n.file == "" && n.name == "" && n.mime != "" {
				n.name = strings.SplitN(n.mime, "/", 2)[0]
			}
		case location:
			n.name = cmp.Or(title.String, n.text, coordinates(latitude.Float64, longitude.Float64))
			n.text = ""
		case contact:
			n.name = cmp.Or(card.String, n.text)
			n.text = ""
		}
		return e.entry(ctx, &n)
	})
}

// groupMembers returns the addresses of the members of groups, and adds those who wrote to the chats.
func (r *Reader) groupMembers(ctx context.Context, e *emitter) (map[int64]string, error) {
	members := make(map[int64]string)
	err := r.db.Each(ctx, `SELECT Z_PK, ZMEMBERJID, `+r.optional("ZWAGROUPMEMBER", "ZCONTACTNAME", "NULL")+` FROM ZWAGROUPMEMBER`, func(rows *sql.Rows) error {
		var id int64
		var jid, name sql.NullString
		err := rows.Scan(&id, &jid, &name)
		if jid.String != "" {
			members[id] = addressOf(jid.String)
			e.name(jid.String, name.String)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = r.db.Tolerate(ctx, `SELECT DISTINCT ZCHATSESSION, ZGROUPMEMBER FROM ZWAMESSAGE WHERE ZISFROMME = 0 ORDER BY 1, 2`, func(rows *sql.Rows) error {
		var id, member sql.NullInt64
		err := rows.Scan(&id, &member)
		if c := e.chats[id.Int64]; c != nil && !e.isOwn(members[member.Int64]) {
			c.speaks(members[member.Int64])
		}
		return err
	})
	if err == nil {
		err = r.iPhoneMembership(ctx, e, members)
	}
	return members, err
}

// quotedKey returns the key of the message that a reply quotes: field 5 of a protocol buffer.
func quotedKey(metadata []byte) string {
	const key, text = 5, 2 // the number of the field, and the type of a text
	for len(metadata) > 0 {
		tag, n := binary.Uvarint(metadata)
		if n <= 0 {
			return ""
		}
		metadata = metadata[n:]
		size := 0
		switch tag & 7 {
		case 0:
			if _, n = binary.Uvarint(metadata); n <= 0 {
				return ""
			}
			size = n
		case 1:
			size = 8
		case text:
			length, n := binary.Uvarint(metadata)
			if n <= 0 || length > uint64(len(metadata)-n) {
				return ""
			}
			if metadata = metadata[n:]; tag>>3 == key {
				return string(metadata[:length])
			}
			size = int(length)
		case 5:
			size = 4
		default:
			return ""
		}
		if size > len(metadata) {
			return ""
		}
		metadata = metadata[size:]
	}
	return ""
}

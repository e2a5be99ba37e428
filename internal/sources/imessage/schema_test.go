package imessage_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// optional are the columns that are read where they exist, of each table.
var optional = map[string]string{
	"message": `text attributedBody item_type group_action_type share_status other_handle group_title is_spam schedule_type error is_sent
		date_retracted associated_message_type associated_message_guid associated_message_emoji balloon_bundle_id payload_data
		message_summary_info thread_originator_guid thread_originator_part destination_caller_id`,
	"chat":       "style chat_identifier room_name group_id account_login last_addressed_handle",
	"handle":     "person_centric_id",
	"attachment": "filename transfer_name mime_type uti",
}

// Columns are probed, never inferred from a version: whichever is missing, what the others tell is read.
func TestCollect_WithoutAnyOneColumn(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	photo := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/a.png", MIMEType: "image/png"})
	guid := h.say(chatdb.Message{Text: "hello", Columns: columns("text", "hello")})
	h.say(chatdb.Message{Chat: h.group, FromMe: true, Tapback: chatdb.Loved, Target: "p:0/" + guid})
	h.say(chatdb.Message{Attachments: []int64{photo}, Body: chatdb.Parts(chatdb.Part{Attachment: "a"}), ReplyTo: guid})
	h.say(chatdb.Message{Chat: h.group, Text: "to all", Columns: columns("text", "to all")})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	source, err := sql.Open("sqlite3", h.path)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	source.SetMaxOpenConns(1)
	for table, names := range optional {
		for _, column := range strings.Fields(names) {
			t.Run(table+"."+column, func(t *testing.T) { collectWithout(t, source, h.path, table, column) })
		}
	}
}

// collectWithout collects a copy of a database without a column.
func collectWithout(t *testing.T, source *sql.DB, original, table, column string) {
	t.Helper()
	path := fmt.Sprintf("%s.%s.%s", original, table, column)
	for _, statement := range []string{fmt.Sprintf("VACUUM INTO '%s'", path), fmt.Sprintf("ATTACH '%s' AS reduced", path)} {
		if _, err := source.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	err := dropColumn(source, table, column)
	if _, detaching := source.Exec("DETACH reduced"); err != nil || detaching != nil {
		t.Fatal(err, detaching)
	}
	db := fresh(t)
	c := collectInto(t, path, db, sources.Options{})
	if c.summary.Total != 4 || len(c.messages) < 2 {
		t.Errorf("of 4 rows came %q", c.lines)
	}
	again := collectInto(t, path, db, sources.Options{})
	if !slices.Equal(again.lines, c.lines) || again.summary.Rows != c.summary.Rows {
		t.Errorf("again\n%q\nfirst\n%q", again.lines, c.lines)
	}
}

// dropColumn drops a column of the attached database, with the indexes of its table.
func dropColumn(db *sql.DB, table, column string) error {
	rows, err := db.Query(`SELECT name FROM reduced.sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL`, table)
	if err != nil {
		return err
	}
	var indexes []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		indexes = append(indexes, name)
	}
	rows.Close()
	for _, name := range indexes {
		if _, err := db.Exec("DROP INDEX reduced." + name); err != nil {
			return err
		}
	}
	_, err = db.Exec(fmt.Sprintf("ALTER TABLE reduced.%s DROP COLUMN %s", table, column))
	return err
}

// A business is an address like any other.
func TestBusiness_IsAnAddressLikeAnyOther(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	bank := h.Handle("urn:biz:7f3a-bank", "iMessage")
	chat := h.Chat(chatdb.Chat{Handles: []int64{bank}, Identifier: "urn:biz:7f3a-bank"})
	h.say(chatdb.Message{Chat: chat, Handle: bank, Text: "your card is on its way"})
	h.say(chatdb.Message{Chat: chat, Handle: bank, Text: "\uFFFD", Columns: columns("balloon_bundle_id",
		"com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.icloud.apps.messages.business.extension", "payload_data", appPayload(t, "", "Choose a time"))})
	h.say(chatdb.Message{Chat: chat, FromMe: true, Text: "thanks"})
	h.collect().want(t, "direct urn:biz:7f3a-bank", "urn:biz:7f3a-bank text: your card is on its way",
		"urn:biz:7f3a-bank text: Choose a time", "me text: thanks")
}

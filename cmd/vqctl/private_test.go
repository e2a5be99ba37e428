package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ventriloquist/internal/people/addressbook/addressbooktest"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// writePrivate creates a home folder in which John writes private values; with an argument there is one more message.
func writePrivate() {
	if err := writePrivateMessages(len(os.Args) > 1); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func writePrivateMessages(more bool) error {
	const path = "Library/Messages/chat.db"
	for _, folder := range []string{path, path + "-wal", path + "-shm"} {
		os.Remove(folder)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	w, err := chatdb.Create(path, chatdb.Latest)
	if err != nil {
		return err
	}
	john := w.Handle("+12125550101", "iMessage")
	chat := w.Chat(chatdb.Chat{Handles: []int64{john}})
	at := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)
	say := func(m chatdb.Message) string {
		at = at.Add(time.Minute)
		m.Chat, m.Date = chat, at
		if !m.FromMe {
			m.Handle = john
		}
		return w.Message(m)
	}
	number := say(chatdb.Message{Text: "this is a long message so that a quote of it is cut inside of (212) 555-0123 and I am reachable there"})
	say(chatdb.Message{FromMe: true, Text: "ok", ReplyTo: number})
	say(chatdb.Message{FromMe: true, Text: "+1 212 555 0123?"})
	say(chatdb.Message{Text: "pay with 4111 1111 1111 1111, or to secret@example.org"})
	say(chatdb.Message{Text: "your code is 998877"})
	say(chatdb.Message{Text: "AKIAIOSFODNN7EXAMPLE"})
	scan := w.Attachment(chatdb.Attachment{GUID: "at_0_scan", Filename: "~/Library/Messages/Attachments/00/scan 2125550123.pdf", MIMEType: "application/pdf"})
	say(chatdb.Message{Attachments: []int64{scan}, Body: chatdb.Parts(chatdb.Part{Attachment: "at_0_scan"})})
	if more {
		say(chatdb.Message{Text: "this one is new: 212-555-0123"})
	}
	if err := w.Close(); err != nil {
		return err
	}
	return addressbooktest.WriteMac("Library/Application Support/AddressBook/Sources/A"+fmt.Sprint(more)+"/AddressBook-v22.abcddb",
		addressbooktest.Card{First: "John", Phones: []string{"+12125550101"}})
}

// runSQL runs SQL on data/messages.db.
func runSQL() {
	db, err := sql.Open("sqlite3", "data/messages.db")
	if err == nil {
		_, err = db.ExecContext(context.Background(), `INSERT OR IGNORE INTO attachment_descriptions (attachment_guid) SELECT guid FROM attachment; `+os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

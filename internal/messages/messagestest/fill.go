// Package messagestest fills a messages.db for tests, and reads it with SQL.
//
// In: messages as a test writes them. Out: a database that holds them, or rows of one. It must not know any source.
package messagestest

import (
	"context"
	"slices"
	"testing"

	"ventriloquist/internal/messages"
)

// Message is one message and who takes part in its conversation, without the owner.
type Message struct {
	Group   bool
	Members []messages.Member
	Row     int64
	GUID    string
	Part    int   // by which replies name it
	Place   int   // in the row
	Date    int64 // nanoseconds since 1970 UTC
	Sender  string
	Kind    messages.Kind
	Text    string
	// Attachment and Transcript are of an attachment, as is File.
	Attachment, Transcript string
	File                   messages.FilePlace
	TargetGUID             string
	TargetPart             int
	Removal                bool
}

// Fill makes db hold these messages and no others. Those of one GUID that follow each other are the parts of a row.
func Fill(t testing.TB, db *messages.DB, list ...Message) {
	t.Helper()
	_, err := db.Collect(context.Background(), false, func(tx *messages.Tx) error {
		source, err := tx.Source("test", messages.Whole)
		for len(list) > 0 && err == nil {
			n := 1
			for n < len(list) && list[n].GUID == list[0].GUID {
				n++
			}
			err = put(tx, source, list[:n])
			list = list[n:]
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// put takes the parts of a row.
func put(tx *messages.Tx, source int64, parts []Message) error {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b Message) int { return a.Place - b.Place })
	m := parts[0]
	chat, err := tx.Conversation(source, m.Group, m.Members)
	if err != nil {
		return err
	}
	row := messages.Row{Source: source, Chat: chat, Row: m.Row, GUID: m.GUID, Date: m.Date, Sender: m.Sender, TargetGUID: m.TargetGUID, TargetPart: m.TargetPart,
		Removal: m.Removal}
	for _, p := range parts {
		row.Parts = append(row.Parts, messages.Part{Number: p.Part, Kind: p.Kind, Text: p.Text, Attachment: p.Attachment, Transcript: p.Transcript, File: p.File})
	}
	_, err = tx.Put(&row)
	return err
}

package messages_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"ventriloquist/internal/messages"
)

// A source puts its rows in one Collect; a Reader then returns the conversations and their messages in order of time.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	db, err := messages.Create(ctx, filepath.Join(folder, "messages.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	noon := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC).UnixNano()
	_, err = db.Collect(ctx, false, func(tx *messages.Tx) error {
		source, err := tx.Source("an export", messages.Whole)
		if err != nil {
			return err
		}
		chat, err := tx.Conversation(source, false, messages.Members("+15550000001"))
		if err != nil {
			return err
		}
		for _, row := range []messages.Row{
			{GUID: "reply", Row: 2, Date: noon + 1, Sender: messages.Owner, Parts: []messages.Part{{Text: "in the park"}}, TargetGUID: "question", TargetPart: messages.WholeMessage},
			{GUID: "question", Row: 1, Date: noon, Sender: "+15550000001", Parts: []messages.Part{{Text: "where are you?"}}},
		} {
			row.Source, row.Chat = source, chat
			if _, err := tx.Put(&row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}

	reader, err := db.Reader(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	conversations, err := reader.Conversations(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range conversations {
		fmt.Printf("with %s, %d messages\n", c.Members[0].Address, c.Messages)
		err := reader.WindowMessages(ctx, []messages.Conversation{c}, func(m *messages.WindowMessage) error {
			fmt.Printf("%q: %s", m.Sender, m.Text)
			if m.Replies {
				fmt.Printf(" (answers %q)", m.QuotedText)
			}
			fmt.Println()
			return nil
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// with +15550000001, 2 messages
	// "+15550000001": where are you?
	// "": in the park (answers "where are you?")
}

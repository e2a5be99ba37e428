package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ventriloquist/internal/people/addressbook/addressbooktest"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// writePeople creates the home folder of a Mac whose owner is British, which no setting says: a message database with John (a
// number and an e-mail address that Apple assigns to one person), Zoë, a pizzeria, a stranger, and groups; and the address
// books of two accounts.
func writePeople() {
	if err := writeMessages("Library/Messages/chat.db"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	const books = "Library/Application Support/AddressBook/"
	icloud := []addressbooktest.Card{
		{First: "Aidan", Last: "Lee", Phones: []string{"020 7946 0100"}, Emails: []string{"aidan@home.org"}, Me: true},
		{First: "John", Last: "Smith", Phones: []string{"020 7946 0101", "020 7946 0900"}},
		{First: "Jane", Last: "Smith", Phones: []string{"020 7946 0900"}}, // the family's telephone
		{First: "Zoë", Phones: []string{"+44 20 7946 0102"}},
		{First: "Not", Last: "Writing", Phones: []string{"020 7946 0777"}},
	}
	other := []addressbooktest.Card{
		{First: "john", Last: "smith", Emails: []string{"john@work.org"}},
		{First: "Aidan at work", Emails: []string{"aidan@work.org"}},
		{Company: "Pizzeria", Phones: []string{"22395"}},
	}
	for name, cards := range map[string][]addressbooktest.Card{"A": icloud, "B": other} {
		if err := addressbooktest.WriteMac(books+"Sources/"+name+"/AddressBook-v22.abcddb", cards...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func writeMessages(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	w, err := chatdb.Create(path, chatdb.Latest)
	if err != nil {
		return err
	}
	john, mail := w.Handle("+442079460101", "iMessage"), w.Handle("j.smith@me.com", "iMessage")
	w.Exec(`UPDATE handle SET person_centric_id = 'P1' WHERE ROWID IN (?, ?)`, john, mail)
	zoe, family := w.Handle("02079460102", "SMS"), w.Handle("+442079460900", "SMS")
	pizza, stranger := w.Handle("22395", "SMS"), w.Handle("+442079460109", "SMS")
	work := w.Handle("aidan@work.org", "iMessage")
	direct := func(handle int64) int64 { return w.Chat(chatdb.Chat{Handles: []int64{handle}}) }
	johns, mails, zoes := direct(john), direct(mail), direct(zoe)
	group := w.Chat(chatdb.Chat{Group: true, Handles: []int64{john, zoe, work}})
	mixed := w.Chat(chatdb.Chat{Group: true, Handles: []int64{john, stranger}})
	w.Exec(`UPDATE chat SET account_login = 'E:aidan@work.org', last_addressed_handle = '+442079460100' WHERE ROWID = ?`, johns)

	minute := 0
	say := func(chat, handle int64, text string) string {
		minute++
		at := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC).Add(time.Duration(minute) * 10 * time.Minute)
		return w.Message(chatdb.Message{Chat: chat, Handle: handle, FromMe: handle == 0, Date: at, Text: text,
			Columns: map[string]any{"destination_caller_id": "+442079460100"}})
	}
	for i := range 5 {
		say(johns, john, fmt.Sprint("number ", i))
		say(johns, 0, fmt.Sprint("answer ", i))
	}
	loved := say(mails, mail, "from my mail")
	at := time.Date(2024, 3, 16, 12, 0, 0, 0, time.UTC)
	w.Message(chatdb.Message{Chat: mails, FromMe: true, Date: at, Tapback: chatdb.Loved, Target: "p:0/" + loved})
	w.Message(chatdb.Message{Chat: mails, FromMe: true, Date: at.Add(time.Minute), Tapback: chatdb.Loved + chatdb.TakenBack, Target: "p:0/" + loved})
	for i := range 3 {
		say(zoes, zoe, fmt.Sprint("zoë ", i))
	}
	say(group, zoe, "hi all")
	say(group, work, "from my desk")
	say(mixed, stranger, "who is this")
	say(mixed, 0, "me")
	say(direct(family), family, "it is Jane")
	say(direct(pizza), pizza, "your pizza is ready")
	return w.Close()
}

// Package chatdb writes databases in the format of Apple's Messages, for the demo and for tests.
//
// In: handles, chats, attachments and messages, in simple Go structs. Out: a chat.db with Apple's tables and columns, in
// WAL mode, with the text in attributedBody as Messages writes it. It must not know how such a database is read.
//
//	w, err := chatdb.Create("chat.db", chatdb.Latest)
//	john := w.Handle("+12345678900", "iMessage")
//	chat := w.Chat(chatdb.Chat{Handles: []int64{john}})
//	first := w.Message(chatdb.Message{Chat: chat, Handle: john, Date: t, Text: "hey"})
//	w.Message(chatdb.Message{Chat: chat, FromMe: true, Date: t, Text: "yes?", ReplyTo: first})
//	err = w.Close()
//
// Calls after an error do nothing; Close returns the first error.
package chatdb

// Package signal reads the database of Signal Desktop.
//
// In: Signal's folder or its db.sqlite, the owner's names and, where the folder does not hold it, the key. Out: its messages, through
// source.Sink. It must not know contacts, windows or training, nor how the database's pages are encrypted.
//
// key.go finds the key, people.go reads who is in which conversation, message.go decodes a row, and read.go and content.go turn rows into
// messages. A message is identified by its conversation, its sender and the millisecond in which it was sent, as Signal's own replies and
// reactions do: it is the same on all devices.
package signal

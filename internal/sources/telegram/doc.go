// Package telegram reads what Telegram Desktop exports as JSON: result.json of one chat or of a whole account.
//
// In: the path of the file or of its folder, and what the owner is called. Out: its messages, through
// source.Sink. It must not know contacts, windows or training.
//
// The file may be larger than memory, and who is in a chat is known only at its end: it is read twice as a stream
// (stream.go, mend.go), first for the people (survey.go), then for the messages (read.go, content.go). People go by Telegram's own
// identifiers, such as user123456789; the names that the export has for them go to messages.db.
package telegram

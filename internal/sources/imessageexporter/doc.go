// Package imessageexporter reads what imessage-exporter writes: a text or an HTML file for each chat of Messages.
//
// In: the path of a file, a folder or a zip, and the owner's names. Out: its messages, through source.Sink. It must not know contacts,
// windows or training.
//
// Files are read as streams (text.go, html.go) into entries (entry.go), first for the people, then for the messages (emit.go). HTML has
// Apple's identifiers of messages, so that a message is the same one in chat.db; text has none. An answer stands twice in a file: below
// the message that it answers, and at its own time.
package imessageexporter

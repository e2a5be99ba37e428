// Package telegram reads the JSON exports of Telegram Desktop: result.json of one chat or of a whole account.
//
// In: the path of the file or of its folder, and the owner's names. Out: its messages, through source.Sink. It must not
// know contacts, windows or training.
//
// The file may be larger than memory and damaged, and only its end settles who is in a chat. So it is read twice as a stream
// (stream.go): first for the people (survey.go), then for the messages (read.go, content.go). People are
// identified by Telegram's own identifiers, such as user123456789; messages.db stores the names that the export has for
// them.
package telegram

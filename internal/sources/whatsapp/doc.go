// Package whatsapp reads the chat that WhatsApp exports: a text file (_chat.txt on an iPhone, "WhatsApp Chat with John.txt"
// on Android), or the zip with it.
//
// In: the path of the file, and the owner's names. Out: its messages, through source.Sink. It must not know contacts,
// windows or training.
//
// The export is made for people, in the language and the date format of the phone. It takes two passes: the first learns
// what only the whole file shows (survey.go), the second emits the messages (read.go). Each of the other files answers one
// question:
//
//	archive.go  where the text is
//	header.go   where a message begins: its time, its sender
//	clock.go    twelve hours and twenty-four, in words of many languages
//	dates.go    whether 3/4/24 is in March or in April
//	title.go    whose chat it is, from the name of the file
//	people.go   who is in it, and who of them is the owner
//	body.go     what a message is: words, a file, a notice
//	phrases.go  what WhatsApp writes itself, in its main languages
package whatsapp

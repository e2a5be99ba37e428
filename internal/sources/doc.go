// Package sources is what every source of messages beside Apple's database has in common: exports of other programs.
//
// What enters: a Reader, which is one export of one format (internal/sources/jsonl, internal/sources/whatsapp, …). What leaves: its
// messages, in the store, and a Summary of what became of every line. It must not know any format, nor contacts, windows
// or training.
//
// A format's package has three things: Recognize, which looks at a Head; Open, which gives a Reader; and the messages
// that this one hands to a Sink. A message needs an identifier (Message.GUID) that is the same whenever it is read again, in a later
// export too: the program's own where the export has it, else one of Keys.
package sources

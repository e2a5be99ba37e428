// Package sources is the common part of all sources of messages: Apple's database and the exports of other programs.
//
// In: a Source, which is an open database or export of one format (sources/imessage, sources/whatsapp, …). Out: its messages, in
// messages.db, and a Summary of what became of every row or line. It must not know any format, nor contacts, windows or training.
//
// An export's package has three things: Recognize, which looks at a Head; Open, which returns a Reader; and the messages
// that this Reader passes to a Sink. An Export makes a Source of a Reader. A message needs an identifier (Message.GUID)
// that is the same whenever it is read again, in a later export too: the program's own where the export has it, else one
// from Keys.
package sources

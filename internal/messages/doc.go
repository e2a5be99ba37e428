// Package messages is messages.db: the messages of one owner, from whatever programs they come.
//
// In: rows as their source states them ([Row], through [DB.Collect] and [Tx.Put]). Out: conversations and their messages
// in chronological order ([Reader]). It must not know any source's format, nor contacts, names, windows or rendering:
// participants are addresses (telephone numbers, e-mail) as the source spells them, and the owner is "".
//
// # Terms
//
//   - A row is what a source tells at once. It is one message or more, its parts, or it was left out.
//   - A chat is where a source keeps rows. A membership period is a time in which a chat had the same members.
//   - A conversation is a set of members: the periods with those members, of all chats.
//   - A source is what was collected: a database, or a chat of an export. Each keeps its own copy of a message.
//   - The target of a reply or a reaction is the row that it answers; its quote is the message of it that is shown.
//
// # The file
//
// Rows are stored once, as the source states them. Anything that depends on other rows is derived on reading (order,
// conversation) or by one UPDATE at the end of a collect (quote, which copy is shown). So there is one way in: a first
// collect is a later one in which all rows changed, and a collect is one transaction. Only the file's owner can read it.
//
// The source files, each using the ones below it:
//
//	open.go migrate.go convert.go            files of every version
//	forget.go redact.go                      what is taken out
//	collect.go                               a collect from its beginning to its end
//	outcome.go state.go                      what is counted, and kept for the next time
//	sweep.go put.go                          rows that a source no longer has; rows that it has
//	copies.go replies.go facts.go            which copy is shown, what is quoted; events and versions
//	membership.go sources.go forgotten.go    chats and who was in them; what a collect speaks for; who stays out
//	records.go tx.go row.go policy.go        rows of the tables; the transaction; a row as a source tells it
//	window_message.go tally.go reactions.go  messages in order of time, counts, reactions that were taken back
//	reader.go chat.go origin.go              conversations; chats with their periods; sources
//	schema.go keys.go db.go                  tables, their upgrades and indexes; ids of messages; the file
package messages

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
//	open.go update.go                            a file of any version; a change by a command that reads
//	migrate.go                                   its upgrade
//	convert.go forget.go                         files of another layout; people who are taken out
//	full_message.go                              messages with all that is held of them
//	collect.go redact.go window_message.go spoken.go twins.go stream.go tally.go   a collect; texts that are taken out; messages in order, counts
//	sweep.go state.go                            rows that a source no longer has; what is kept for the next time
//	put.go outcome.go known.go                   rows that a source has; what a collect counts; what is held of an export
//	copies.go forgotten.go                       which copy is shown; who stays out
//	membership.go facts.go replies.go            who was in which chat; events and versions; what is quoted
//	records.go roots.go sources.go reader.go same_group.go   rows of the tables; folders; what a collect covers; conversations, groups of several sources
//	tx.go reactions.go                           the transaction; reactions that were taken back
//	backlog.go common_words.go                   records that wait to be written; chats with the same words at the same time
//	session.go chat.go handles.go identity.go described.go counts.go settings.go output.go last_run.go   its statements; chats, addresses, …
//	db.go share.go                               the file, and other commands that use it
//	policy.go record.go                          what is kept out; a row of the tables
//	row.go insert.go origin.go                   a row as a source tells it; many rows at once; a source
//	driver.go                                    statements of the driver itself
//	emoji.go files.go guid.go keys.go kinds.go lock.go same_message.go former_schema.go schema.go   values and tables
package messages

// Package messages is messages.db: the messages of one owner, whatever programs they come from.
//
// In: rows as their source tells them ([Row], through [DB.Collect] and [Tx.Put]). Out: conversations and their messages in
// order of time ([Reader]). It must not know any source's format, nor contacts, names, windows or rendering: participants
// are addresses (telephone numbers, e-mail) as the source spells them, and the owner is "".
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
// Rows are stored once, as they are told. What depends on other rows is derived when they are read (order, conversation),
// or by one UPDATE at the end of a collect (quote, which copy is shown). So there is one way in: a first collect is a
// second one in which all rows changed, and a collect is one transaction. The file is readable by its owner only.
//
//	schema.go        tables and indexes, what each column means
//	keys.go          ids of messages: source, row and part
//	collect.go       Tx: a collect from its beginning to its end
//	sources.go       which sources there are, and what a collect speaks for
//	put.go           a row into the file, in the place of what was there
//	sweep.go         rows that a source no longer has
//	membership.go    chats and who was in them when
//	replies.go       what is quoted
//	copies.go        which copy is shown
//	facts.go         events of groups, versions of edited messages
//	reader.go        conversations; window_message.go their messages, reactions.go those that were taken back
//	policy.go        what is kept out; redact.go and forget.go what is taken out
//	migrate.go       files of older versions; convert.go those of another layout
package messages

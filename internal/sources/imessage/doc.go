// Package imessage reads Apple's message database (chat.db of a Mac, sms.db of an iPhone's backup) into messages.db.
//
// In: the path of a database or of a backup. Out: its rows, through messages.Tx, and a sources.Summary of what became of
// every row. It must not know contacts' names, windows or training.
//
// The source is only ever read: see Open. Apple's tables differ from release to release, so columns are probed, never
// inferred from a version. A collect reads the rows that may have changed since the last; the first time, all of them:
//
//	open.go        a consistent view of the files, and what to do where there is none
//	query.go       rows of a query, the fast way
//	source.go      the open database
//	collect.go     a collect from its beginning to its end; collector.go what it holds
//	changes.go     which rows may have changed, by the checksums of their pages
//	periods.go     in which groups others may have been than was known
//	fill.go        rows are read and decoded on one side, stored on the other
//	state.go       what is kept of a source for the next time
//	joins.go       which messages are in which chats, and have which attachments
//	summary.go     where the rows went
//	include.go     rows that are left out unless they are asked for
//
// The rest of the package answers what a row means, a file a question:
//
//	read.go        what a row says, all in all
//	chats.go       who is in which chat; directory.go what is known of them
//	chat_of_message.go which chat a row is in
//	members.go     who was in a group at the time
//	rows.go        the columns of a row; row.go what is kept of it
//	classify.go    whether a row is a message at all, and if not, why
//	parts.go       a body's parts, with its attachments where they are
//	edits.go       which parts were edited or unsent
//	attachments.go what an attachment is, and its name
//	balloons.go    the words of links and of apps' messages
//	tapbacks.go    reactions and what they react to
//	events.go      what happened to a group
//	identity.go    which addresses are the owner's, and which are one person's
package imessage

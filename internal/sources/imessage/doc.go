// Package imessage reads Apple's message database (chat.db of a Mac, sms.db of an iPhone's backup) into the store.
//
// What enters: the path of a database or of a backup. What leaves: the messages, through store.Writer, and a Summary of
// what became of every row. It must not know contacts' names, windows or training.
//
// The source is only ever read: see Open. Apple's tables differ from release to release, so columns are probed, never
// inferred from a version. Nor does a second collection read what has not changed:
//
//	open.go        a consistent view of the files, and what to do where there is none
//	query.go       rows of a query, the fast way
//	collect.go     all rows: read and decoded on one side, stored on the other
//	again.go       only the rows that may have changed, by the bytes of their pages (see the package pages)
//	check.go       whether a change reaches further than its row
//	state.go       what is kept of a source for the next time
//	joins.go       which messages stand in which chats, as it is kept
//	summary.go     where the rows went
//	include.go     rows that are left out unless they are asked for
//
// The rest of the package answers what a row means, a file a question:
//
//	read.go        what a row tells, all in all
//	chats.go       who is in which chat
//	places.go      which chat a row stands in
//	members.go     who was in a group at the time
//	rows.go        the columns of a row
//	classify.go    whether a row is a message at all, and if not, why
//	parts.go       a body's parts, with its attachments where they stand
//	edits.go       which parts were edited or unsent
//	attachments.go what an attachment is, and its name
//	balloons.go    the words of links and of apps' messages
//	tapbacks.go    reactions and what they react to
//	events.go      what happened to a group
//	identity.go    which addresses are the owner's, and which are one person's
package imessage

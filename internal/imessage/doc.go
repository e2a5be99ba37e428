// Package imessage reads Apple's message database (chat.db of a Mac, sms.db of an iPhone's backup) into the store.
//
// What enters: the path of a database or of a backup. What leaves: the messages, through store.Writer, and a Summary of
// what became of every row. It must not know contacts' names, windows or training.
//
// The source is only ever read: see Open. Apple's tables differ from release to release, so columns are probed, never
// inferred from a version. collect.go reads the rows in order of their row ids; the rest of the package answers what a row
// means, a file a question:
//
//	chats.go       which chat a row stands in, and who is in it
//	members.go     who was in a group at the time
//	rows.go        the columns of a row
//	classify.go    whether a row is a message at all, and if not, why
//	parts.go       a body's parts, with its attachments where they stand
//	edits.go       which parts were edited or unsent
//	attachments.go what an attachment is, and its name
//	balloons.go    the words of links and of apps' messages
//	tapbacks.go    reactions and what they react to
//	identity.go    which addresses are the owner's, and which are one person's
package imessage

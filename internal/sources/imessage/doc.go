// Package imessage reads Apple's message database (chat.db on a Mac, sms.db in an iPhone backup) into messages.db.
//
// In: the path of a database or of a backup. Out: its rows, through messages.Tx, and a sources.Summary with the fate of
// every row. It must not know contacts' names, windows or training.
//
// The package never writes to the source: see Open. Apple's tables differ between releases, so it probes for columns and
// never infers them from a version. A collect reads the rows that may have changed since the last one; the first collect
// reads all rows. What damage makes unreadable stays as it is stored:
//
//	open.go        where the database is (locate.go), a consistent view of its files (connect.go), or a copy of them (copy.go)
//	query.go       fast reading of a query's rows
//	source.go      the open database
//	collect.go     a collect from start to end; collector.go has its data
//	changes.go     which rows may have changed, by the checksums of their pages
//	rules.go       which rows are read differently since which version
//	periods.go     who was in which group at what time; stale.go says of which groups this must be determined again
//	fill.go        reads and decodes rows in one goroutine, stores them in another
//	state.go       what a collect saves for the next one
//	joins.go       which messages are in which chats, and have which attachments
//	summary.go     the counts of rows by fate
//	include.go     rows that are left out by default
//
// The rest of the package interprets a row, one question per file:
//
//	read.go        the decoded content of a row
//	chats.go       who is in which chat; directory.go has the data
//	chat_of_message.go which chat a row is in
//	members.go     who was in a group at the time
//	rows.go        the columns of a row; row.go has its fields
//	classify.go    whether a row is a message, and if not, why
//	parts.go       a body's parts, with its attachments in their places
//	edits.go       which parts were edited or unsent
//	attachments.go the attachments of a message, and their names
//	balloons.go    the text of links and of apps' messages
//	tapbacks.go    reactions and what they react to
//	events.go      what happened to a group
//	identity.go    which addresses belong to the owner, and which to one person
package imessage

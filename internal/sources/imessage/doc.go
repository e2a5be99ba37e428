// Package imessage reads Apple's message database (chat.db on a Mac, sms.db in an iPhone backup) into messages.db.
//
// In: the path of a database or of a backup. Out: its rows, through messages.Tx, and a sources.Summary with the fate of
// every row. It must not know contacts' names, windows or training.
//
// The package never writes to the source: see Open. Apple's tables differ between releases, so it probes for columns and
// never infers them from a version. A collect reads the rows that may have changed since the last one; the first collect
// reads all rows. What damage makes unreadable stays as it is stored.
//
// The source files, each using the ones below it:
//
//	collect.go                     a collect from start to end
//	changes.go fill.go             which rows may have changed; reads, decodes and stores them, each in a goroutine
//	read.go periods.go open.go     the content of a row; who was in which group; the database
//	copy.go                        a copy of the database, if it cannot be read in place
//	message_rows.go                the rows of a range, around damage
//	events.go parts.go rows.go     what happened to a group; a body's parts, with its attachments; the columns of a row
//	stale.go connect.go            groups whose members must be determined again; a consistent view of the files
//	chat_rows.go                   the chats that have messages, the latest first
//	chats.go classify.go           who is in which chat; whether a row is a message, and if not, why
//	summary.go                     the counts of rows by fate
//	collector.go                   the data of a collect
//	state.go members.go            what a collect saves for the next one; who was in a group at the time
//	chat_of_message.go             which chat a row is in
//	damage.go                      rows that cannot be read
//	directory.go joins.go edits.go attachments.go   chats and people; what joins them to messages; edits; attachments
//	rules.go                       which rows are read differently since which version
//	copies.go dates.go polls.go    rows that are there twice; dates; polls
//	identity.go columns.go         the owner's addresses; which columns there are
//	query.go                       fast reading of a query's rows
//	locate.go include.go           where the database is; rows that are left out by default
//	source.go row.go               the open database; the fields of a row
//	balloons.go tapbacks.go        the text of links and of apps' messages; reactions
package imessage

// Package messages is messages.db: the messages of one owner, read from Apple's database and kept in a form that no longer
// depends on it.
//
// What enters: conversations (sets of participants) and messages, from internal/sources/... through
// [DB.Replace], or what has changed of them through [DB.Amend]. What leaves: the same in order, through [Reader]. The
// package must not know Apple's columns, nor contacts, names, windows or rendering; participants are addresses (telephone
// numbers, e-mail) as Apple spells them, and the owner is "".
//
// # Terms
//
//   - A message is what becomes one or more lines of a window: one part of a row of the source. A row of three parts is
//     three messages with the same GUID and Row and growing Part.
//   - A conversation is a set of addresses at the time of a message: several chats of the same people are one
//     conversation, and a group whose members changed is several. One person may have several addresses, so the reader
//     of this package may join several conversations into one.
//   - A source is what was collected: a database, or a chat of another program. A message has the same GUID in all its
//     sources, and stays until none of them has it.
//   - The target of a message is what it answers: the message that a reply or a reaction quotes.
//
// # The file
//
// Messages lie in the order in which they are read, so that a conversation is a range of ids, nothing needs an index,
// and the file stays within a fifth of the text and identifiers that it holds. Behind each conversation there is room
// for what comes later. A collection is one transaction. Its order is worked out from numbers alone, which lie in files
// without a name beside this one as far as they do not fit into memory: that does not grow with the history. The file
// is readable by its owner only. The table attachment_descriptions survives every collection.
package messages

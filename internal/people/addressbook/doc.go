// Package addressbook reads the names and addresses in the address book of a Mac or an iPhone, or in a file of vCards.
//
// In: an AddressBook-v22.abcddb of a Mac, an AddressBook.sqlitedb of an iPhone, or a folder with some of them. Out: cards, each
// a name with its telephone numbers and e-mail addresses as the book spells them. It must not know: messages, contacts. Photos,
// notes and postal addresses are never read.
//
// A database is copied before it is read, so that nothing next to the original is created, changed or removed.
package addressbook

// Package addressbook reads the names and addresses of a Mac's or an iPhone's address book.
//
// What enters: an AddressBook-v22.abcddb of a Mac, an AddressBook.sqlitedb of an iPhone, or a folder with some of them.
// What leaves: cards, each a name with its telephone numbers and e-mail addresses as the book spells them. It must not
// know messages, nor who is a contact of whom; photos, notes and postal addresses are never read.
//
// A database is copied before it is read, so that nothing beside the original is made, changed or removed.
package addressbook

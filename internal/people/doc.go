// Package people counts who wrote how much, and drafts who is who.
//
// What enters: the conversations and counts of messages.db, the contacts, and the cards of address books. What leaves: a
// Census (people, addresses that nobody is listed with, and what these leave out) and a Draft of additions to the
// contacts file. It must not know windows, nor the words of any message.
package people

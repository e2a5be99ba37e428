// Package people says who is who: it normalizes addresses (telephone numbers and e-mail), reads and edits the contacts
// file, counts who wrote how much, and drafts additions to the contacts file.
//
// In: contacts_to_ids.jsonl, one person per line, {"contact": "John", "ids": ["+12345678900", "j@icloud.com"]}; the owner's
// own addresses (USER_IDENTIFIERS); addresses of messages, as their source spells them; the conversations and message
// counts of messages.db; cards of address books. Out: a [Book], which names the person behind an address; a [Census]
// (people, addresses that no contact lists, and what these exclude); and a [Draft] of additions to the contacts file. It
// must not know windows, nor the words of any message.
package people

// Package people knows who is who: it normalizes addresses (telephone numbers and e-mail), reads and edits the contacts file,
// groups conversations by their people, counts messages by person, and drafts additions to the contacts file.
//
// In: contacts_to_ids.jsonl, one person per line, {"contact": "John", "ids": ["+12345678900", "j@icloud.com"]}; the owner's
// own addresses (USER_IDENTIFIERS); addresses as sources spell them; the conversations and message counts of messages.db;
// cards of address books. Out: a [Book], which names the person behind an address; [Conversation] values; a [Census] of
// people and unlisted addresses; a [Draft] of additions to the contacts file. It must not know: windows, the text of messages.
package people

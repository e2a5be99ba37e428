// Package contacts tells who is who: it normalises addresses (telephone numbers and e-mail) and reads the contacts file.
//
// What enters: contacts_to_ids.jsonl, one person a line, {"contact": "John", "ids": ["+12345678900", "j@icloud.com"]};
// the owner's own addresses (USER_IDENTIFIERS); and addresses of messages, as their source spells them. What leaves: for
// each address the name of the person who has it. It must not know messages, nor where their addresses come from.
package contacts

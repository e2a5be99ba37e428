// Package demo is the demonstration: a message history made of real chat, and the steps that learn from it.
//
// Nothing enters but a folder's name and the path of the program. What leaves is that folder, as a user of vqctl would
// have it (a chat.db in Apple's schema, contacts, .env), and the report of running the very commands a user would, each
// as a child process. It knows the command line as a user does; it must not know how any command works.
//
// The chat is a part of the Ubuntu IRC corpus (README.md in this folder: license, attribution, what was changed). No day
// on which one of its people speaks, or is named, is in the base model's pretraining data.
package demo

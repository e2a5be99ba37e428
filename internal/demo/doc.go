// Package demo is the demonstration: a message history made of real chat, and the steps that learn from it.
//
// In: the name of a folder, and the path of the program. Out: the folder as a user of vqctl would have it (a chat.db in
// Apple's schema, contacts, .env), and the output of running the same commands as a user, each as a child process. It must
// not know: how any command works.
//
// The chat is part of the Ubuntu IRC corpus (see README.md in this folder: license, attribution, changes). The base model was
// not pretrained on any day on which one of its people speaks or is named.
package demo

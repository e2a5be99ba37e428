// Package chat is a conversation between a person at a keyboard, who speaks for some of its members, and a model, which
// answers as one of them.
//
// What enters: lines as they are typed, messages (`John: hey`) and commands (`/target Aidan`), and the time. What leaves:
// what is to be seen, on a writer, the model's answers as they come.
//
// What it must not know: terminals, files, the command line, how a model works.
package chat

// Package chat is a conversation between a person at a keyboard, who speaks for some of the members, and a model, which
// answers as one of them.
//
// In: typed lines, which are messages (`John: hey`) or commands (`/target Aidan`), and the time. Out: what to print, with the
// model's answers as they are written. It must not know: terminals, files, the command line, how a model works.
package chat

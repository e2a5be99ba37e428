// Package chat is a conversation between a person at a keyboard, who speaks for some of the members, and a model, which
// answers as one of them.
//
// In: typed turns, which are messages (`hey`, or `John: hey` for another member) or commands (`/target Aidan`), the people who are
// known, the time, and possibly a real conversation, which grows. Out: what to print, with the model's answers as they are
// written; completions of a line; a message to send, once it was shown and confirmed. It must not know: terminals, files, the
// command line, how a model works, how a message is sent.
package chat

// Package windows turns stored messages into training windows, and reads windows for training and evaluation.
//
// What enters: the rows of messages.db and the contacts (Build), or a window file (OpenFile). What leaves: the tables
// training_conversations, training_messages and training_windows, the JSONL export, and a Source: windows by number, as
// lines of text. The exact text of a line is made here and nowhere else (AppendHeader, AppendMessage).
//
// The words: a message is one line; a conversation is a set of people, with its messages in order; a window is a header
// and up to 100 consecutive messages of one conversation; its last messages, usually one, are its targets: what a model
// learns to write from what stands before. Each message is the target of exactly one window. docs/windows.md draws it.
//
// What it must not know: Apple's database, tokens, models.
package windows

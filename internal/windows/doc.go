// Package windows turns stored messages into training windows, and reads windows for training and evaluation.
//
// In: the rows of messages.db and the contacts (Build), or a window file (OpenFile). Out: the tables training_conversations,
// training_messages and training_run; the JSONL export; a List, which reads windows by number as lines of text; the last
// messages of a conversation as it is now (Chats); earlier exchanges that are relevant to what is said (Memory). The exact text
// of a line is made here and nowhere else (AppendHeader, AppendMemory, AppendMessage). It must not know: message sources,
// tokenizers (Memory is given a function that counts tokens), models.
//
// Terms: a message is one line. A conversation is a set of people with its messages in order. A window is a header and up to
// 100 consecutive messages of one conversation. The last messages of a window, usually one, are its targets: what the model
// learns to write from the lines before. Each message is the target of exactly one window. docs/windows.md has an example.
package windows

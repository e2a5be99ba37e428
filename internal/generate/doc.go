// Package generate writes the next message of a conversation.
//
// What enters: a conversation (windows.Header and windows.Message values) and who writes next; a Model, which gives the
// likelihood of the next token; a tokenizer. What leaves: continuations of the prompt, as messages or as raw text.
//
// The words: the prompt is the conversation's lines and the prefill, the beginning of the next line with its author's
// name; a continuation is what the model writes after it, to the end of the line. Ordinarily a Grammar restricts the
// model's own distribution, token by token, to those tokens after which the line can still become a well-formed message
// within the tokens that are left: nothing is repaired afterwards. Without it (raw) the model writes what it likes.
//
// A Writer keeps the tokens it has read in the model's cache, and reads of the next prompt only what is new.
//
// What it must not know: files, the command line, the engine's arithmetic.
package generate

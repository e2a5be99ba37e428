// Package chatui is a conversation in a terminal: a line editor below what was said, on bubbletea.
//
// In: a Dialogue, which takes typed turns, completes lines and prints; a terminal. Out: the screen; what was said is printed above
// the editor, into the terminal's own scrollback. It must not know: what a turn means, how answers are made.
//
// Text is edited by what a reader sees as one character (a grapheme cluster): an emoji of several code points, a letter with
// combining marks. A pasted block becomes one turn. What is typed during an answer waits for its end; what the dialogue then asks is not
// answered by it.
package chatui

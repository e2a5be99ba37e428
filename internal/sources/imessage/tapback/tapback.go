// Package tapback names Apple's tapbacks: the six reactions that have a word.
//
// In: a value of associated_message_type, or a word. Out: the other one. It must not know: databases.
package tapback

import "slices"

// First is the associated_message_type of the first word; the others follow it.
const First = 2000

var words = []string{"Loved", "Liked", "Disliked", "Laughed", "Emphasized", "Questioned"}

// Word returns the word for a type, which must have one.
func Word(kind int64) string { return words[kind-First] }

// Type returns the type that has a word; 0 if there is none.
func Type(word string) int {
	if i := slices.Index(words, word); i >= 0 {
		return First + i
	}
	return 0
}

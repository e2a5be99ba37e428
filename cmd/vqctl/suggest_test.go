package main

import "testing"

func TestNearest_GuessesTypos(t *testing.T) {
	names := []string{"train", "tokenize", "list", "learning-rate", "n"}
	for given, want := range map[string]string{
		"trian": "train", "lst": "list", "lerning-rate": "learning-rate", "tokenise": "tokenize",
		"nonsense": "", "z": "", "": "",
	} {
		if got := nearest(given, names); got != want {
			t.Errorf("%q is taken for %q, want %q", given, got, want)
		}
	}
}

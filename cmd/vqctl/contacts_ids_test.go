package main

import (
	"slices"
	"testing"

	"ventriloquist/internal/people"
)

// Row `contacts add "Uncle Bób 🎣" +1 415 555 1021 p1021@icloud.com`: a number with spaces is one id.
func TestJoinNumbers(t *testing.T) {
	book, known := people.NewBook(people.Self{}), map[string]bool{"22395": true, "22396": true}
	for _, c := range []struct{ given, want []string }{
		{[]string{"+1", "415", "555", "1021", "p1021@icloud.com"}, []string{"+1 415 555 1021", "p1021@icloud.com"}},
		{[]string{"(415)", "555-1021"}, []string{"(415)", "555-1021"}}, // seven digits are a number themselves
		{[]string{"415", "555", "1021", "+44", "20", "7946", "0958"}, []string{"415 555 1021", "+44 20 7946 0958"}},
		{[]string{"22395", "22396"}, []string{"22395", "22396"}},
		{[]string{"+14155551021", "+14155551022"}, []string{"+14155551021", "+14155551022"}},
		{[]string{"+1", "415"}, []string{"+1", "415"}},
		{[]string{"a@b.org", "Bob"}, []string{"a@b.org", "Bob"}},
	} {
		if got := joinNumbers(c.given, book, known); !slices.Equal(got, c.want) {
			t.Errorf("%q becomes %q, want %q", c.given, got, c.want)
		}
	}
}

func TestCheckID_RefusesWhatNoMessageCanHave(t *testing.T) {
	book, known := people.NewBook(people.Self{}), map[string]bool{"22395": true, "bob the fisher": true}
	for id, want := range map[string]bool{
		"22395": true, "Bob the Fisher": true, "+1 415 555 1021": true, "p@icloud.com": true,
		"415": false, "+1": false, "22396": false, "Bob": false, "": false, "p@": false,
	} {
		if err := checkID(id, book, known); (err == nil) != want {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestWithoutCommas_TakesLists(t *testing.T) {
	book, known := people.NewBook(people.Self{}), map[string]bool{"doe, pat": true}
	got := withoutCommas([]string{"+14155551021,", "a@b.org;c@d.org", ",", "Doe, Pat"}, book, known)
	if want := []string{"+14155551021", "a@b.org", "c@d.org", "Doe, Pat"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

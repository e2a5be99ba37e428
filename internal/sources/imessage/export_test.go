package imessage

import "testing"

// Rules returns the number of rules.
func Rules() int { return len(rules) }

// AddRule appends a rule for the duration of a test.
func AddRule(t *testing.T, rows string, groups bool) {
	released := rules
	t.Cleanup(func() { rules = released })
	rules = append(released[:len(released):len(released)], rule{rows: func(*Source) string { return rows }, groups: groups})
}

package imessage

// rule is a change to how rows are read: what they become in the store. A collect reads the rows that it concerns again if
// the last collect did not know it.
type rule struct {
	// rows is an SQL condition on the rows of message that may now become something else, "true" for all.
	rows func(*Source) string
	// groups is set if the membership of groups may now be something else.
	groups bool
}

// rules are all changes since rows are read by rules. Whoever changes what a row becomes appends one; a test fails until
// then. For example, if the text of polls were now read:
//
//	{rows: func(s *Source) string { return s.text("message", "balloon_bundle_id") + " LIKE '%polls'" }},
var rules []rule

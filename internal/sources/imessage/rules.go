package imessage

import "fmt"

// rule is a change to how rows are read: what they become in the store. A collect reads the rows that it concerns again if
// the last collect did not know it.
type rule struct {
	// rows is an SQL condition on the rows of message that may now become something else, "true" for all.
	rows func(*Source) string
	// groups is set if the membership of groups may now be something else.
	groups bool
}

// rules are all changes since rows are read by rules. Whoever changes what a row becomes appends one; a test fails until
// then.
var rules = []rule{
	// Subject lines are words.
	{rows: func(s *Source) string { return s.text("message", "subject") + " <> ''" }},
	// Rows without a date keep their place.
	{rows: func(s *Source) string { return s.integer("message", "date") + " <= 0" }, groups: true},
	// Rows that change an earlier message of an app are no messages of their own.
	{rows: func(s *Source) string { return s.integer("message", "associated_message_type") + " = 2" }},
	// Archives of other objects than strings hold no text.
	{rows: func(s *Source) string {
		const class = 24 // where the class of the root begins
		name := fmt.Sprintf("CAST(substr(%s, %d, 25) AS TEXT)", s.blob("message", "attributedBody"), class)
		return fmt.Sprintf(`%[1]s IS NOT NULL AND NOT (%[1]s GLOB 'NSString*' OR %[1]s GLOB 'NSMutableString*' OR %[1]s GLOB 'NSAttributedString*'
			OR %[1]s GLOB 'NSMutableAttributedString*')`, name)
	}},
	// The emoji of 2011 become today's.
	{rows: func(s *Source) string {
		condition := "false"
		for lead := 0x80; lead <= 0x97; lead++ { // U+E000 to U+E5FF begin with 0xee and one of these
			for _, column := range []string{"text", "attributedBody"} {
				condition += fmt.Sprintf(" OR instr(CAST(%s AS BLOB), x'ee%02x') > 0", s.blob("message", column), lead)
			}
		}
		return "(" + condition + ")"
	}},
	// A message that a phone keeps as RCS and as SMS is one.
	{rows: func(s *Source) string { return s.text("message", "service") + " IN ('RCS', 'SMS')" }},
	// Messages of apps may have a URL in place of words.
	{rows: func(s *Source) string {
		return s.text("message", "balloon_bundle_id") + " NOT IN ('', '" + urlBalloon + "') AND " + s.blob("message", "payload_data") + " IS NOT NULL"
	}},
	// A date in the future is none.
	{rows: (*Source).isFuture, groups: true},
	// Polls list their choices.
	{rows: (*Source).isPoll},
}

package messages

import "path"

// Policy decides what is kept out of the file.
type Policy struct {
	// Text returns the part of a text that is kept.
	Text func(string) string
	// StandIn returns the stand-in for a forgotten person's address, "" for any other address.
	StandIn func(address string) string
}

// policyFilter applies a policy.
type policyFilter struct {
	policy   *Policy           // nil if nothing is kept out
	standIns map[string]string // by address
}

func newPolicyFilter(p *Policy) policyFilter { return policyFilter{p, map[string]string{}} }

// standIn returns the stand-in for a forgotten person's address, "" for any other address.
func (f *policyFilter) standIn(address string) string {
	if f.policy == nil || address == Owner {
		return ""
	}
	name, known := f.standIns[address]
	if !known {
		name = f.policy.StandIn(address)
		f.standIns[address] = name
	}
	return name
}

// text returns the part of a text that is kept.
func (f *policyFilter) text(s string) string {
	if f.policy == nil {
		return s
	}
	return f.policy.Text(s)
}

// redacted returns a part with its texts redacted. If a file's name is redacted, its place is dropped too.
func (f *policyFilter) redacted(p *Part) *Part {
	if f.policy == nil || p.Kind == Reaction {
		return p
	}
	redacted := *p
	redacted.Text, redacted.Transcript = f.text(p.Text), f.text(p.Transcript)
	if name := path.Base(p.File.Path); redacted.Text != p.Text || f.text(name) != name {
		redacted.File = FilePlace{}
	}
	return &redacted
}

// keepEvent redacts an event, and reports whether to keep it: an event of a forgotten person is dropped.
func (f *policyFilter) keepEvent(e *Event) bool {
	e.Text = f.text(e.Text)
	return f.standIn(e.Actor) == "" && f.standIn(e.Subject) == ""
}

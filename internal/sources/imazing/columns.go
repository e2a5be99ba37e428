package imazing

import (
	"errors"
	"slices"
)

// errNoTable matches the error of a file that is no table of iMazing.
var errNoTable = errors.New("it is no table of iMazing")

// columns are the places of iMazing's columns, by their names; -1 for those that a table lacks.
type columns struct {
	session, id, date, deleted, kind, senderID, senderName, subject, text, answered, reactions, attachment, attachmentType int
}

// newColumns finds the columns by their names.
func newColumns(names []string) (*columns, error) {
	find := func(name string) int { return slices.Index(names, name) }
	c := &columns{}
	c.session, c.id, c.date, c.deleted, c.kind = find("Chat Session"), find("Message ID"), find("Message Date"), find("Deleted Date"), find("Type")
	c.senderID, c.senderName, c.subject, c.text = find("Sender ID"), find("Sender Name"), find("Subject"), find("Text")
	c.answered = find("Replying to")
	c.reactions, c.attachment, c.attachmentType = find("Reactions"), find("Attachment"), find("Attachment type")
	if c.session < 0 || c.date < 0 || c.kind < 0 || c.text < 0 {
		return nil, errNoTable
	}
	return c, nil
}

// of returns a column of a row, "" if the table lacks it.
func of(fields []string, column int) string {
	if column < 0 {
		return ""
	}
	return fields[column]
}

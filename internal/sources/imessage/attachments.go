package imessage

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/mediatype"
)

// selectAttachments is the query for the attachments of a range of messages, in order. It is empty if the database cannot
// hold any.
func (s *Source) selectAttachments() string {
	if !s.has("attachment", "guid") || !s.has("message_attachment_join", "message_id", "attachment_id") {
		return ""
	}
	return fmt.Sprintf(`SELECT j.message_id, %s, %s, %s, %s, %s FROM message_attachment_join j
		JOIN attachment ON attachment.ROWID = j.attachment_id WHERE j.message_id BETWEEN ? AND ?
		ORDER BY j.message_id, j.attachment_id`, s.text("attachment", "guid"),
		s.text("attachment", "filename"), s.text("attachment", "transfer_name"), s.text("attachment", "mime_type"),
		s.text("attachment", "uti"))
}

func scanAttachment(r record) (message int64, a attachment) {
	transfer := r.text(3)
	name := fileName(r.text(2), transfer)
	return r.int(0), attachment{guid: r.text(1), name: name, path: strings.TrimSpace(r.text(2)), kind: mediatype.Of(r.text(4), r.text(5), name),
		payload: strings.HasSuffix(name, ".pluginPayloadAttachment") || strings.HasSuffix(transfer, ".pluginPayloadAttachment")}
}

// part returns the message that an attachment becomes.
func (a *attachment) part(transcript string) messages.Part {
	return messages.Part{Kind: a.kind, Text: a.name, Attachment: a.guid, Transcript: transcript, File: messages.FilePlace{Path: a.path}}
}

// attachmentCursor reads the attachments of messages that are requested in order.
type attachmentCursor struct {
	rows    driver.Rows // nil after the last row
	record  record
	message int64 // the message of the current attachment
	next    attachment
	list    []attachment
	err     error // why reading ended early
}

func newAttachmentCursor(rows driver.Rows) *attachmentCursor {
	c := &attachmentCursor{rows: rows, record: make(record, len(rows.Columns()))}
	c.advance()
	return c
}

func (c *attachmentCursor) advance() {
	if err := c.rows.Next(c.record); err != nil {
		if c.rows = nil; !errors.Is(err, io.EOF) {
			c.err = err
		}
		return
	}
	c.message, c.next = scanAttachment(c.record)
}

// of returns the attachments of a message. The next call overwrites the list.
func (c *attachmentCursor) of(message int64) []attachment {
	c.list = c.list[:0]
	for c.rows != nil && c.message <= message {
		if c.message == message {
			c.list = append(c.list, c.next)
		}
		c.advance()
	}
	return c.list
}

// fileName returns the last element of the path, or the name the file was sent under.
func fileName(filename, transfer string) string {
	name := strings.TrimSpace(filename[strings.LastIndexByte(filename, '/')+1:])
	if name == "" {
		name = strings.TrimSpace(transfer)
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

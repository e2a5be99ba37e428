package imessage

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/mediatype"
)

// attachment is a row of attachment.
type attachment struct {
	guid string
	kind messages.Kind
	name string
	path string
	// payload is a file of an app or of a link's preview, not content.
	payload bool
}

// selectAttachments is the query for the attachments of messages, in order; of all messages, or of those in a JSON list. It
// is empty where there can be none.
func (s *Source) selectAttachments(messages driver.Value) (query string, args []driver.Value) {
	if !s.has("attachment", "guid") || !s.has("message_attachment_join", "message_id", "attachment_id") {
		return "", nil
	}
	only := "j.message_id IS NOT NULL"
	if messages != nil {
		only, args = "j.message_id"+numbersIn, []driver.Value{messages}
	}
	return fmt.Sprintf(`SELECT j.message_id, %s, %s, %s, %s, %s FROM message_attachment_join j
		JOIN attachment ON attachment.ROWID = j.attachment_id WHERE %s
		ORDER BY j.message_id, j.attachment_id`, s.text("attachment", "guid"),
		s.text("attachment", "filename"), s.text("attachment", "transfer_name"), s.text("attachment", "mime_type"),
		s.text("attachment", "uti"), only), args
}

func scanAttachment(r record) (message int64, a attachment) {
	transfer := r.text(3)
	name := fileName(r.text(2), transfer)
	return r.int(0), attachment{guid: r.text(1), name: name, path: strings.TrimSpace(r.text(2)), kind: mediatype.Of(r.text(4), r.text(5), name),
		payload: strings.HasSuffix(name, ".pluginPayloadAttachment") || strings.HasSuffix(transfer, ".pluginPayloadAttachment")}
}

// readAttachments returns the attachments of each message in a JSON list, in order.
func (s *Source) readAttachments(ctx context.Context, messages driver.Value) (map[int64][]attachment, error) {
	list := make(map[int64][]attachment)
	query, args := s.selectAttachments(messages)
	if query == "" {
		return list, nil
	}
	err := s.each(ctx, query, func(r record) error {
		message, a := scanAttachment(r)
		list[message] = append(list[message], a)
		return nil
	}, args...)
	return list, err
}

// attachmentCursor reads the attachments of messages that are asked for in order.
type attachmentCursor struct {
	rows    driver.Rows // nil behind the last
	record  record
	message int64 // of the attachment at hand
	next    attachment
	err     error // why it ended early
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

// of returns the attachments of a message. The list is overwritten by the next.
func (c *attachmentCursor) of(message int64, list []attachment) []attachment {
	list = list[:0]
	for c.rows != nil && c.message <= message {
		if c.message == message {
			list = append(list, c.next)
		}
		c.advance()
	}
	return list
}

// fileName is the last element of the path, else the name that it was sent under.
func fileName(filename, transfer string) string {
	name := strings.TrimSpace(filename[strings.LastIndexByte(filename, '/')+1:])
	if name == "" {
		name = strings.TrimSpace(transfer)
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

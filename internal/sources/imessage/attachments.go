package imessage

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/imessage/sqlitepages"
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

// attachmentColumns is how many columns selectAttachments has.
const attachmentColumns = 6

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

// attachmentCursor reads the attachments of messages that are requested in order. Behind damage it goes on with the next
// message.
type attachmentCursor struct {
	conn    *sqlite3.SQLiteConn
	query   string // empty if there are none
	last    int64  // the last message of the range
	rows    driver.Rows
	record  record
	message int64 // the message of the current attachment
	next    attachment
	list    []attachment
	broken  bool  // reading ended early: it must begin again
	err     error // why the attachments of the last message could not be read
}

func newAttachmentCursor(conn *sqlite3.SQLiteConn, query string, r sqlitepages.Range) *attachmentCursor {
	c := &attachmentCursor{conn: conn, query: query, last: r.Last, record: make(record, attachmentColumns)}
	if query != "" {
		c.begin(r.First)
	}
	return c
}

// begin reads from a message on.
func (c *attachmentCursor) begin(first int64) {
	c.close()
	var err error
	c.rows, err = c.conn.Query(c.query, []driver.Value{first, c.last})
	if c.broken = err != nil; err == nil {
		c.advance()
	}
}

func (c *attachmentCursor) close() {
	if c.rows != nil {
		_ = c.rows.Close()
		c.rows = nil
	}
}

func (c *attachmentCursor) advance() {
	if err := c.rows.Next(c.record); err != nil {
		c.close()
		c.broken = !errors.Is(err, io.EOF)
		return
	}
	c.message, c.next = scanAttachment(c.record)
}

// of returns the attachments of a message. The next call overwrites the list.
func (c *attachmentCursor) of(message int64) []attachment {
	c.list, c.err = c.list[:0], nil
	for c.rows != nil && c.message <= message {
		if c.message == message {
			c.list = append(c.list, c.next)
		}
		c.advance()
	}
	if c.broken {
		c.alone(message)
	}
	return c.list
}

// alone reads the attachments of a message by a query of its own.
func (c *attachmentCursor) alone(message int64) {
	c.list = c.list[:0]
	rows, err := c.conn.Query(c.query, []driver.Value{message, message})
	for err == nil {
		if err = rows.Next(c.record); err == nil {
			_, file := scanAttachment(c.record)
			c.list = append(c.list, file)
		}
	}
	if rows != nil {
		_ = rows.Close()
	}
	if !errors.Is(err, io.EOF) {
		c.err = err
		c.begin(message + 1)
	}
}

// fileName returns the last element of the path, or the name the file was sent under.
func fileName(filename, transfer string) string {
	name := strings.TrimSpace(filename[strings.LastIndexByte(filename, '/')+1:])
	if name == "" {
		name = strings.TrimSpace(transfer)
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

package imessage

import (
	"context"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// row is a row of message.
type row struct {
	id         int64
	guid       string
	text       []byte
	body       []byte
	date       int64 // nanoseconds since 1970
	handle     int64
	fromMe     bool
	itemType   int64
	action     int64  // group_action_type
	share      int64  // share_status
	other      int64  // other_handle
	title      string // group_title
	spam       bool
	scheduled  bool
	failed     bool
	retracted  bool
	tapback    int64 // associated_message_type
	target     string
	emoji      string
	balloon    string
	payload    []byte
	summary    []byte // message_summary_info
	thread     string // thread_originator_guid
	threadPart string
}

// bare is a row without what it says.
func (r row) bare() row {
	r.text, r.body, r.payload, r.summary = nil, nil, nil, nil
	return r
}

func (s *Source) countRows(ctx context.Context) (n int64, err error) {
	err = s.each(ctx, `SELECT count(*) FROM message`, func(r record) error {
		n = r.int(0)
		return nil
	})
	return n, err
}

// selectRows is the query that scanRow reads.
func (s *Source) selectRows() string {
	integer := func(column string) string { return s.integer("message", column) }
	text := func(column string) string { return s.text("message", column) }
	blob := func(column string) string { return s.blob("message", column) }
	return "SELECT ROWID, " + strings.Join([]string{text("guid"), blob("text"), blob("attributedBody"), integer("date"),
		integer("handle_id"), integer("is_from_me"), integer("item_type"), integer("group_action_type"), integer("share_status"),
		integer("other_handle"), text("group_title"), integer("is_spam"), integer("schedule_type"), integer("error"),
		integer("is_sent"), integer("date_retracted"), integer("associated_message_type"), text("associated_message_guid"),
		text("associated_message_emoji"), text("balloon_bundle_id"), blob("payload_data"), blob("message_summary_info"),
		text("thread_originator_guid"), text("thread_originator_part")}, ", ") + " FROM message"
}

func scanRow(v record) row {
	r := row{id: v.int(0), guid: v.text(1), text: v.bytes(2), body: v.bytes(3), date: unixNanoseconds(v.int(4)), handle: v.int(5),
		fromMe: v.int(6) != 0, itemType: v.int(7), action: v.int(8), share: v.int(9), other: v.int(10), title: v.text(11),
		spam: v.int(12) != 0, scheduled: v.int(13) != 0, retracted: v.int(16) != 0, tapback: v.int(17), target: v.text(18),
		emoji: v.text(19), balloon: v.text(20), payload: v.bytes(21), summary: v.bytes(22), thread: v.text(23), threadPart: v.text(24)}
	r.failed = r.fromMe && v.int(14) != 0 && v.int(15) == 0
	return r
}

// eachMessage calls visit for every row of message with its attachments, in order of row id. attachments tells why those
// could not be read to their end.
func (s *Source) eachMessage(ctx context.Context, visit func(*row, []attachment) error) (attachments, err error) {
	files, _ := s.selectAttachments(nil)
	err = s.conn.Raw(func(connection any) error {
		conn := connection.(*sqlite3.SQLiteConn)
		cursor := &attachmentCursor{}
		if files != "" {
			rows, err := conn.Query(files, nil)
			if err != nil {
				return err
			}
			defer rows.Close()
			cursor = newAttachmentCursor(rows)
		}
		rows, err := conn.Query(s.selectRows()+" ORDER BY ROWID", nil)
		if err != nil {
			return err
		}
		defer rows.Close()
		var list []attachment
		err = eachRow(ctx, rows, func(v record) error {
			r := scanRow(v)
			list = cursor.of(r.id, list)
			return visit(&r, list)
		})
		attachments = cursor.err
		return err
	})
	return attachments, err
}

package imessage

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// row is a row of message. Its byte slices are valid until the next one is read.
type row struct {
	id         int64
	guid       string
	text       sql.RawBytes
	body       sql.RawBytes
	date       int64 // nanoseconds since 1970
	handle     int64
	fromMe     bool
	itemType   int64
	spam       bool
	scheduled  bool
	failed     bool
	retracted  bool
	tapback    int64 // associated_message_type
	target     string
	emoji      string
	balloon    string
	payload    sql.RawBytes
	summary    sql.RawBytes // message_summary_info
	thread     string       // thread_originator_guid
	threadPart string
}

func (s *Source) countRows(ctx context.Context) (n int64, err error) {
	err = s.tx.QueryRowContext(ctx, `SELECT count(*) FROM message`).Scan(&n)
	return n, err
}

// eachMessage calls visit for every row of message, in order of row id.
func (s *Source) eachMessage(ctx context.Context, visit func(*row) error) error {
	integer := func(column string) string { return s.integer("message", column) }
	text := func(column string) string { return s.text("message", column) }
	blob := func(column string) string { return s.blob("message", column) }
	query := "SELECT ROWID, " + strings.Join([]string{text("guid"), blob("text"), blob("attributedBody"), integer("date"),
		integer("handle_id"), integer("is_from_me"), integer("item_type"), integer("is_spam"), integer("schedule_type"),
		integer("error"), integer("is_sent"), integer("date_retracted"), integer("associated_message_type"),
		text("associated_message_guid"), text("associated_message_emoji"), text("balloon_bundle_id"), blob("payload_data"),
		blob("message_summary_info"), text("thread_originator_guid"), text("thread_originator_part")}, ", ") +
		" FROM message ORDER BY ROWID"
	return s.each(ctx, query, func(rows *sql.Rows) error {
		var r row
		var fromMe, spam, schedule, failure, sent, retracted int64
		err := rows.Scan(&r.id, &r.guid, &r.text, &r.body, &r.date, &r.handle, &fromMe, &r.itemType, &spam, &schedule,
			&failure, &sent, &retracted, &r.tapback, &r.target, &r.emoji, &r.balloon, &r.payload, &r.summary, &r.thread, &r.threadPart)
		if err != nil {
			return fmt.Errorf("row %d of message: %w", r.id, err)
		}
		r.date = unixNanoseconds(r.date)
		r.fromMe, r.spam, r.scheduled, r.retracted = fromMe != 0, spam != 0, schedule != 0, retracted != 0
		r.failed = r.fromMe && failure != 0 && sent == 0
		return visit(&r)
	})
}

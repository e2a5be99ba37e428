package imessage

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"

	"github.com/mattn/go-sqlite3"

	"ventriloquist/internal/sources/imessage/sqlitepages"
)

func (s *Source) countRows(ctx context.Context) (n int64, err error) {
	err = s.each(ctx, `SELECT count(*) FROM message`, func(r record) error {
		n = r.int(0)
		return nil
	})
	return n, err
}

// selectRows is the query that scanRow reads. With alone, it looks at no other row.
func (s *Source) selectRows(alone bool) string {
	integer := func(column string) string { return s.integer("message", column) }
	text := func(column string) string { return s.text("message", column) }
	blob := func(column string) string { return s.blob("message", column) }
	date, copied, choices := s.dateOf(), s.isCopy(), s.newChoices()
	if alone {
		date, copied, choices = s.ownDate(), "0", "NULL"
	}
	return "SELECT ROWID, " + strings.Join([]string{text("guid"), blob("text"), blob("attributedBody"), date,
		integer("handle_id"), integer("is_from_me"), integer("item_type"), integer("group_action_type"), integer("share_status"),
		integer("other_handle"), text("group_title"), integer("is_spam"), integer("schedule_type"), integer("error"),
		integer("is_sent"), integer("date_retracted"), integer("associated_message_type"), text("associated_message_guid"),
		text("associated_message_emoji"), text("balloon_bundle_id"), blob("payload_data"), blob("message_summary_info"),
		text("thread_originator_guid"), text("thread_originator_part"), text("subject"), s.isUndated(), copied, s.isFuture(), s.isPoll(), choices}, ", ") + " FROM message"
}

func scanRow(v record) row {
	r := row{id: v.int(0), guid: v.text(1), text: v.bytes(2), body: v.bytes(3), date: unixNanoseconds(v.int(4)), handle: v.int(5),
		fromMe: v.int(6) != 0, itemType: v.int(7), action: v.int(8), share: v.int(9), other: v.int(10), title: v.text(11),
		spam: v.int(12) != 0, scheduled: v.int(13) != 0, retracted: v.int(16) != 0, tapback: v.int(17), target: v.text(18),
		emoji: v.text(19), balloon: v.text(20), payload: v.bytes(21), summary: v.bytes(22), thread: v.text(23), threadPart: v.text(24), subject: v.text(25), undated: v.int(26) != 0, copied: v.int(27) != 0,
		future: v.int(28) != 0, poll: v.int(29) != 0, choices: v.bytes(30)}
	r.failed = r.fromMe && v.int(14) != 0 && v.int(15) == 0
	return r
}

// finder looks up identifiers through the database's index on them; stop releases it.
func (s *Source) finder(conn *sqlite3.SQLiteConn) (find finder, stop func(), err error) {
	if s.byGUID != nil {
		return func(guid string) (int64, error) { return s.byGUID[guid], nil }, func() {}, nil
	}
	statement, err := conn.Prepare("SELECT ROWID FROM message WHERE guid = ?")
	if err != nil {
		return nil, nil, err
	}
	record := make([]driver.Value, 1)
	query := statement.(driver.StmtQueryContext).QueryContext
	return func(guid string) (int64, error) {
		// A context that can be canceled would cost a goroutine per look-up; eachRow watches the collect's.
		rows, err := query(context.Background(), []driver.NamedValue{{Ordinal: 1, Value: guid}})
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		if err := rows.Next(record); errors.Is(err, io.EOF) {
			return 0, nil
		} else if err != nil {
			return 0, err
		}
		id, _ := record[0].(int64)
		return id, nil
	}, func() { statement.Close() }, nil
}

// readGUIDs reads the identifiers of all rows if the database has no index on them.
func (s *Source) readGUIDs(ctx context.Context) error {
	indexed := false
	err := s.each(ctx, `SELECT 1 FROM pragma_index_list('message') l JOIN pragma_index_info(l.name) i WHERE i.seqno = 0 AND i.name = 'guid' AND NOT l.partial`, func(record) error {
		indexed = true
		return nil
	})
	if err != nil || indexed {
		return err
	}
	s.byGUID = make(map[string]int64)
	return s.each(ctx, "SELECT "+s.text("message", "guid")+", ROWID FROM message", func(r record) error {
		s.byGUID[r.text(0)] = r.int(1)
		return nil
	})
}

// eachHead calls visit for the rows of message in a range, in order of row ID.
func (s *Source) eachHead(ctx context.Context, r sqlitepages.Range, visit func(head)) error {
	integer := func(column string) string { return s.integer("message", column) }
	query := "SELECT ROWID, " + strings.Join([]string{s.dateOf(), integer("handle_id"), integer("other_handle"), integer("is_from_me"), integer("item_type")}, ", ") +
		" FROM message WHERE ROWID BETWEEN ? AND ? ORDER BY ROWID"
	return s.each(ctx, query, func(v record) error {
		visit(head{v.int(0), unixNanoseconds(v.int(1)), v.int(2), v.int(3), v.int(4) != 0, v.int(5)})
		return nil
	}, r.First, r.Last)
}

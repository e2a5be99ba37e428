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
	date, copied, choices := s.dateOf(), s.isCopy(), s.newChoices()
	if alone {
		date, copied, choices = s.ownDate(), "0", "NULL"
	}
	columns := []string{"ROWID", s.quickly(date, "message.date"), s.quickly(s.isUndated(), "0"), s.quickly(s.isFuture(), "0"), copied, choices}
	for _, name := range []string{"guid", "text", "attributedBody", "handle_id", "is_from_me", "item_type", "group_action_type", "share_status", "other_handle",
		"group_title", "is_spam", "schedule_type", "error", "is_sent", "date_retracted", "associated_message_type", "associated_message_guid",
		"associated_message_emoji", "balloon_bundle_id", "payload_data", "message_summary_info", "thread_originator_guid", "thread_originator_part", "subject"} {
		columns = append(columns, "+"+s.blob("message", name)) // an expression has no declared type, by which the driver would convert it
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM message"
}

func scanRow(v record) row {
	r := row{id: v.int(0), date: unixNanoseconds(v.int(1)), undated: v.int(2) != 0, future: v.int(3) != 0, copied: v.int(4) != 0, choices: v.bytes(5),
		guid: v.text(6), text: v.bytes(7), body: v.bytes(8), handle: v.int(9), fromMe: v.int(10) != 0, itemType: v.int(11), action: v.int(12),
		share: v.int(13), other: v.int(14), title: v.text(15), spam: v.int(16) != 0, scheduled: v.int(17) != 0, retracted: v.int(20) != 0,
		tapback: v.int(21), target: v.text(22), emoji: v.text(23), balloon: v.text(24), payload: v.bytes(25), summary: v.bytes(26),
		thread: v.text(27), threadPart: v.text(28), subject: v.text(29)}
	r.failed = r.fromMe && v.int(18) != 0 && v.int(19) == 0
	r.poll = r.isPoll()
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

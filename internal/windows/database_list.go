package windows

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/usererr"
)

// databaseList is a List over the training tables of messages.db. It keeps the ranges of the windows in memory and reads
// messages when their window is read.
type databaseList struct {
	db            *messages.DB
	conversations []conversationRange
	members       [][]string // of each conversation
	sets          conversationSet
	set           []int // of each conversation, an index into sets: groups with strangers may look alike
	windows       []windowRange
	heldOut       []bool    // of each window
	messages      int64     // training_messages are numbered from 1 to this
	memoryTokens  int       // that memories may have in each window; 0: none
	selectRange   *sql.Stmt // runs selectMessages
}

// conversationRange and windowRange hold ids of training_messages, inclusive.
type conversationRange struct{ first, last int64 }

type windowRange struct {
	first, last           int64
	conversation, targets int32
}

const selectMessages = `SELECT id, date, name, reply_to, content_type, text FROM training_messages WHERE id BETWEEN ? AND ? ORDER BY id`

// OpenDatabase opens the windows that Build made in the messages.db at path; progress counts windows.
func OpenDatabase(ctx context.Context, path string, progress Progress) (List, error) {
	db, err := messages.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	s, err := openTables(ctx, db, progress)
	if err != nil {
		db.Close()
		return nil, err
	}
	if len(s.windows) == 0 {
		s.Close()
		return nil, usererr.With(fmt.Errorf("%s holds no training windows", path), "run: vqctl preprocess")
	}
	return s, nil
}

func openTables(ctx context.Context, db *messages.DB, progress Progress) (*databaseList, error) {
	s := &databaseList{db: db}
	err := s.readConversations(ctx)
	if err == nil {
		err = s.readWindows(ctx, progress)
	}
	if err == nil {
		s.selectRange, err = db.SQL().PrepareContext(ctx, selectMessages)
	}
	if err != nil {
		return nil, db.Explain(err)
	}
	return s, nil
}

func (s *databaseList) readConversations(ctx context.Context) error {
	most, err := s.mostMessages(ctx)
	if err != nil {
		return err
	}
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT id, members, first, last FROM training_conversations ORDER BY id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		var members []byte
		var c conversationRange
		if err := rows.Scan(&id, &members, &c.first, &c.last); err != nil {
			return err
		}
		var names []string
		if err := json.Unmarshal(members, &names); err != nil {
			return fmt.Errorf("training_conversations: members of row %d: %w", id, err)
		}
		if id != len(s.members)+1 {
			return fmt.Errorf("training_conversations: row %d is out of sequence", id)
		}
		if c.first != s.messages+1 || c.last < c.first || c.last > most {
			return usererr.With(fmt.Errorf("training_conversations: row %d: its message range is wrong", id), "run: vqctl preprocess")
		}
		s.conversations = append(s.conversations, c)
		s.members = append(s.members, names)
		s.set = append(s.set, s.sets.number(names))
		s.messages = c.last
	}
	return rows.Err()
}

// mostMessages returns a number that the messages cannot exceed: a row takes at least 8 bytes of the file. What is kept for each
// message is allocated by their number, which the tables state.
func (s *databaseList) mostMessages(ctx context.Context) (most int64, err error) {
	const rowSize = 8
	var pages, size int64
	err = s.db.SQL().QueryRowContext(ctx, `SELECT page_count, page_size FROM pragma_page_count, pragma_page_size`).Scan(&pages, &size)
	return pages * size / rowSize, err
}

func (s *databaseList) readWindows(ctx context.Context, progress Progress) error {
	rows, err := s.db.SQL().QueryContext(ctx, `SELECT conversation - 1, first, last, stride, size, held_out, memory FROM training_run ORDER BY id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	earlier := false // an earlier version made the windows, and held out none
	for number := 1; rows.Next(); number++ {
		var conversation int32
		var run targetRun
		var stride, size int64
		var heldOut sql.NullBool
		if err := rows.Scan(&conversation, &run.first, &run.last, &stride, &size, &heldOut, &s.memoryTokens); err != nil {
			return err
		}
		if err := s.checkRun(conversation, run, stride, size); err != nil {
			return usererr.With(fmt.Errorf("training_run: row %d: %w", number, err), "run: vqctl preprocess")
		}
		s.addWindows(conversation, run, stride, size, heldOut.Bool)
		earlier = earlier || !heldOut.Valid
		progress.Report(int64(len(s.windows)), s.messages)
	}
	if earlier {
		s.heldOut = lastWindows(len(s.windows), len(s.sets.members), s.Conversation)
	}
	return rows.Err()
}

func (s *databaseList) checkRun(conversation int32, run targetRun, stride, size int64) error {
	if conversation < 0 || int(conversation) >= len(s.conversations) {
		return fmt.Errorf("conversation %d does not exist", conversation+1)
	}
	c := s.conversations[conversation]
	if run.first < c.first || run.last > c.last || run.first > run.last {
		return errors.New("its message range lies outside its conversation")
	}
	if stride < 1 || size < stride || size > math.MaxInt32 {
		return fmt.Errorf("windows in its range have %d targets of %d messages", stride, size)
	}
	if last := len(s.windows) - 1; last >= 0 && run.first <= s.windows[last].last {
		return errors.New("its message range begins before the end of the one before")
	}
	return nil
}

// addWindows adds the windows of a run of targets.
func (s *databaseList) addWindows(conversation int32, run targetRun, stride, size int64, heldOut bool) {
	start := s.conversations[conversation].first
	for target := run.first; target <= run.last; target += stride {
		last := min(target+stride-1, run.last)
		s.windows = append(s.windows, windowRange{first: max(start, last-size+1), last: last, conversation: conversation, targets: int32(last - target + 1)})
		s.heldOut = append(s.heldOut, heldOut)
	}
}

func (s *databaseList) Len() int                  { return len(s.windows) }
func (s *databaseList) Conversation(i int) int    { return s.set[s.windows[i].conversation] }
func (s *databaseList) Conversations() [][]string { return s.sets.members }
func (s *databaseList) Targets(i int) int         { return int(s.windows[i].targets) }
func (s *databaseList) HeldOut(i int) bool        { return s.heldOut[i] }
func (s *databaseList) Lines() int                { return int(2 * s.messages) }
func (s *databaseList) Where(i int) string        { return fmt.Sprintf("%s: window %d", s.db.Path(), i+1) }

func (s *databaseList) Close() error {
	return errors.Join(s.selectRange.Close(), s.db.Close())
}

// Window reads the messages of a window and the one before the window: if that was sent less than a minute earlier, the
// first line is the same as in the middle of other windows.
func (s *databaseList) Window(i int) (*Window, error) {
	w := s.windows[i]
	rows, err := s.selectRange.Query(max(w.first-1, s.conversations[w.conversation].first), w.last)
	if err != nil {
		return nil, s.db.Explain(err)
	}
	defer rows.Close()
	out := &Window{Conversation: s.set[w.conversation], Targets: int(w.targets), Lines: make([]Line, 0, w.last-w.first+1)}
	scanner := messageScanner{}
	for rows.Next() {
		m, err := scanner.scan(rows)
		if err != nil {
			return nil, s.db.Explain(err)
		}
		if m.id < w.first {
			continue
		}
		if m.id == w.first {
			out.Header = AppendHeader(nil, NewHeader("", s.members[w.conversation], StartDate(time.Unix(0, m.date))))
		}
		out.Lines = append(out.Lines, m.line(m.id == w.first))
	}
	if err := rows.Err(); err != nil {
		return nil, s.db.Explain(err)
	}
	if int64(len(out.Lines)) != w.last-w.first+1 {
		return nil, usererr.With(fmt.Errorf("%s: %d messages are missing", s.Where(i), w.last-w.first+1-int64(len(out.Lines))),
			"run: vqctl preprocess")
	}
	return out, nil
}

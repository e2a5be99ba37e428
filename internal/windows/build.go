package windows

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// Options of Build.
type Options struct {
	Owner   string        // the owner's name, MY_NAME
	People  people.Lookup // who has an address
	Window  int           // maximum number of messages in a window
	Stride  int           // number of targets at the end of a window to train on
	HeldOut int           // number of messages that are held out of each conversation that is long enough; 0: none
	Memory  int           // tokens that memories may have in each window; 0: windows have none
	Filter
	Progress Progress // counts messages read
}

// Check returns a usererr.Field for the first invalid option.
func (o *Options) Check() error {
	switch {
	case o.Window < 1:
		return usererr.Invalid("window", "is %d; a window has at least 1 message", o.Window)
	case o.Stride < 1:
		return usererr.Invalid("stride", "is %d; a window has at least 1 target", o.Stride)
	case o.Stride > o.Window:
		return usererr.Invalid("stride", "is %d, more than the %d messages of a %v: some messages would never be a target", o.Stride, o.Window, usererr.Option("window"))
	case o.HeldOut < 0 || o.HeldOut > math.MaxInt32:
		return usererr.Invalid("held_out", "is %d; it is a number of messages per conversation, 0 for none", o.HeldOut)
	case o.Memory < 0 || o.Memory > math.MaxInt32:
		return usererr.Invalid("memory_tokens", "is %d; it is a number of tokens", o.Memory)
	}
	return o.Filter.check()
}

// Summary is what Build did.
type Summary struct {
	Conversations int     `json:"conversations"`
	Messages      int64   `json:"messages"` // lines; each is a target once
	Windows       int64   `json:"windows"`
	HeldOut       int64   `json:"held_out"` // windows kept for evaluation, each with one target
	HeldOutOf     int     `json:"held_out_conversations"`
	ExportBytes   int64   `json:"export_bytes"` // approximate size of all windows as a window file
	LeftOut       LeftOut `json:"left_out"`
}

// Build replaces the training tables of db in one transaction: after an error they are unchanged.
func Build(ctx context.Context, db *messages.DB, o Options) (*Summary, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	b := &builder{options: o, db: db}
	err := db.Update(ctx, o.People.Key, func(conn *sql.Conn, reader *messages.Reader) error {
		conversations, err := b.conversations(ctx, reader)
		if err != nil {
			return err
		}
		b.reader = reader
		return b.fill(ctx, conn, conversations)
	})
	return &b.summary, err
}

// conversations returns the conversations to train on, of which there must be at least one.
func (b *builder) conversations(ctx context.Context, reader *messages.Reader) ([]*conversation, error) {
	stored, err := reader.Conversations(ctx)
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 {
		return nil, usererr.With(fmt.Errorf("%s holds no messages", b.db.Path()), "run: vqctl collect")
	}
	var selected []*conversation
	selected, b.summary.LeftOut = selectConversations(b.options.People.Conversations(stored), &b.options)
	if len(selected) == 0 {
		return nil, noUsableConversation(b.db.Path(), &b.summary.LeftOut)
	}
	return selected, nil
}

func noUsableConversation(path string, left *LeftOut) error {
	if left.NotChosen > 0 {
		return usererr.With(fmt.Errorf("nothing is left of %s to train on", path), "%v and %v leave out %s", usererr.Option("only"), usererr.Option("exclude"),
			terminal.Quantity(left.NotChosen, "message"))
	}
	if len(left.People) == 0 {
		return fmt.Errorf("%s has only messages to yourself", path)
	}
	err := fmt.Errorf("no usable conversation: nobody in %s is in the contacts file (%s)", path, terminal.Quantity(len(left.People), "person"))
	return usererr.With(err, `add people to contacts_to_ids.jsonl, for example {"contact": "NAME", "ids": [%q]}, who is in conversations with %s`,
		left.People[0].Address, terminal.Quantity(left.People[0].Messages, "message"))
}

// builder writes the training tables.
type builder struct {
	options      Options
	db           *messages.DB
	reader       *messages.Reader
	insert       *messages.Inserter // into training_message
	insertRun    *messages.Inserter
	summary      Summary
	read         int64         // messages read
	conversation *conversation // the one being written
	lines        int64         // lines of the conversation so far
	bytes        int64         // approximate size of these lines
	runs         []targetRun   // runs of targets among these lines
}

// The columns that are inserted.
const (
	messageColumns = "id, date, name, reply_to, content_type, text"
	runColumns     = "conversation, first, last, stride, size, held_out, memory"
)

// rowOverhead is the approximate size of a line without its name and text: keys, quotes and their escapes.
const rowOverhead = 100

const (
	emptyTables = `DELETE FROM training_run; DELETE FROM training_messages; DELETE FROM training_conversations`

	insertConversation = `INSERT INTO training_conversations (id, members, first, last) VALUES (?, ?, ?, ?)`
)

func (b *builder) fill(ctx context.Context, conn *sql.Conn, conversations []*conversation) error {
	_, err := conn.ExecContext(ctx, emptyTables)
	if err != nil {
		return b.db.Explain(err)
	}
	if b.insert, err = messages.NewInserter(ctx, conn, "training_messages", messageColumns); err != nil {
		return b.db.Explain(err)
	}
	defer b.insert.Close()
	if b.insertRun, err = messages.NewInserter(ctx, conn, "training_run", runColumns); err != nil {
		return b.db.Explain(err)
	}
	defer b.insertRun.Close()
	err = readAhead(ctx, b.reader, conversations, func(batch *batch) error { return b.addBatch(ctx, conn, batch) })
	if err != nil {
		return err
	}
	if err := errors.Join(b.insert.Flush(), b.insertRun.Flush()); err != nil {
		return b.db.Explain(err)
	}
	if left := &b.summary.LeftOut; b.summary.Messages == 0 && left.OtherTime+left.Few > 0 {
		return fmt.Errorf("%v, %v and %v leave nothing to train on", usererr.Option("since"), usererr.Option("until"), usererr.Option("min_messages"))
	}
	if b.summary.Messages == 0 {
		return errors.New("no message of the listed people has any words")
	}
	return nil
}

// addBatch writes messages of one conversation, with consecutive ids.
func (b *builder) addBatch(ctx context.Context, conn *sql.Conn, batch *batch) error {
	if b.conversation != batch.conversation {
		b.conversation, b.lines, b.bytes, b.runs = batch.conversation, 0, 0, b.runs[:0]
	}
	for i := range batch.messages {
		if err := b.addMessage(&batch.messages[i]); err != nil {
			return err
		}
	}
	if !batch.ends {
		return nil
	}
	return b.endConversation(ctx, conn)
}

// endConversation writes what follows from the messages of a conversation.
func (b *builder) endConversation(ctx context.Context, conn *sql.Conn) error {
	if b.lines == 0 {
		return nil
	}
	first := b.summary.Messages + 1
	if few := b.lines < b.options.MinMessages; few || len(b.runs) == 0 {
		return b.dropConversation(ctx, conn, first, few)
	}
	b.summary.Messages += b.lines
	b.summary.Conversations++
	members := string(appendNames(nil, b.conversation.members))
	_, err := conn.ExecContext(ctx, insertConversation, b.summary.Conversations, members, first, b.summary.Messages)
	if err == nil {
		err = b.insertRuns()
	}
	if err != nil {
		return b.db.Explain(err)
	}
	return nil
}

// dropConversation removes the current conversation again: it has too few messages, or no possible target.
func (b *builder) dropConversation(ctx context.Context, conn *sql.Conn, first int64, few bool) error {
	err := b.insert.Flush()
	if err == nil {
		_, err = conn.ExecContext(ctx, `DELETE FROM training_messages WHERE id >= ?`, first)
	}
	if err != nil {
		return b.db.Explain(err)
	}
	if few {
		b.summary.LeftOut.Few += b.lines
	} else {
		b.summary.LeftOut.Messages += b.lines
	}
	return nil
}

// addMessage writes the lines of one message.
func (b *builder) addMessage(m *messages.WindowMessage) error {
	if b.read++; b.read%1024 == 0 {
		b.options.Progress.Report(b.read, 0)
	}
	if !b.options.allowsDate(m.Date) {
		b.summary.LeftOut.OtherTime++
		return nil
	}
	name, known, target := b.conversation.author(&b.options, m.Sender)
	if !known {
		b.summary.LeftOut.Messages++
		return nil
	}
	quote, lines := linesOf(m)
	if len(lines) == 0 {
		b.summary.LeftOut.Empty++
		return nil
	}
	var quoted any // NULL, or the quote
	if quote != nil {
		quoted = *quote
	}
	for _, text := range lines {
		b.lines++
		id := b.summary.Messages + b.lines
		err := b.insert.Add(id, m.Date, name, quoted, m.Kind.String(), text)
		if err != nil {
			return b.db.Explain(err)
		}
		b.bytes += int64(len(name)+len(text)) + rowOverhead
		if target {
			b.addTarget(id)
		}
	}
	return nil
}

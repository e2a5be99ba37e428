package messages

import (
	"context"
	"database/sql"
	"fmt"
)

// Reader reads conversations and their messages. Reactions that were taken back are absent.
type Reader struct {
	q         querier
	path      string
	addresses []string // by handle id; 0 is the owner
	canceled  map[int64]bool
}

// Reader returns a reader for people as identity tells them: the name of the person who has an address, Owner for an
// address of the owner, and any unique text (such as the address) for a stranger. A reaction is taken back by the same
// person, by whichever address. A nil identity takes each address for a person.
func (db *DB) Reader(ctx context.Context, identity func(address string) string) (*Reader, error) {
	return db.reader(ctx, db.sql, identity)
}

func (db *DB) reader(ctx context.Context, q querier, identity func(address string) string) (*Reader, error) {
	r := &Reader{q: q, path: db.path}
	var err error
	if r.addresses, err = readAddresses(ctx, q); err != nil {
		return nil, explain(db.path, err)
	}
	if r.canceled, err = r.readCanceled(ctx, identity); err != nil {
		return nil, explain(db.path, err)
	}
	return r, nil
}

// querier is the database itself or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func readAddresses(ctx context.Context, q querier) ([]string, error) {
	addresses := []string{Owner}
	rows, err := q.QueryContext(ctx, `SELECT id, address FROM handle ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		var address string
		if err := rows.Scan(&id, &address); err != nil {
			return nil, err
		}
		if id != len(addresses) {
			return nil, fmt.Errorf("handle %d is out of sequence", id)
		}
		addresses = append(addresses, address)
	}
	return addresses, rows.Err()
}

// Names returns what sources call the people of addresses, where it is not the address itself.
func (r *Reader) Names(ctx context.Context) (map[string]string, error) {
	names, err := readNames(ctx, r.q)
	if err != nil {
		return nil, explain(r.path, err)
	}
	return names, nil
}

func readNames(ctx context.Context, q querier) (map[string]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT address, name FROM handle WHERE name IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := make(map[string]string)
	for rows.Next() {
		var address, name string
		if err := rows.Scan(&address, &name); err != nil {
			return nil, err
		}
		names[address] = name
	}
	return names, rows.Err()
}

// Conversations returns all conversations, by id.
func (r *Reader) Conversations(ctx context.Context) ([]Conversation, error) {
	list, err := r.conversations(ctx, r.q)
	if err != nil {
		return nil, explain(r.path, err)
	}
	return list, nil
}

func (r *Reader) conversations(ctx context.Context, q querier) ([]Conversation, error) {
	rows, err := q.QueryContext(ctx, `SELECT c.id, c.is_group, c.first, c.last, c.messages, m.handle, m.absent FROM (SELECT *,
		(SELECT count(*) FROM message WHERE id BETWEEN first AND last) AS messages FROM conversation) c
		LEFT JOIN conversation_member m ON m.conversation = c.id ORDER BY c.id, m.place`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Conversation
	for rows.Next() {
		var c Conversation
		var member sql.NullInt64
		var absent sql.NullBool
		if err := rows.Scan(&c.ID, &c.Group, &c.First, &c.Last, &c.Messages, &member, &absent); err != nil {
			return nil, err
		}
		if len(list) == 0 || list[len(list)-1].ID != c.ID {
			list = append(list, c)
		}
		if member.Valid {
			address, err := r.address(member.Int64)
			if err != nil {
				return nil, err
			}
			last := &list[len(list)-1]
			last.Members = append(last.Members, Member{address, absent.Bool})
		}
	}
	return list, rows.Err()
}

func (r *Reader) address(handle int64) (string, error) {
	if handle < 0 || handle >= int64(len(r.addresses)) {
		return "", fmt.Errorf("handle %d does not exist", handle)
	}
	return r.addresses[handle], nil
}

const selectMessages = `SELECT m.id, m.source_row, m.guid, m.part, m.date, m.sender, m.kind, m.text,
	a.guid, a.transcript, d.description,
	t.id, t.kind, t.text, ta.guid, ta.transcript, td.description` + fromMessages

const fromMessages = `
FROM message m
LEFT JOIN attachment a ON m.kind >= 2 AND a.message = m.id
LEFT JOIN attachment_descriptions d ON d.attachment_guid = a.guid
LEFT JOIN message t ON t.id = m.target
LEFT JOIN attachment ta ON t.kind >= 2 AND ta.message = t.id
LEFT JOIN attachment_descriptions td ON td.attachment_guid = ta.guid
WHERE `

// Messages calls yield for each message of the given conversations, taken together, in the order of date, row and place in
// the row. The message is yield's to keep. An error of yield ends the reading and is returned as it is.
func (r *Reader) Messages(ctx context.Context, conversations []Conversation, yield func(*Message) error) error {
	if len(conversations) == 0 {
		return nil
	}
	rows, err := r.q.QueryContext(ctx, selectMessages+inOrder(conversations))
	if err != nil {
		return explain(r.path, err)
	}
	defer rows.Close()
	for rows.Next() {
		m, err := r.scan(rows)
		if err != nil {
			return explain(r.path, err)
		}
		if r.canceled[m.ID] {
			continue
		}
		if err := yield(m); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return explain(r.path, err)
	}
	return nil
}

func (r *Reader) scan(rows *sql.Rows) (*Message, error) {
	m := new(Message)
	var guid any
	var sender int64
	var attachment, transcript, description sql.NullString
	var target, targetKind sql.NullInt64
	var targetText, targetAttachment, targetTranscript, targetDescription sql.NullString
	err := rows.Scan(&m.ID, &m.Row, &guid, &m.Part, &m.Date, &sender, &m.Kind, &m.Text,
		&attachment, &transcript, &description,
		&target, &targetKind, &targetText, &targetAttachment, &targetTranscript, &targetDescription)
	if err != nil {
		return nil, err
	}
	if m.Sender, err = r.address(sender); err != nil {
		return nil, err
	}
	if m.GUID, err = unpackGUID(guid); err != nil {
		return nil, err
	}
	m.Attachment, m.Transcript, m.Description = attachment.String, transcript.String, description.String
	if target.Valid {
		m.Target = &Target{ID: target.Int64, Kind: Kind(targetKind.Int64), Content: Content{Text: targetText.String,
			Attachment: targetAttachment.String, Transcript: targetTranscript.String, Description: targetDescription.String}}
	}
	return m, nil
}

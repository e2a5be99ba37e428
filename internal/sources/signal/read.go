package signal

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// The types of rows that announce something. Others are messages, or unknown.
var eventTypes = map[string]bool{"call-history": true, "change-number-notification": true, "chat-session-refreshed": true, "contact-removed-notification": true,
	"conversation-merge": true, "delivery-issue": true, "group": true, "group-v1-migration": true, "group-v2-change": true, "joined-signal-notification": true,
	"keychange": true, "message-history-unsynced": true, "message-request-response-event": true, "phone-number-discovery": true, "pinned-message-notification": true,
	"poll-terminate": true, "profile-change": true, "timer-notification": true, "title-transition-notification": true, "universal-timer-notification": true,
	"verified-change": true}

// flagEvents are the bits of a message's flags that announce something: the end of a session, a timer, a new profile key.
const flagEvents = 1 | 2 | 4

// Read reads the database.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	e := emitter{reader: r, sink: sink, edited: map[editKey]int64{}}
	for _, page := range r.damage.Pages {
		sink.Unreadable(fmt.Sprintf("%s: page %d is damaged", r.path, page), 0)
	}
	if r.damage.Log != "" {
		sink.Unreadable(fmt.Sprintf("%s-wal: %s", r.path, r.damage.Log), 0)
	}
	err := e.read(ctx)
	if sources.IsDamage(ctx, sink, err) && e.total > 0 {
		sink.Unreadable(fmt.Sprintf("%s, from row %d on: %v", r.path, e.last, err), 0)
		err = nil
	}
	if sources.IsDamage(ctx, sink, err) {
		err = usererr.With(fmt.Errorf("cannot read %s: %w", r.path, err), "it may be damaged or not whole: copy Signal's folder again")
	}
	if e.undated > 0 {
		sink.Note("%d messages have no date that can be; they were put behind the message before them", e.undated)
	}
	sink.Progress(e.total, e.total)
	return e.total, err
}

// emitter passes the messages to the sink.
type emitter struct {
	reader      *Reader
	sink        sources.Sink
	people      *directory
	edited      map[editKey]int64
	total, last int64
	rows        int64 // in the database
	undated     int64
	seen        sources.Seen
}

// editKey is a version of an edited message, which replies may quote.
type editKey struct {
	conversation string
	sentAt       int64
}

// largestText limits the JSON and the words of a message in memory, in bytes.
const largestText = 4 << 20

func (e *emitter) read(ctx context.Context) (err error) {
	r := e.reader
	if e.people, err = r.readDirectory(ctx, e.sink); err != nil {
		return err
	}
	if err := e.readEdited(ctx); err != nil {
		return err
	}
	e.rows = r.db.Count(ctx, "messages")
	column := func(name string) string { return r.column("messages", name) }
	body := column("body")
	files := "NULL"
	if r.columns["message_attachments"]["messageId"] {
		files = `(SELECT json_group_array(json_object('attachmentType', a.attachmentType, 'orderInMessage', a.orderInMessage, 'contentType', a.contentType, 'fileName', a.fileName,
			'path', a.path, 'localKey', a.localKey, 'version', coalesce(a.version, 1), 'size', a.size, 'caption', a.caption)) FROM message_attachments a
			WHERE a.messageId = CAST(messages.id AS TEXT) AND a.editHistoryIndex = -1 AND a.attachmentType IN ('attachment', 'long-message'))`
	}
	query := fmt.Sprintf(`SELECT messages.rowid, messages.id, messages.conversationId, %s, CASE WHEN octet_length(%s) <= %d THEN %s END, messages.sent_at, %s,
		coalesce(%s, %s), %s, octet_length(messages.json) > %d OR octet_length(%s) > %d, CASE WHEN octet_length(messages.json) <= %d THEN messages.json END, %s FROM messages`,
		column("type"), body, largestText, body, column("received_at_ms"), column("sourceServiceId"), column("sourceUuid"), column("source"), largestText, body, largestText, largestText, files)
	return e.take(ctx, query)
}

// readEdited reads which versions belong to which message.
func (e *emitter) readEdited(ctx context.Context) error {
	if c := e.reader.columns["edited_messages"]; !c["messageId"] || !c["sentAt"] {
		return nil
	}
	return e.reader.db.Tolerate(ctx, `SELECT m.conversationId, v.sentAt, m.sent_at FROM edited_messages v JOIN messages m ON m.id = v.messageId`, func(rows *sql.Rows) error {
		var conversation sql.NullString
		var version, first sql.NullInt64
		err := rows.Scan(&conversation, &version, &first)
		e.edited[editKey{conversation.String, version.Int64}] = first.Int64
		return err
	})
}

// take takes the rows of a query.
func (e *emitter) take(ctx context.Context, query string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	rows, failure := e.reader.decodeRows(ctx, query)
	for batch := range rows {
		for i := range batch {
			if err := e.next(ctx, &batch[i]); err != nil {
				stop()
				for range rows { // until the reader has ended
				}
				return err
			}
		}
	}
	return <-failure
}

// next takes a row, or rows that cannot be read.
func (e *emitter) next(ctx context.Context, n *row) error {
	if n.gap != nil {
		lost := n.number - n.before - 1
		e.total += lost
		e.sink.Unreadable(fmt.Sprintf("%s: the rows between %d and %d: %v", e.reader.path, n.before, n.number, n.gap), lost)
		return nil
	}
	if e.total%1024 == 0 {
		e.sink.Progress(e.total, e.rows)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	e.total++
	e.last = n.number
	if n.large {
		e.unreadable(n, fmt.Errorf("it is larger than %d MiB", largestText>>20), 1)
		return nil
	}
	return e.row(n)
}

func (e *emitter) unreadable(n *row, err error, units int64) {
	e.sink.Unreadable(fmt.Sprintf("%s: row %d: %v", e.reader.path, n.number, err), units)
}

// row takes a row of the messages.
func (e *emitter) row(n *row) error {
	c := e.people.chats[n.conversation]
	switch {
	case eventTypes[n.kind]:
		e.sink.Count(sources.Events, 1)
		return nil
	case n.kind == "story":
		e.sink.Count(sources.Broadcast, 1)
		return nil
	case c == nil:
		e.sink.Count(sources.NoChat, 1)
		return nil
	case n.kind != "incoming" && n.kind != "outgoing":
		e.sink.Count(sources.UnknownKind, 1)
		return nil
	}
	sender := e.sender(c, n)
	if sender == nil {
		e.sink.Count(sources.NoSender, 1)
		return nil
	}
	sentAt, dated := n.date()
	if !dated {
		if sentAt = c.last; sentAt == 0 {
			e.unreadable(n, fmt.Errorf("it has no date that can be"), 1)
			return nil
		}
		e.undated++
	}
	c.last = sentAt
	m := sources.Message{Chat: &c.Chat, GUID: guid(c, sender, n.key(sentAt, dated)), Row: n.number, Time: time.UnixMilli(sentAt), Sender: sender.address}
	return e.message(c, n, &m)
}

// key returns what tells a message from the others of its sender.
func (n *row) key(sentAt int64, dated bool) string {
	if dated {
		return strconv.FormatInt(sentAt, 10)
	}
	return n.id
}

// guid returns the identifier of a message.
func guid(c *chat, sender *person, key string) string {
	return sources.Hashed("signal", c.key, sender.key, key)
}

// date returns when a message was sent, in milliseconds since 1970, and whether that is known.
func (n *row) date() (sentAt int64, known bool) {
	for _, at := range []int64{n.sentAt, n.Timestamp, n.receivedAt, n.ReceivedAtMS} {
		if canBe(at) {
			return at, true
		}
	}
	return 0, false
}

// canBe reports whether something can have been sent in a millisecond since 1970: not before the program existed, nor in the future.
func canBe(at int64) bool {
	first := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	return at >= first.UnixMilli() && at < time.Now().AddDate(0, 0, 2).UnixMilli()
}

// owner is the person whose account it is.
var owner = &person{key: ownKey, address: messages.Owner}

// sender returns who wrote a row, or nil.
func (e *emitter) sender(c *chat, n *row) *person {
	switch {
	case n.kind == "outgoing":
		return owner
	case !c.Group:
		return c.other
	}
	return e.people.find(n.aci, n.SourceServiceID, n.SourceUUID, n.phone, n.Source)
}

// message takes a message with its reactions.
func (e *emitter) message(c *chat, n *row, m *sources.Message) error {
	if n.damage != nil {
		e.unreadable(n, fmt.Errorf("its JSON is damaged, and what could be read was taken: %w", n.damage), 0)
	}
	if n.DeletedForEveryone {
		m.Retracted = true
		e.sink.Count(sources.Deleted, 1)
		return e.sink.Seen(m)
	}
	m.Parts = e.parts(n, m.GUID)
	m.ReplyTo = e.quoted(c, n)
	if len(m.Parts) > 0 && m.Parts[len(m.Parts)-1].Kind == messages.Text {
		m.Versions = e.versions(n, len(m.Parts)-1)
	}
	switch {
	case n.storyReaction:
		e.sink.Count(sources.LostTarget, 1)
		return nil
	case len(m.Parts) == 0 && (n.notice || n.Flags&flagEvents != 0):
		e.sink.Count(sources.Events, 1)
		return nil
	case n.kind == "outgoing" && n.isLost(e.people):
		e.sink.Count(sources.NeverSent, 1)
		return nil
	case len(m.Parts) == 0:
		e.sink.Count(sources.Empty, 1)
		return nil
	case !e.seen.IsNew(m.GUID):
		e.sink.Count(sources.Duplicates, 1)
		return nil
	}
	if err := e.sink.Message(m); err != nil {
		return err
	}
	return e.reactions(n, m)
}

// quoted returns the identifier of the message that a row answers, or "".
func (e *emitter) quoted(c *chat, n *row) string {
	if n.Quote == nil {
		return ""
	}
	sentAt, err := n.Quote.ID.Int64()
	if err != nil {
		return ""
	}
	if first := e.edited[editKey{n.conversation, sentAt}]; first != 0 {
		sentAt = first
	}
	author := e.people.find(n.Quote.AuthorACI, n.Quote.AuthorUUID, n.Quote.Author)
	if author == nil {
		return ""
	}
	return guid(c, author, strconv.FormatInt(sentAt, 10))
}

// reactions takes the reactions to a message.
func (e *emitter) reactions(n *row, m *sources.Message) error {
	for _, r := range n.Reactions {
		e.total++
		from := e.people.byID[r.FromID]
		if from == nil && !e.people.exported {
			from = e.people.find(r.FromID)
		}
		switch {
		case strings.TrimSpace(r.Emoji) == "":
			e.sink.Count(sources.Removals, 1)
			continue
		case from == nil:
			e.sink.Count(sources.NoSender, 1)
			continue
		}
		reaction := sources.Message{Chat: m.Chat, GUID: sources.Hashed(m.GUID, from.key, "reaction"), Row: m.Row, Time: m.Time, Sender: from.address, ReplyTo: m.GUID,
			Parts: []sources.Part{{Kind: messages.Reaction, Text: r.Emoji}}}
		if canBe(r.Timestamp) && r.Timestamp > m.Time.UnixMilli() {
			reaction.Time = time.UnixMilli(r.Timestamp)
		}
		if !e.seen.IsNew(reaction.GUID) {
			e.sink.Count(sources.Duplicates, 1)
			continue
		}
		if err := e.sink.Message(&reaction); err != nil {
			return err
		}
	}
	return nil
}

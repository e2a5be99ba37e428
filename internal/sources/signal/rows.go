package signal

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
)

// The rows that are handed over at once are at most so many, and fewer if they have long texts.
const (
	batchSize  = 256
	batchBytes = 256 << 10
)

// decodeRows reads and decodes the rows of a query while the caller stores those before. The first channel is closed behind the last row;
// the second then has the error, or nil. The caller reads on until then; an ended context makes that soon.
func (r *Reader) decodeRows(ctx context.Context, query string) (<-chan []row, <-chan error) {
	batches, failure := make(chan []row, 4), make(chan error, 1)
	go func() {
		defer close(batches)
		batch := make([]row, 0, batchSize)
		size := 0 // in bytes, of its texts
		hand := func() error {
			select {
			case batches <- batch:
				batch, size = make([]row, 0, batchSize), 0
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		d := newDecoder()
		err := r.db.Scan(ctx, "messages.rowid", query, func(rows *sql.Rows) (int64, error) {
			if len(batch) >= batchSize || size >= batchBytes { // a gap may have been added
				if err := hand(); err != nil {
					return 0, err
				}
			}
			n, err := d.row(rows)
			if err == nil {
				batch = append(batch, n)
				size += n.size
			}
			return n.number, err
		}, func(before, behind int64, err error) {
			last := len(batch) - 1 // the row behind the gap
			batch = slices.Insert(batch, last, row{number: behind, before: before, gap: err})
		})
		failure <- cmp.Or(hand(), err)
	}()
	return batches, failure
}

// row decodes the next row of the query.
func (d *decoder) row(rows *sql.Rows) (n row, err error) {
	var id, conversation, kind, body, aci, phone sql.NullString
	var sentAt, receivedAt any // numbers, unless they are damaged
	var large sql.NullBool
	var text, files sql.RawBytes
	if err := rows.Scan(&n.number, &id, &conversation, &kind, &body, &sentAt, &receivedAt, &aci, &phone, &large, &text, &files); err != nil {
		return n, err
	}
	n.large, n.size = large.Bool, len(body.String)+len(text)+len(files)
	n.id, n.conversation, n.kind, n.aci, n.phone = id.String, conversation.String, kind.String, aci.String, phone.String
	if len(text) > 0 {
		n.content, n.damage = d.decode(text)
	}
	n.body = cmp.Or(body.String, n.Body)
	n.sentAt, _ = sentAt.(int64)
	n.receivedAt, _ = receivedAt.(int64)
	n.takeFiles(files)
	return n, nil
}

// takeFiles takes the attachments of the table message_attachments, which replace those of the JSON.
func (n *row) takeFiles(text []byte) {
	var list []attachment
	if len(text) <= len("[]") || json.Unmarshal(text, &list) != nil {
		return
	}
	slices.SortStableFunc(list, func(a, b attachment) int { return cmp.Compare(a.Order, b.Order) })
	n.Attachments = slices.DeleteFunc(list, func(a attachment) bool { return a.Type != "attachment" })
}

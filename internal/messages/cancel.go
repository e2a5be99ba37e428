package messages

import (
	"context"
	"sort"
)

// deed is a reaction or the taking back of one.
type deed struct {
	id      int64 // of the message, or of the removal
	row     int64
	date    int64
	text    string // what the reaction reads; "" in a removal that does not say which emoji it takes back
	removal bool
}

// stance is what one person thinks of one message.
type stance struct {
	person string
	target int64
}

// readCanceled returns the reactions that were taken back: each removal cancels the latest earlier reaction of the same
// person to the same target that reads the same.
func (r *Reader) readCanceled(ctx context.Context, identity func(string) string) (map[int64]bool, error) {
	people := make([]string, len(r.addresses))
	for i, address := range r.addresses {
		if people[i] = address; i > 0 && identity != nil {
			people[i] = identity(address)
		}
	}
	deeds, err := r.readDeeds(ctx, people)
	if err != nil {
		return nil, err
	}
	canceled := make(map[int64]bool)
	for _, list := range deeds {
		sort.Slice(list, func(i, j int) bool { return list[i].before(&list[j]) })
		for i := range list {
			if list[i].removal {
				cancelLatest(list[:i], list[i].text, canceled)
			}
		}
	}
	return canceled, nil
}

func (d *deed) before(e *deed) bool {
	switch {
	case d.date != e.date:
		return d.date < e.date
	case d.row != e.row:
		return d.row < e.row
	}
	return d.id < e.id
}

func cancelLatest(earlier []deed, text string, canceled map[int64]bool) {
	for i := len(earlier) - 1; i >= 0; i-- {
		d := &earlier[i]
		if !d.removal && !canceled[d.id] && (d.text == text || text == "" && !isWord(d.text)) {
			canceled[d.id] = true
			return
		}
	}
}

// isWord tells the six named reactions from emoji.
func isWord(reaction string) bool { return reaction != "" && reaction[0] >= 'A' && reaction[0] <= 'Z' }

// readDeeds returns, for each stance that has a removal, all its reactions and removals.
func (r *Reader) readDeeds(ctx context.Context, people []string) (map[stance][]deed, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT id, source_row, date, sender, text, target, 1 FROM removal
		UNION ALL SELECT id, source_row, date, sender, text, target, 0 FROM message
		WHERE kind = 1 AND target IN (SELECT target FROM removal)`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	deeds := make(map[stance][]deed)
	for rows.Next() {
		var d deed
		var sender, target int64
		if err := rows.Scan(&d.id, &d.row, &d.date, &sender, &d.text, &target, &d.removal); err != nil {
			return nil, err
		}
		if _, err := r.address(sender); err != nil {
			return nil, err
		}
		s := stance{people[sender], target}
		deeds[s] = append(deeds[s], d)
	}
	return deeds, rows.Err()
}

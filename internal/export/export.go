// Package export writes the messages of a messages.db into files for other programs, or for people.
//
// In: a messages.Reader, and who is who. Out: JSON lines, which package jsonl reads again as the same history; a table (CSV); or a text
// for reading. It must not know any other source, windows or training.
package export

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
)

// Formats are the forms of an export.
var Formats = []string{"jsonl", "csv", "txt"}

// Options say what is written, and how.
type Options struct {
	Format string
	Zone   *time.Location
	Owner  string // the owner's name
	// Name returns what to call the person at an address. JSON lines have the address instead, and Names has what sources call people.
	Name  func(address string) string
	Names map[string]string
	// Join puts conversations of the same people together: a message that several of them have is written once. Nil joins none.
	Join func(list []messages.Conversation) [][]messages.Conversation
	// Select reports whether a conversation is written; nil selects all.
	Select func(c *messages.Conversation) bool
	// Messages are written from Since up to but not including Until; a zero time is no limit.
	Since, Until time.Time
}

// Summary counts what was written.
type Summary struct {
	Messages      int64 `json:"messages"` // including reactions
	Conversations int   `json:"conversations"`
}

// form writes one form.
type form interface {
	chat(c *conversation) error
	message(c *conversation, m *messages.FullMessage, at time.Time) error
	deleted(guid string) error
	end() error
}

// conversation is a conversation with its name in the export.
type conversation struct {
	messages.Conversation
	name string
}

// Write writes the selected messages, a conversation after the other.
func Write(ctx context.Context, out io.Writer, reader *messages.Reader, o Options) (s Summary, err error) {
	list, err := reader.Conversations(ctx)
	if err != nil {
		return s, err
	}
	if err := reader.FindCopies(ctx, o.joined(list)); err != nil {
		return s, err
	}
	f := o.form(out)
	for _, c := range o.named(list) {
		begun := false
		err := reader.FullMessages(ctx, []messages.Conversation{c.Conversation}, o.Format != "jsonl", func(m *messages.FullMessage) error {
			at := time.Unix(0, m.Date).In(o.Zone)
			if !o.Since.IsZero() && at.Before(o.Since) || !o.Until.IsZero() && !at.Before(o.Until) {
				return nil
			}
			if !begun {
				begun = true
				s.Conversations++
				if err := f.chat(&c); err != nil {
					return err
				}
			}
			s.Messages++
			return f.message(&c, m, at)
		})
		if err != nil {
			return s, err
		}
	}
	if o.Select == nil && o.Since.IsZero() && o.Until.IsZero() {
		if err := reader.EachRetracted(ctx, f.deleted); err != nil {
			return s, err
		}
	}
	return s, f.end()
}

// joined returns the conversations of the same people.
func (o *Options) joined(list []messages.Conversation) (groups [][]messages.Conversation) {
	if o.Join != nil {
		return o.Join(list)
	}
	for i := range list {
		groups = append(groups, list[i:i+1])
	}
	return groups
}

func (o *Options) form(out io.Writer) form {
	switch o.Format {
	case "csv":
		return newTable(out, o)
	case "txt":
		return &page{out: out, options: o}
	}
	return newLines(out, o)
}

// named returns the selected conversations in the order of their names. No two have the same name.
func (o *Options) named(list []messages.Conversation) []conversation {
	var chosen []conversation
	for i := range list {
		if o.Select == nil || o.Select(&list[i]) {
			chosen = append(chosen, conversation{list[i], o.title(&list[i])})
		}
	}
	slices.SortStableFunc(chosen, func(a, b conversation) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(fmt.Sprint(a.Group, a.Members), fmt.Sprint(b.Group, b.Members)))
	})
	taken := map[string]bool{}
	for i := range chosen {
		name := chosen[i].name
		for n := 2; taken[chosen[i].name]; n++ {
			chosen[i].name = fmt.Sprintf("%s (%d)", name, n)
		}
		taken[chosen[i].name] = true
	}
	return chosen
}

// title names a conversation by its members.
func (o *Options) title(c *messages.Conversation) string {
	var names []string
	for _, m := range c.Members {
		name := m.Address
		if o.Format != "jsonl" {
			name = o.name(m.Address)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if title := strings.Join(names, ", "); title != "" {
		return title
	}
	return "notes"
}

func (o *Options) name(address string) string {
	if address == messages.Owner {
		return o.Owner
	}
	if o.Name == nil {
		return address
	}
	return cmp.Or(o.Name(address), o.Owner)
}

package windows

import (
	"context"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
)

// Chat is a conversation as it is in messages.db now, with people named as Build names them.
type Chat struct {
	Title   string   // the name of a group, else the names of the people other than the owner
	Members []string // sorted, with the owner
	People  *people.Conversation

	conversation *conversation
	options      *Options
	reader       *messages.Reader
}

// Chats returns the conversations of db, groups with strangers included, the ones with the most messages first. Only the owner
// and the people of the options count. The training tables are neither read nor changed.
func Chats(ctx context.Context, db *messages.DB, o Options) ([]Chat, LeftOut, error) {
	o.Filter = Filter{Anonymous: true}
	reader, err := db.Reader(ctx, o.People.Key)
	if err != nil {
		return nil, LeftOut{}, err
	}
	stored, err := reader.Conversations(ctx)
	if err != nil {
		return nil, LeftOut{}, err
	}
	selected, left := selectConversations(o.People.Conversations(stored), &o)
	chats := make([]Chat, len(selected))
	for i, c := range selected {
		chats[i] = Chat{Title: c.Conversation.Name(), Members: c.members, People: c.Conversation, conversation: c, options: &o, reader: reader}
		if chats[i].Title == "" || c.IsDirect() {
			chats[i].Title = strings.Join(chats[i].Others(), ", ")
		}
	}
	slices.SortStableFunc(chats, func(a, b Chat) int { return int(b.People.Messages() - a.People.Messages()) })
	return chats, left, nil
}

// Others returns the members other than the owner.
func (c *Chat) Others() []string {
	return slices.DeleteFunc(slices.Clone(c.Members), func(name string) bool { return name == c.options.Owner })
}

// Recent returns the last messages of the chat, at most limit, in order. They have no IDs.
func (c *Chat) Recent(ctx context.Context, limit int) ([]PastMessage, error) {
	var last []PastMessage
	err := c.reader.WindowMessages(ctx, c.People.Parts, func(m *messages.WindowMessage) error {
		name, known, _ := c.conversation.author(c.options, m.Sender)
		if !known {
			return nil
		}
		quote, lines := linesOf(m)
		for _, text := range lines {
			one := PastMessage{Date: time.Unix(0, m.Date), Message: Message{Name: name, Delta: Delta(0), ReplyTo: quote, ContentType: m.Kind.String(), Text: text}}
			if n := len(last); n > 0 {
				one.Delta = Delta(one.Date.Sub(last[n-1].Date))
			}
			if last = append(last, one); len(last) >= 2*limit {
				last = last[:copy(last, last[len(last)-limit:])]
			}
		}
		return nil
	})
	return last[max(0, len(last)-limit):], err
}

package signal

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"
)

func timeOf(milliseconds int64) time.Time { return time.UnixMilli(milliseconds) }

// ranges returns the mentions in a text.
func (m *cliMessage) ranges() (list []bodyRange) {
	for _, one := range m.Mentions {
		list = append(list, bodyRange{Start: one.Start, Length: one.Length, MentionACI: one.UUID})
	}
	return list
}

// row returns a message in the form of Signal Desktop's database.
func (s *said) row() (n row) {
	n.kind = "incoming"
	if s.from == owner {
		n.kind = "outgoing"
	}
	n.sentAt, n.body = cmp.Or(s.edit, s.Timestamp), s.Message
	n.BodyRanges = s.ranges()
	for _, a := range s.Attachments {
		n.Attachments = append(n.Attachments, attachment{ContentType: a.ContentType, FileName: a.Filename, Caption: a.Caption})
	}
	if len(s.Sticker) > 0 && string(s.Sticker) != "null" {
		n.Sticker = &sticker{}
	}
	if s.PollCreate != nil {
		n.Poll = &poll{Question: s.PollCreate.Question, Options: s.PollCreate.Options}
	}
	if q := s.Quote; q != nil {
		n.Quote = &quote{ID: json.Number(strconv.FormatInt(q.ID, 10)), AuthorACI: q.AuthorUUID, Author: cmp.Or(q.AuthorNumber, q.Author)}
	}
	n.storyReaction = len(s.StoryContext) > 0 && string(s.StoryContext) != "null"
	return n
}

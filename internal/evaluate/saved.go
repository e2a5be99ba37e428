package evaluate

import "ventriloquist/internal/windows"

// The types Saved… hold the results of one stage of an evaluation, in a form that JSON can keep: with what reports leave out, but
// differences between models need.

// SavedSamples is a Samples.
type SavedSamples struct {
	Samples
	Each []savedSample
}

type savedSample struct {
	Author               string
	Window, Conversation int
	Counts               Validity
}

// SaveSamples returns samples as they can be kept.
func SaveSamples(s *Samples) SavedSamples {
	saved := SavedSamples{Samples: Samples{All: s.All, PerContact: s.PerContact}}
	for i := range s.each {
		one := &s.each[i]
		saved.Each = append(saved.Each, savedSample{one.author, one.window, one.conversation, one.counts})
	}
	return saved
}

// Restore is the reverse of SaveSamples.
func (s SavedSamples) Restore() *Samples {
	restored := s.Samples
	for _, one := range s.Each {
		restored.each = append(restored.each, writtenSample{sample{author: one.Author, window: one.Window, conversation: one.Conversation}, one.Counts})
	}
	return &restored
}

// SavedAuthors is who said it.
type SavedAuthors struct {
	Said   *WhoSaidIt
	Detail *AuthorDetail
	Right  []observation
}

// SaveAuthors returns what WhoSaidIt returned as it can be kept.
func SaveAuthors(said *WhoSaidIt, detail *AuthorDetail, err error) (SavedAuthors, error) {
	s := SavedAuthors{Said: said, Detail: detail}
	if detail != nil {
		s.Right = detail.right
	}
	return s, err
}

// Restore is the reverse of SaveAuthors.
func (s SavedAuthors) Restore() (*WhoSaidIt, *AuthorDetail) {
	if s.Detail != nil {
		s.Detail.right = s.Right
	}
	return s.Said, s.Detail
}

// SavedNext is a NextMessage.
type SavedNext struct {
	Next   *NextMessage
	Losses [][]observation
	Drawn  map[string][]float64
}

// foresights returns what a NextMessage holds.
func (n *NextMessage) foresights() []*Foresight {
	list := []*Foresight{&n.Speaker, &n.Delay, &n.ContentType, &n.Reaction}
	if n.ReactionKind != nil {
		list = append(list, n.ReactionKind)
	}
	return list
}

// SaveNext returns a NextMessage as it can be kept.
func SaveNext(n *NextMessage) SavedNext {
	s := SavedNext{Next: n}
	if n == nil {
		return s
	}
	for _, f := range n.foresights() {
		s.Losses = append(s.Losses, f.losses)
	}
	if n.ReplyTimes != nil {
		s.Drawn = n.ReplyTimes.drawn
	}
	return s
}

// Restore is the reverse of SaveNext.
func (s SavedNext) Restore() *NextMessage {
	if s.Next == nil {
		return nil
	}
	for i, f := range s.Next.foresights() {
		if i < len(s.Losses) {
			f.losses = s.Losses[i]
		}
	}
	if s.Next.ReplyTimes != nil {
		s.Next.ReplyTimes.drawn = s.Drawn
	}
	return s.Next
}

// SavedWritten is what was written at moments, in their order.
type SavedWritten [][]windows.Message

// SaveWritten returns what was written at moments.
func SaveWritten(moments []*Moment) (s SavedWritten) {
	for _, m := range moments {
		s = append(s, m.Written)
	}
	return s
}

// Restore is the reverse of SaveWritten. It reports whether it was of as many moments.
func (s SavedWritten) Restore(moments []*Moment) bool {
	if len(s) != len(moments) {
		return false
	}
	for i, m := range moments {
		m.Written = s[i]
	}
	return true
}

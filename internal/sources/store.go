package sources

import (
	"slices"
	"sync/atomic"

	"ventriloquist/internal/messages"
)

// store writes the messages of an export in a goroutine of its own, while the export is read on.
type store struct {
	tx      *messages.Tx
	chats   map[*Chat]*place
	batch   []item
	size    int // in bytes, of the words in the batch
	batches chan []item
	done    chan struct{}
	failure atomic.Pointer[error] // of the first message that was not stored
}

// item is a message for the store.
type item struct {
	row   messages.Row
	place *place
	stop  chan struct{} // instead of a message: closed when all before it are stored
}

// place is a chat in the store.
type place struct {
	chat                 Chat
	source, conversation int64 // 0 until its first message is stored
}

// batchSize is large enough that handing a batch over costs nothing, and small enough that it stays in the processor's cache.
const batchSize = 256

// batchBytes limits a batch of long messages.
const batchBytes = 256 << 10

func newStore(tx *messages.Tx) *store {
	s := &store{tx: tx, chats: map[*Chat]*place{}, batches: make(chan []item, 4), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *store) run() {
	defer close(s.done)
	for batch := range s.batches {
		for i := range batch {
			if stop := batch[i].stop; stop != nil {
				close(stop)
			} else if s.err() == nil {
				if err := s.write(&batch[i]); err != nil {
					s.failure.Store(&err)
				}
			}
		}
	}
}

// err returns the error of the first message that was not stored.
func (s *store) err() error {
	if err := s.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// put passes a message to be stored. The error may be of one before it.
func (s *store) put(m *Message, partial bool) error {
	p := s.chats[m.Chat]
	if p == nil {
		p = &place{chat: *m.Chat}
		p.chat.Members, p.chat.Absent = slices.Clone(m.Chat.Members), slices.Clone(m.Chat.Absent)
		s.chats[m.Chat] = p
	}
	if s.batch == nil {
		s.batch = make([]item, 0, batchSize)
	}
	s.batch = append(s.batch, item{place: p, row: messages.Row{Row: m.Row, GUID: m.GUID, Date: m.Time.UnixNano(), Sender: m.Sender, TargetGUID: m.ReplyTo,
		TargetPart: messages.WholeMessage, Partial: partial, Derived: m.Derived, Versions: slices.Clone(m.Versions), Retracted: m.Retracted, Parts: partsOf(m)}})
	for i := range m.Parts {
		s.size += len(m.Parts[i].Text)
	}
	for i := range m.Versions {
		s.size += len(m.Versions[i].Text)
	}
	if len(s.batch) == batchSize || s.size >= batchBytes {
		s.send()
	}
	return s.err()
}

func partsOf(m *Message) []messages.Part {
	list := make([]messages.Part, len(m.Parts))
	for i, part := range m.Parts {
		list[i] = messages.Part{Number: i, Kind: part.Kind, Text: part.Text, Attachment: part.Attachment, Transcript: part.Transcript, File: part.File}
	}
	return list
}

func (s *store) send() {
	s.batches <- s.batch
	s.batch, s.size = nil, 0
}

// wait returns the transaction once all messages are stored. It is the caller's until the next message.
func (s *store) wait() *messages.Tx {
	stop := make(chan struct{})
	s.batch = append(s.batch, item{stop: stop})
	s.send()
	<-stop
	return s.tx
}

// close stores the rest and ends the goroutine.
func (s *store) close() error {
	s.send()
	close(s.batches)
	<-s.done
	return s.err()
}

func (s *store) write(i *item) error {
	if i.place.conversation == 0 {
		if err := s.open(i.place); err != nil {
			return err
		}
	}
	i.row.Source, i.row.Chat = i.place.source, i.place.conversation
	_, err := s.tx.Put(&i.row)
	return err
}

// open opens the source of a chat, and the chat in it.
func (s *store) open(p *place) (err error) {
	chat := &p.chat
	if p.source, err = s.tx.Source(chat.Source, chat.Extent); err != nil {
		return err
	}
	if p.conversation, err = s.conversation(p); err == nil && chat.Group && chat.Name != "" {
		err = s.tx.NameChat(p.conversation, chat.Name)
	}
	return err
}

// conversation returns the chat's number in the store.
func (s *store) conversation(p *place) (number int64, err error) {
	chat := &p.chat
	if chat.Periods != nil {
		if number, err = s.tx.Chat(p.source, chat.Number, chat.Group); err == nil {
			_, err = s.tx.SetPeriods(number, chat.Periods)
		}
		return number, err
	}
	members := messages.Members(chat.Members...)
	for i := range members {
		members[i].Absent = slices.Contains(chat.Absent, members[i].Address)
	}
	return s.tx.Conversation(p.source, chat.Group, members)
}

package chatdb

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// History sets the size of a synthetic history, for benchmarks and for tests that need a lot of data.
type History struct {
	Messages int
	Chats    int // two of three are direct, the rest groups of three to seven
	Seed     uint64
}

// WriteHistory writes a database that resembles many years of messages: bodies only in attributedBody, one to twenty
// words each, a tenth of them tapbacks, and some replies, photos, edits, links and events.
func WriteHistory(path string, h History) error {
	w, err := Create(path, Latest)
	if err != nil {
		return err
	}
	x := &historian{Writer: w, rng: rand.New(rand.NewPCG(h.Seed, 1)), at: time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)}
	x.meet(h.Chats)
	for range h.Messages {
		x.message()
	}
	return w.Close()
}

// AppendHistory adds messages to a database from WriteHistory, in the same chats and after all existing messages.
func AppendHistory(path string, h History) error {
	w, err := Append(path, Latest)
	if err != nil {
		return err
	}
	x := &historian{Writer: w, rng: rand.New(rand.NewPCG(h.Seed, 2))}
	var last int64
	if err := w.tx.QueryRow(`SELECT max(date) FROM message`).Scan(&last); err != nil {
		w.Close()
		return err
	}
	x.at = appleEpoch.Add(time.Duration(last))
	x.files = int(h.Seed % 1000 * 1_000_000)
	x.know(h.Chats)
	for range h.Messages {
		x.message()
	}
	return w.Close()
}

// historian generates a history.
type historian struct {
	*Writer
	rng   *rand.Rand
	at    time.Time
	chats []acquaintance
	files int
}

// acquaintance is a chat with its members and its last message.
type acquaintance struct {
	chat    int64
	handles []int64
	last    string
}

// know assigns the same numbers to the chats and handles as meet did.
func (x *historian) know(chats int) {
	handle := int64(0)
	for i := range chats {
		a := acquaintance{chat: int64(i + 1)}
		for range membersOf(i) {
			handle++
			a.handles = append(a.handles, handle)
		}
		x.chats = append(x.chats, a)
	}
}

// meet creates the chats.
func (x *historian) meet(chats int) {
	x.know(chats)
	for _, a := range x.chats {
		for _, h := range a.handles {
			x.Handle(fmt.Sprintf("+1555%07d", h), "iMessage")
		}
		x.Chat(Chat{Group: len(a.handles) > 1, Handles: a.handles})
	}
}

// membersOf returns how many members a chat has, not counting the owner.
func membersOf(chat int) int {
	if chat%3 != 2 {
		return 1
	}
	return 2 + chat%5
}

// message adds a message to a chat. A few chats get most of the messages, as in real histories.
func (x *historian) message() {
	x.at = x.at.Add(time.Duration(x.rng.IntN(240)) * time.Second)
	a := &x.chats[min(x.rng.IntN(len(x.chats)), x.rng.IntN(len(x.chats)))]
	m := Message{Chat: a.chat, Date: x.at}
	if m.FromMe = x.rng.IntN(5) < 2; !m.FromMe {
		m.Handle = a.handles[x.rng.IntN(len(a.handles))]
	}
	switch kind := x.rng.IntN(100); {
	case kind < 10 && a.last != "":
		m.Tapback, m.Target = Loved+x.rng.IntN(6), "p:0/"+a.last
		x.Message(m)
		return
	case kind < 12:
		x.files++
		guid := fmt.Sprintf("at_0_%012X", x.files)
		file := x.Attachment(Attachment{GUID: guid, Filename: fmt.Sprintf("~/Library/Messages/Attachments/0a/IMG_%d.HEIC", x.files), MIMEType: "image/heic", UTI: "public.heic"})
		m.Attachments, m.Body = []int64{file}, Parts(Part{Attachment: guid})
	case kind < 13 && len(a.handles) > 1:
		m.Columns = map[string]any{"item_type": 2, "group_title": x.words(2)}
	default:
		m.Text = x.words(1 + x.rng.IntN(20))
	}
	if x.rng.IntN(33) == 0 {
		m.ReplyTo = a.last
	}
	a.last = x.Message(m)
}

// vocabulary is the list of words for the messages.
var vocabulary = strings.Fields(`so are we still on for tonight I can bring the thing you asked about if it fits in the car ok no yes lol
haha what when where tomorrow maybe dinner at eight then see you there love it thanks naïve café really cannot wait the train is late again
did you see that photo from yesterday my sister says hi 👍 😂 ❤️ on my way almost home call me later please`)

func (x *historian) words(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = vocabulary[x.rng.IntN(len(vocabulary))]
	}
	return strings.Join(list, " ")
}

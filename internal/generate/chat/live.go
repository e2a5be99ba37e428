package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// Live is a real conversation, which grows as its members write.
type Live interface {
	// News returns a channel that receives a value when messages may have arrived.
	News() <-chan struct{}
	// Read returns the conversation as it is now.
	Read(ctx context.Context) (*LiveConversation, error)
	// Receiver returns where Send sends to, or why nothing can be sent.
	Receiver(ctx context.Context) (Receiver, error)
	// Send sends a text as the owner.
	Send(ctx context.Context, to Receiver, text string) error
}

// LiveConversation is the end of a real conversation.
type LiveConversation struct {
	Title    string
	Members  []string
	Messages []windows.PastMessage // the last LiveMessages
}

// Receiver is a chat that messages can be sent to.
type Receiver struct {
	Name string // for people
	ID   string // as the sending program knows it
}

// LiveMessages is how many messages of a real conversation are read.
const LiveMessages = maxMessages

// firstLiveMessages is how many of them a conversation begins with: more fit as they arrive, and what was prefilled stays.
const firstLiveMessages = maxMessages * 3 / 4

// shownLiveMessages is how many messages are shown at the start.
const shownLiveMessages = 10

// Disclosure is the line below a message that says who wrote it.
const Disclosure = "(written by a language model)"

// live is the state of a real conversation.
type live struct {
	title     string
	members   []string
	read      []windows.PastMessage // all that were read last
	messages  []windows.PastMessage // the last of them: those that the dialogue had, before it dropped the oldest
	question  *question             // nil while nothing is asked
	questions int                   // so far
}

// question is whether to send a text.
type question struct {
	to   Receiver
	text string
}

// News returns a channel that receives a value when the real conversation may have changed; nil without one.
func (d *Dialogue) News() <-chan struct{} {
	if d.Live == nil {
		return nil
	}
	return d.Live.News()
}

// Question returns the number of the question that the next turn answers, 0 if nothing is asked. A turn that was typed before the
// question was shown must not answer it.
func (d *Dialogue) Question() int {
	if d.live.question == nil {
		return 0
	}
	return d.live.questions
}

// Refresh reads the real conversation again, and prints what arrived. It prints what is wrong if it cannot be read.
func (d *Dialogue) Refresh(ctx context.Context) {
	now, err := d.Live.Read(ctx)
	if err != nil {
		d.explainUnread(ctx, err)
		return
	}
	arrived := d.arrived(now.Messages)
	moved := !slices.Equal(d.live.members, now.Members)
	d.follow(now)
	if moved {
		d.say("(the members are now %s)", strings.Join(now.Members, ", "))
	}
	if len(arrived) == 0 && !moved {
		return
	}
	if d.live.question != nil {
		d.live.question = nil
		d.say("(not sent: the conversation goes on; /send N asks again)")
	}
	for i := range arrived {
		d.show(&arrived[i].Message)
	}
}

func (d *Dialogue) explainUnread(ctx context.Context, err error) {
	if ctx.Err() != nil {
		d.say("(stopped; what arrived is shown with the next message)")
		return
	}
	d.explain(err)
}

// arrived returns the messages that were not read before, without those that are only read because later ones are gone.
func (d *Dialogue) arrived(now []windows.PastMessage) (arrived []windows.PastMessage) {
	type key struct {
		date             int64
		name, kind, text string
	}
	keyOf := func(m *windows.PastMessage) key { return key{m.Date.UnixNano(), m.Name, m.ContentType, m.Text} }
	known := make(map[key]bool)
	var oldest time.Time
	for i := range d.live.read {
		known[keyOf(&d.live.read[i])] = true
	}
	if len(d.live.read) > 0 {
		oldest = d.live.read[0].Date
	}
	for i := range now {
		if !known[keyOf(&now[i])] && !now[i].Date.Before(oldest) {
			arrived = append(arrived, now[i])
		}
	}
	return arrived
}

// follow makes the real conversation the one that the model sees. It begins where it began before, so that little must be prefilled.
func (d *Dialogue) follow(now *LiveConversation) {
	messages := now.Messages
	if n := len(d.Messages); n > 0 {
		first := d.live.messages[len(d.live.messages)-n].Date
		messages = slices.DeleteFunc(slices.Clone(messages), func(m windows.PastMessage) bool { return m.Date.Before(first) })
	} else {
		messages = messages[max(0, len(messages)-firstLiveMessages):]
	}
	offered := d.history.offered
	d.live.title, d.live.members, d.live.read, d.live.messages = now.Title, now.Members, now.Messages, messages
	d.Members, d.Start, d.Messages = slices.Clone(now.Members), "", nil
	for i := range messages {
		d.Messages = append(d.Messages, messages[i].Message)
	}
	if len(messages) > 0 {
		d.Messages[0].Delta = windows.Delta(0)
		d.Start, d.last = windows.StartDate(messages[0].Date), messages[len(messages)-1].Date
	}
	d.history.changed()
	d.history.offered = offered
}

// notLive are the commands that would change what was really said.
var notLive = []string{"/as", "/members", "/type", "/retry", "/continue", "/undo", "/clear", "/load"}

// helpLive is the text of /help in a live conversation.
func helpLive() string {
	return helpOf([][2]string{{"(empty line)", "offer candidates for your next message"}}, func(c command) bool { return !slices.Contains(notLive, c.name) })
}

// enterLive processes a turn in a real conversation: nothing that is typed becomes part of it.
func (d *Dialogue) enterLive(ctx context.Context, turn string) (quit bool, err error) {
	command := strings.HasPrefix(turn, "/") && !strings.ContainsAny(turn, "\r\n")
	if asked := d.live.question; asked != nil {
		d.live.question = nil
		if turn == "yes" {
			d.send(ctx, asked)
			return false, nil
		}
		d.say("(not sent)")
		if !command {
			return false, nil
		}
	}
	name, _, _ := strings.Cut(turn, " ")
	switch {
	case command && slices.Contains(notLive, name):
		d.say("%s is not for a live conversation, which is as its people wrote it", name)
	case command:
		return d.command(ctx, turn)
	case turn == "":
		return d.command(ctx, "/alternatives")
	default:
		d.say("nothing was sent; an empty line offers candidates, and /send N sends one after asking. Write your own messages in Messages")
	}
	return false, nil
}

// askToSend shows a candidate as it would be sent, and asks.
func (d *Dialogue) askToSend(ctx context.Context, rest string) error {
	if d.Live == nil {
		d.say("/send is for a live conversation: vqctl chat %v CHAT", usererr.Option("live"))
		return nil
	}
	offered := d.history.offered
	if offered == nil {
		d.say("there are no candidates; an empty line offers some")
		return nil
	}
	n, ok := d.count(rest, "/send", 0, len(offered.messages))
	if n == 0 {
		if ok {
			d.say("/send N: the number of a candidate")
		}
		return nil
	}
	text, err := d.outgoing(&offered.messages[n-1])
	var to Receiver
	if err == nil {
		to, err = d.Live.Receiver(ctx)
	}
	if err != nil {
		d.explain(err)
		return nil
	}
	d.live.questions++
	d.live.question = &question{to, text}
	d.say("to %s:", to.Name)
	for line := range strings.SplitSeq(text, "\n") {
		d.say("  | %s", line)
	}
	d.say("yes sends it; anything else does not")
	return nil
}

// outgoing returns the text that is sent for a candidate: exactly what is shown.
func (d *Dialogue) outgoing(m *windows.Message) (string, error) {
	text := strings.TrimSpace(Printable(m.Text))
	switch {
	case m.Name != d.Owner:
		return "", usererr.With(fmt.Errorf("%s would have to send this: only messages in your own name are sent", m.Name), "/target %s makes the model write as you", d.Owner)
	case m.ContentType != "text":
		return "", usererr.With(fmt.Errorf("this is no text (%s)", m.ContentType), "send another candidate")
	case text == "":
		return "", usererr.With(fmt.Errorf("this candidate has no text"), "send another candidate")
	case !d.NoDisclosure:
		text += "\n" + Disclosure
	}
	return text, nil
}

func (d *Dialogue) send(ctx context.Context, q *question) {
	if err := d.Live.Send(ctx, q.to, q.text); err != nil {
		d.explain(err)
		return
	}
	d.history.offered = nil // so that it is not sent twice
	d.say("sent; it appears here once Messages has stored it")
}

// greetLive says what a live conversation is, and shows its end.
func (d *Dialogue) greetLive() {
	if d.FirstLive {
		d.say("This is your real conversation as Messages stores it, read only, and it grows as messages arrive. The model writes candidates for what")
		d.say("you could say next. Nothing is sent to anyone unless you choose a candidate with /send N, see it as it would be sent, and")
		d.say("answer yes. The people you write to have a right to know that a model wrote it, so a line that says so is added:")
		d.say("  %s", Disclosure)
		d.say("%v leaves it out; that is your decision.", usererr.Option("no_disclosure"))
	}
	d.say("Live: %s. An empty line offers candidates, /send N sends one after asking.", d.live.title)
	if d.NoDisclosure {
		d.say("No line says that a model wrote it (%v).", usererr.Option("no_disclosure"))
	}
	for i := max(0, len(d.live.read)-shownLiveMessages); i < len(d.live.read); i++ {
		d.show(&d.live.read[i].Message)
	}
}

package chat

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// Options are the initial settings of a dialogue.
type Options struct {
	As        string   // the person the model answers as; "" until known
	Any       bool     // the model chooses who answers, so As is ""
	Owner     string   // the person at the keyboard; "" if unknown
	Trained   []string // the people that the model was trained on; nil if they are not known, so that any name is accepted
	Contacts  []string // further people who may take part
	Members   []string // besides As and the people who speak
	Kind      string   // "dm" or "group"; "" decides by the number of members
	Start     string   // date of the first message; "" for the current day
	Messages  []windows.Message
	Sample    generate.Options
	MaxTokens int              // of the prompt; the oldest messages are dropped when it gets longer
	Now       func() time.Time // the clock
	RealTime  bool             // an answer is shown after as long as it took
	Files     Files            // of /save and /load
	Adapters  Adapters         // of /adapter; nil without a choice
	Recall    generate.Recall  // memories; nil for none

	Live         Live              // the real conversation to follow, nil for none
	LiveNow      *LiveConversation // what Live read
	FirstLive    bool              // the owner follows one for the first time
	NoDisclosure bool              // no line says that a model wrote what is sent
}

// maxMessages is the size of a training window: the model has never seen more messages at once.
const maxMessages = 100

// Dialogue is a conversation in progress.
type Dialogue struct {
	Options
	out       io.Writer
	writer    generate.Writer
	last      time.Time // when the last message came
	speaker   string    // the person who says what is typed without a name; "" until known
	answers   int       // so far
	debugging bool
	exchange  exchange
	history   history
	savedAs   string // the file that /save wrote
	live      live
}

// exchange is the last prompt and what the model wrote after it.
type exchange struct{ prompt, answer string }

// New starts a dialogue that prints to out.
func New(o Options, w generate.Writer, out io.Writer) *Dialogue {
	d := &Dialogue{Options: o, out: out, writer: w, last: o.Now()}
	if d.Live != nil {
		d.follow(o.LiveNow)
		return d
	}
	d.speaker = d.firstSpeaker()
	return d
}

// Enter processes a typed turn: a command, the number of an alternative, an empty one, which lets the model speak, or a message for
// each of its lines, which the model answers once. It reports whether the dialogue is over. It prints what is wrong with the input;
// an error is a failure of the model. When ctx ends, the answer in progress is dropped.
func (d *Dialogue) Enter(ctx context.Context, turn string) (quit bool, err error) {
	turn = strings.TrimSpace(turn)
	if d.Live != nil {
		return d.enterLive(ctx, turn)
	}
	if strings.HasPrefix(turn, "/") && !strings.ContainsAny(turn, "\r\n") {
		return d.command(ctx, turn)
	}
	return false, d.undoable(func() error {
		if turn == "" {
			return d.answer(ctx)
		}
		if d.choose(turn) {
			return nil
		}
		author, err := d.addTurn(turn)
		if err != nil {
			d.explain(err)
			return nil
		}
		if author == d.As {
			return nil // a message typed for the model's person
		}
		return d.answer(ctx)
	})
}

// explain prints an error of the input, and what to do about it.
func (d *Dialogue) explain(err error) {
	d.say("%v", err)
	if advice := usererr.Of(err); advice != "" {
		d.say("%s", advice)
	}
}

// addTurn adds a message for each line of a turn and returns the author of the last.
func (d *Dialogue) addTurn(turn string) (author string, err error) {
	for line := range strings.FieldsFuncSeq(turn, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if author, err = d.addMessage(line); err != nil {
			return "", err
		}
	}
	return author, nil
}

// addMessage adds a typed message and returns its author.
func (d *Dialogue) addMessage(line string) (author string, err error) {
	name, text := d.splitSpeaker(line)
	if name == "" {
		if name, text, err = d.currentSpeaker(line); err != nil {
			return "", err
		}
	}
	d.join(name)
	if name != d.As {
		d.speaker = name
	}
	m := windows.Message{Name: name, Delta: d.delta(), ContentType: "text", Text: text}
	d.add(m)
	d.show(&m)
	return name, nil
}

// delta returns the time since the last message; a window begins with the shortest.
func (d *Dialogue) delta() string {
	if len(d.Messages) == 0 {
		return windows.Delta(0)
	}
	return windows.Delta(d.Now().Sub(d.last))
}

func (d *Dialogue) add(m windows.Message) {
	d.last = d.Now()
	if d.Start == "" {
		d.Start = windows.StartDate(d.last)
	}
	d.Messages = append(d.Messages, m)
	d.history.changed()
}

// conversation returns what the model sees.
func (d *Dialogue) conversation() *generate.Conversation {
	start := d.Start
	if start == "" {
		start = windows.StartDate(d.Now())
	}
	return &generate.Conversation{Header: windows.NewHeader(d.Kind, d.members(), start), Messages: d.Messages, Recall: d.Recall}
}

// prompt returns what the model reads before it writes a message by author. When that gets longer than a window, or than MaxTokens, it drops the oldest quarter
// of the messages at once, because all that remains must then be prefilled again.
func (d *Dialogue) prompt(author string) *generate.Conversation {
	for {
		c := d.conversation()
		if len(d.Messages) < 2 || len(d.Messages) < maxMessages && d.writer.PromptTokens(c, author) <= d.MaxTokens {
			return c
		}
		gone := (len(d.Messages) + 3) / 4
		d.Members = d.members()
		d.Messages = slices.Clone(d.Messages[gone:])
		d.Messages[0].Delta = windows.Delta(0)
		if d.Live == nil { // of a live conversation nothing is lost
			d.say("(dropped the oldest %d messages)", gone)
		}
	}
}

// say prints a line that is not part of the conversation.
func (d *Dialogue) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

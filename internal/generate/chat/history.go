package chat

import (
	"slices"
	"time"

	"ventriloquist/internal/windows"
)

// history is what the conversation was before its last changes.
type history struct {
	past       []state // before each turn that changed something, oldest first
	moved      bool    // the turn in progress changed something
	unanswered *state  // before the model's last answer, nil when something else came after it
	offered    *offer  // of /alternatives, nil when something else was said since
}

// state is what a turn changes.
type state struct {
	messages    []windows.Message
	members     []string
	kind, start string
	as, speaker string
	any         bool
	last        time.Time
}

func (d *Dialogue) now() state {
	return state{messages: slices.Clip(d.Messages), members: slices.Clip(d.Members), kind: d.Kind, start: d.Start, as: d.As, speaker: d.speaker,
		any: d.Any, last: d.last}
}

func (d *Dialogue) restore(s state) {
	d.Messages, d.Members, d.Kind, d.Start, d.As, d.speaker, d.Any, d.last = s.messages, s.members, s.kind, s.start, s.as, s.speaker, s.any, s.last
	d.history.changed()
}

// changed notes that the turn in progress changes the conversation.
func (h *history) changed() { h.moved, h.unanswered, h.offered = true, nil, nil }

// answered notes that the conversation ends with an answer of the model.
func (h *history) answered(before state) { h.unanswered = &before }

// undoable runs a turn; if it changes the conversation, /undo takes it back.
func (d *Dialogue) undoable(turn func() error) error {
	before := d.now()
	d.history.moved = false
	err := turn()
	if d.history.moved {
		d.history.past = append(d.history.past, before)
	}
	return err
}

// undo takes back the last turn that changed something.
func (d *Dialogue) undo() {
	h := &d.history
	if len(h.past) == 0 {
		d.say("there is nothing to take back")
		return
	}
	d.restore(h.past[len(h.past)-1])
	h.past = h.past[:len(h.past)-1]
	if len(d.Messages) == 0 {
		d.say("taken back; the conversation is empty")
		return
	}
	d.say("taken back; the last message is now")
	d.show(&d.Messages[len(d.Messages)-1])
}

package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// growing is a real conversation that grows by hand, and what was sent to it.
type growing struct {
	conversation LiveConversation
	unready      error
	failure      error
	sent         []string
}

func (g *growing) News() <-chan struct{} { return nil }
func (g *growing) Read(context.Context) (*LiveConversation, error) {
	now := g.conversation
	now.Messages = slices.Clone(now.Messages[max(0, len(now.Messages)-LiveMessages):])
	return &now, nil
}
func (g *growing) Receiver(context.Context) (Receiver, error) {
	return Receiver{Name: "Aidan (any;-;+1555)", ID: "any;-;+1555"}, g.unready
}
func (g *growing) Send(_ context.Context, to Receiver, text string) error {
	g.sent = append(g.sent, to.ID+" "+text)
	return g.failure
}

// say adds a message, a minute after the one before.
func (g *growing) say(name, text string) {
	at := time.Date(2024, 3, 15, 12, len(g.conversation.Messages), 0, 0, time.UTC)
	g.conversation.Messages = append(g.conversation.Messages, windows.PastMessage{Date: at,
		Message: windows.Message{Name: name, Delta: "<5m", ContentType: "text", Text: text}})
}

// newLive starts a live conversation between Aidan and the owner, John, with three candidates.
func newLive(t *testing.T, o Options) (*Dialogue, *growing, *scripted, fmt.Stringer) {
	t.Helper()
	g := &growing{conversation: LiveConversation{Title: "Aidan", Members: []string{"Aidan", "John"}}}
	g.say("Aidan", "hey")
	g.say("John", "hi")
	w := &scripted{answers: []string{line("one"), line("two"), line("three"), line("four"), line("five"), line("six")}}
	o.Live, o.Owner = g, "John"
	if o.As == "" {
		o.As = "John"
	}
	o.LiveNow, _ = g.Read(t.Context())
	o.Sample = generate.Options{Sampling: generate.Sampling{Temperature: 1}}
	d, out, _ := newDialogue(o, w)
	return d, g, w, out
}

// A candidate is sent after it was shown and confirmed, with the line that says who wrote it, and once.
func TestDialogue_SendsWhatWasShownAndConfirmed(t *testing.T) {
	t.Parallel()
	d, g, _, out := newLive(t, Options{})
	enter(t, d, "", "/send 2")
	if len(g.sent) > 0 || d.Question() == 0 {
		t.Errorf("before the answer, %q was sent", g.sent)
	}
	enter(t, d, "yes", "yes", "/send 2", "yes")
	if want := []string{"any;-;+1555 two\n(written by a language model)"}; !slices.Equal(g.sent, want) {
		t.Errorf("sent: %q, want %q", g.sent, want)
	}
	wantTexts(t, d, "Aidan: hey", "John: hi") // what was sent comes back as a message
	if want := "to Aidan (any;-;+1555):\n  | two\n  | (written by a language model)\nyes sends it; anything else does not\nsent;"; !strings.Contains(out.String(), want) {
		t.Errorf("shown:\n%s", out)
	}
}

func TestDialogue_NoDisclosureLeavesTheLineOut(t *testing.T) {
	t.Parallel()
	d, g, _, _ := newLive(t, Options{NoDisclosure: true})
	enter(t, d, "", "/send 1", "yes")
	if want := []string{"any;-;+1555 one"}; !slices.Equal(g.sent, want) {
		t.Errorf("sent: %q, want %q", g.sent, want)
	}
}

// Whatever else is typed sends nothing.
func TestDialogue_SendsNothingUnasked(t *testing.T) {
	t.Parallel()
	d, g, _, out := newLive(t, Options{})
	enter(t, d, "/send 1", "yes", "hey Aidan", "1", "yes", "", "1", "2", "yes", "/send", "/send 0", "/send 4", "yes", "/send 1", "", "/send 1", "y", "/send 1", "no", "yes",
		"/send 1", "/context", "yes", "/send 1\nyes", "/send 1", "/send 2", "no")
	if len(g.sent) > 0 {
		t.Errorf("sent: %q", g.sent)
	}
	wantTexts(t, d, "Aidan: hey", "John: hi")
	for _, want := range []string{"there are no candidates", "nothing was sent;", "(not sent)\n", "/send takes a number from 1 to 3\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q was not said:\n%s", want, out)
		}
	}
}

// The conversation is the real one: it grows as messages arrive, and commands do not change it.
func TestDialogue_FollowsTheRealConversation(t *testing.T) {
	t.Parallel()
	d, g, w, out := newLive(t, Options{})
	enter(t, d, "", "/clear", "/undo", "/load x", "/as Aidan", "/continue", "/members Zoe", "/retry", "/type group")
	before := out.String()
	d.Refresh(t.Context())
	g.say("Aidan", "are you there?")
	d.Refresh(t.Context())
	if got := strings.TrimPrefix(out.String(), before); got != "  Aidan, 5 min later: are you there?\n" {
		t.Errorf("shown when it arrived:\n%s", got)
	}
	wantTexts(t, d, "Aidan: hey", "John: hi", "Aidan: are you there?")
	enter(t, d, "")
	const prompt = `{"type": "dm", "members": ["Aidan", "John"], "start": "2024-03-15"}
{"name": "Aidan", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey"}
{"name": "John", "delta": "<5m", "reply_to": null, "content_type": "text", "text": "hi"}
{"name": "Aidan", "delta": "<5m", "reply_to": null, "content_type": "text", "text": "are you there?"}
{"name": "John", "`
	if got := w.prompts[len(w.prompts)-1]; got != prompt {
		t.Errorf("the prompt is\n%s", got)
	}
	if strings.Count(before, "is not for a live conversation") != 8 {
		t.Errorf("shown:\n%s", before)
	}
}

// What arrives while a question waits takes the question back; the candidates stay.
func TestDialogue_ArrivalTakesTheQuestionBack(t *testing.T) {
	t.Parallel()
	d, g, _, out := newLive(t, Options{})
	enter(t, d, "", "/send 1")
	g.say("Aidan", "never mind")
	d.Refresh(t.Context())
	enter(t, d, "yes")
	if len(g.sent) > 0 || !strings.Contains(out.String(), "(not sent: the conversation goes on; /send N asks again)\n  Aidan, 5 min later: never mind\n") {
		t.Errorf("sent %q, shown:\n%s", g.sent, out)
	}
	enter(t, d, "/send 1", "yes")
	if len(g.sent) != 1 {
		t.Errorf("sent %q", g.sent)
	}
}

// Whoever would read a message now is said, and a question from before is taken back.
func TestDialogue_SaysThatMembersChanged(t *testing.T) {
	t.Parallel()
	d, g, _, out := newLive(t, Options{})
	enter(t, d, "", "/send 1")
	g.conversation.Members = []string{"Aidan", "John", "Zoe"}
	d.Refresh(t.Context())
	enter(t, d, "yes")
	if len(g.sent) > 0 || !strings.Contains(out.String(), "(the members are now Aidan, John, Zoe)\n(not sent:") {
		t.Errorf("sent %q, shown:\n%s", g.sent, out)
	}
}

// However long it gets, the context has at most a window's messages, and most of what was prefilled stays.
func TestDialogue_LiveContextStaysWithinAWindow(t *testing.T) {
	t.Parallel()
	d, g, w, out := newLive(t, Options{})
	begins := make(map[string]bool)
	for i := range 300 {
		g.say("Aidan", fmt.Sprintf("message %d", i))
		d.Refresh(t.Context())
		w.answers = []string{line("one"), line("two"), line("three")}
		enter(t, d, "")
		lines := strings.Split(w.prompts[len(w.prompts)-1], "\n")
		if len(lines)-2 >= maxMessages || !strings.Contains(lines[len(lines)-2], fmt.Sprintf("message %d", i)) {
			t.Fatalf("a prompt of %d messages ends with %s", len(lines)-2, lines[len(lines)-2])
		}
		begins[lines[1]] = true
	}
	if strings.Contains(out.String(), "dropped") || len(begins) > 300/20 || strings.Count(out.String(), "message 7\n") != 1 {
		t.Errorf("the context began in %d places", len(begins))
	}
}

// Only text in the owner's name can be sent, and only where something can send.
func TestDialogue_SaysWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	d, _, _, out := newLive(t, Options{As: "Aidan"})
	enter(t, d, "", "/send 1", "yes")
	if !strings.Contains(out.String(), "Aidan would have to send this: only messages in your own name are sent\n/target John makes the model write as you\n") {
		t.Errorf("shown:\n%s", out)
	}
	d, g, w, out := newLive(t, Options{})
	w.answers = []string{`delta": "<1m", "reply_to": null, "content_type": "image", "text": "a cat"}` + "\n", line(" "), line("three")}
	enter(t, d, "", "/send 1", "yes", "/send 2", "yes")
	if !strings.Contains(out.String(), "this is no text (image)") || !strings.Contains(out.String(), "this candidate has no text") {
		t.Errorf("shown:\n%s", out)
	}
	g.unready = errors.New("only a Mac sends")
	enter(t, d, "/send 3", "yes")
	g.unready, g.failure = nil, errors.New("not signed in")
	if len(g.sent) > 0 || !strings.Contains(out.String(), "only a Mac sends\n") {
		t.Errorf("sent %q, shown:\n%s", g.sent, out)
	}
	enter(t, d, "/send 3", "yes")
	if !strings.HasSuffix(out.String(), "not signed in\n") {
		t.Errorf("shown:\n%s", out)
	}
}

// The first live conversation is explained, and every one begins with its last messages.
func TestDialogue_ExplainsTheFirstLiveConversation(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		d, _, _, out := newLive(t, Options{FirstLive: first})
		d.Greet()
		if help := helpLive(); strings.Contains(help, "/undo") || !strings.Contains(help, "/send N") {
			t.Errorf("help:\n%s", help)
		}
		if strings.Contains(out.String(), "have a right to know") != first || !strings.HasSuffix(out.String(), "  Aidan, 5 min later: hey\n  John, 5 min later: hi\n") {
			t.Errorf("shown:\n%s", out)
		}
	}
}

func TestDialogue_SendNeedsALiveConversation(t *testing.T) {
	t.Parallel()
	d, out, _ := newDialogue(Options{As: "Aidan"}, &scripted{})
	enter(t, d, "/send 1")
	if out.String() != "/send is for a live conversation: vqctl chat live CHAT\n" {
		t.Errorf("shown:\n%s", out)
	}
}

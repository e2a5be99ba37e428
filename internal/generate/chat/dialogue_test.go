package chat

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// scripted is a Writer with given answers, three bytes per token.
type scripted struct {
	answers []string // after the prefill
	prompts []string
	stopped context.CancelFunc // called after the first token
	err     error
	asked   [][]string // the names between which it decided
}

func (s *scripted) Write(ctx context.Context, conversation *generate.Conversation, as string, n int, _ generate.Options, stream generate.Stream) ([]generate.Continuation, error) {
	s.prompts = append(s.prompts, conversation.Prompt(as))
	if s.err != nil {
		return nil, s.err
	}
	c := make([]generate.Continuation, n)
	for i := range c {
		answer := []byte(s.answers[0])
		s.answers = s.answers[1:]
		for len(answer) > 0 {
			if ctx.Err() != nil {
				return c, ctx.Err()
			}
			token := answer[:min(3, len(answer))]
			answer = answer[len(token):]
			c[i].Text = append(c[i].Text, token...)
			stream(i, token)
			if s.stopped != nil {
				s.stopped()
			}
		}
	}
	return c, nil
}

// PromptTokens counts a byte as a token.
func (s *scripted) PromptTokens(c *generate.Conversation, as string) int { return len(c.Prompt(as)) }

// NextSpeaker finds the last name surest.
func (s *scripted) NextSpeaker(_ context.Context, _ *generate.Conversation, names []string) ([]float64, error) {
	s.asked = append(s.asked, names)
	share := make([]float64, len(names))
	share[len(names)-1] = 1
	return share, s.err
}

// clock is a time that is set by hand.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func newDialogue(o Options, w generate.Writer) (*Dialogue, *bytes.Buffer, *clock) {
	c := &clock{now: time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)}
	o.Now = c.read
	if o.MaxTokens == 0 {
		o.MaxTokens = 1 << 20
	}
	out := new(bytes.Buffer)
	return New(o, w, out), out, c
}

func enter(t *testing.T, d *Dialogue, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if quit, err := d.Enter(context.Background(), line); err != nil || quit {
			t.Fatalf("Enter(%q) = %v, %v", line, quit, err)
		}
	}
}

const (
	yes = `delta": "<1m", "reply_to": null, "content_type": "text", "text": "yes"}` + "\n"
	no  = `delta": "<5m", "reply_to": "you \"ok\"?", "content_type": "reaction", "text": "No \\ é 😀\u001b[2J"}` + "\n"
)

func TestDialogue_AnswersEachMessage(t *testing.T) {
	t.Parallel()
	w := &scripted{answers: []string{yes, no, yes}}
	d, out, clock := newDialogue(Options{As: "Aidan"}, w)
	enter(t, d, "John: hey, you free tonight?")
	clock.now = clock.now.Add(3 * time.Minute)
	enter(t, d, `you "ok"?`)
	clock.now = clock.now.Add(2 * time.Hour)
	enter(t, d, "Aidan: I take that back", "")
	const want = `  John: hey, you free tonight?
  Aidan: yes
  John, 5 min later: you "ok"?
  Aidan, 5 min later (reaction to “you "ok"?”): No \ é 😀[2J
  Aidan, hours later: I take that back
  Aidan: yes
`
	if out.String() != want {
		t.Errorf("shown:\n%s", out)
	}
	const prompt = `{"type": "dm", "members": ["Aidan", "John"], "start": "2024-03-15"}
{"name": "John", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey, you free tonight?"}
{"name": "Aidan", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "yes"}
{"name": "John", "delta": "<5m", "reply_to": null, "content_type": "text", "text": "you \"ok\"?"}
{"name": "Aidan", "delta": "<5m", "reply_to": "you \"ok\"?", "content_type": "reaction", "text": "No \\ é 😀\u001b[2J"}
{"name": "Aidan", "delta": "<12h", "reply_to": null, "content_type": "text", "text": "I take that back"}
{"name": "Aidan", "`
	if got := w.prompts[2]; got != prompt {
		t.Errorf("the last prompt is\n%s", got)
	}
}

func TestDialogue_Commands(t *testing.T) {
	t.Parallel()
	w := &scripted{answers: []string{yes, yes}}
	d, out, _ := newDialogue(Options{}, w)
	enter(t, d, "hello", "John: hi", "/target Aidan", "/target", "", `/members Bob "Ann Lee"`, "/type dm", "/type x",
		"/context", "/debug", "Bob: well", "/debug", "/clear", "/context", "/nonsense", "/tarrget x")
	const want = `it is not known who says this
begin with a name, as in "John: hey, you free tonight?", or set MY_NAME in .env
  John: hi
who should the model answer as? /target NAME
the model answers as Aidan; an empty line lets them answer now
the model answers as Aidan
  Aidan: yes
group: Aidan, Ann Lee, Bob, John
type dm
/type is dm or group
dm of Aidan, Ann Lee, Bob, John, since 2024-03-15
  John: hi
  Aidan: yes
debug on
prompt:
{"type": "dm", "members": ["Aidan", "John"], "start": "2024-03-15"}
{"name": "John", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hi"}
{"name": "Aidan", "
raw answer:
delta": "<1m", "reply_to": null, "content_type": "text", "text": "yes"}
  Bob: well
prompt:
{"type": "dm", "members": ["Aidan", "Ann Lee", "Bob", "John"], "start": "2024-03-15"}
{"name": "John", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hi"}
{"name": "Aidan", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "yes"}
{"name": "Bob", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "well"}
{"name": "Aidan", "
  Aidan: yes
raw answer:
delta": "<1m", "reply_to": null, "content_type": "text", "text": "yes"}
debug off
conversation cleared; /undo brings it back
dm of Aidan, Ann Lee, Bob, since 2024-03-15
unknown command /nonsense; /help lists the commands
unknown command /tarrget; did you mean /target?
`
	if out.String() != want {
		t.Errorf("shown:\n%s", out)
	}
	for _, line := range []string{"/quit", " /exit "} {
		if quit, err := d.Enter(context.Background(), line); !quit || err != nil {
			t.Errorf("%s: %v, %v", line, quit, err)
		}
	}
}

func TestDialogue_InfersWhoAnswers(t *testing.T) {
	t.Parallel()
	w := &scripted{answers: []string{yes}}
	d, out, _ := newDialogue(Options{Members: []string{"Aidan", "John"}}, w)
	enter(t, d, "John: hi")
	if want := "  John: hi\n  Aidan: yes\n"; out.String() != want {
		t.Errorf("shown:\n%s", out)
	}
}

// A stopped answer is not part of the conversation.
func TestDialogue_DropsAStoppedAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	w := &scripted{answers: []string{yes, yes}, stopped: cancel}
	d, out, _ := newDialogue(Options{As: "Aidan"}, w)
	if _, err := d.Enter(ctx, "John: hi"); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "(stopped)\n") || len(d.Messages) != 1 {
		t.Errorf("%d messages, shown:\n%s", len(d.Messages), out)
	}
}

func TestDialogue_ReturnsModelErrors(t *testing.T) {
	t.Parallel()
	failure := errors.New("out of memory")
	d, _, _ := newDialogue(Options{As: "Aidan"}, &scripted{err: failure})
	if _, err := d.Enter(context.Background(), "John: hi"); !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
}

// When a conversation gets longer than a window, several of the oldest messages are dropped at once, the first remaining one
// begins a window, and the authors of the dropped ones stay members.
func TestDialogue_DropsOldestMessages(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{As: "Aidan", Trained: []string{"John", "Zoe"}, MaxTokens: 1200},
		{As: "Aidan", Trained: []string{"John", "Zoe"}, Messages: manyMessages(120)},
	} {
		answers := 40
		w := &scripted{answers: strings.SplitAfter(strings.Repeat(yes, answers), "\n")}
		d, _, clock := newDialogue(o, w)
		enter(t, d, "Zoe: first")
		for range answers - 1 {
			clock.now = clock.now.Add(3 * time.Hour)
			enter(t, d, "John: more")
			prompt := w.prompts[len(w.prompts)-1]
			lines := strings.Split(prompt, "\n")
			if len(prompt) > d.MaxTokens || len(lines)-2 >= maxMessages {
				t.Fatalf("a prompt of %d tokens and %d messages", len(prompt), len(lines)-2)
			}
			if !strings.Contains(lines[0], `"Zoe"`) || !strings.Contains(lines[1], `"delta": "<1m"`) {
				t.Fatalf("the prompt begins\n%s\n%s", lines[0], lines[1])
			}
		}
	}
}

func manyMessages(n int) []windows.Message {
	ms := make([]windows.Message, n)
	for i := range ms {
		ms[i] = windows.Message{Name: "John", Delta: "<1d", ContentType: "text", Text: "old"}
	}
	return ms
}

// However a line is cut into tokens, the message is shown.
func TestStream_ShowsTokenByToken(t *testing.T) {
	t.Parallel()
	m, err := generate.ParseContinuation("Aidan", []byte(no))
	if err != nil {
		t.Fatal(err)
	}
	for size := 1; size < 12; size++ {
		out := new(bytes.Buffer)
		s := &stream{out: out, author: "Aidan"}
		shownEarly := false
		for rest := []byte(no); len(rest) > 0; {
			token := rest[:min(size, len(rest))]
			rest = rest[len(token):]
			s.token(0, token)
			shownEarly = shownEarly || len(rest) > 0 && strings.Contains(out.String(), "No")
		}
		s.end()
		if want := "  " + Format(&m) + "\n"; out.String() != want {
			t.Errorf("%d bytes per token: %q, want %q", size, out, want)
		}
		if !shownEarly {
			t.Errorf("%d bytes per token: nothing was shown before the end", size)
		}
	}
}

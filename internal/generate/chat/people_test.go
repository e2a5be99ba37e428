package chat

import (
	"slices"
	"strings"
	"testing"
)

var trained = []string{"Max: Baker", "daftykins", "k1l", "lsfret"}

// said returns the messages so far as `NAME: TEXT`.
func said(d *Dialogue) (all []string) {
	for i := range d.Messages {
		all = append(all, d.Messages[i].Name+": "+d.Messages[i].Text)
	}
	return all
}

func answers(n int) *scripted { return &scripted{answers: slices.Repeat([]string{yes}, n)} }

// Row 1.4: a colon makes no person.
func TestDialogue_AColonMakesNoPerson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typed, want string }{
		{"look at this: http://example.com/a", "daftykins: look at this: http://example.com/a"},
		{"https://example.com", "daftykins: https://example.com"},
		{"fyi: the meeting is at 5:30", "daftykins: fyi: the meeting is at 5:30"},
		{"5:30 works", "daftykins: 5:30 works"},
		{"k1l:)", "daftykins: k1l:)"},
		{"k1l: ", "daftykins: k1l:"},
		{": x", "daftykins: : x"},
		{"Nobody: hello", "daftykins: Nobody: hello"},
		{"k1l: hello: you", "k1l: hello: you"},
		{"K1L: hello", "k1l: hello"},
		{"max: baker: hello", "Max: Baker: hello"},
		{"lsfret: I said no", "lsfret: I said no"},
	} {
		d, out, _ := newDialogue(Options{As: "lsfret", Owner: "daftykins", Trained: trained}, answers(1))
		enter(t, d, c.typed)
		if got := said(d)[0]; got != c.want {
			t.Errorf("%q is %q, want %q", c.typed, got, c.want)
		}
		if strings.Contains(out.String(), "not") {
			t.Errorf("%q: %s", c.typed, out)
		}
	}
}

// Row 1.4: the first "hello" works where one person can say it.
func TestDialogue_WhoSpeaks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		o       Options
		speaker string
	}{
		{"Owner", Options{As: "lsfret", Owner: "daftykins", Trained: trained}, "daftykins"},
		{"OwnerAlone", Options{Owner: "daftykins", Trained: trained}, "daftykins"},
		{"OnlyMember", Options{As: "lsfret", Members: []string{"k1l"}}, "k1l"},
		{"OnlyMemberIsNotTheOwner", Options{As: "lsfret", Members: []string{"k1l"}, Owner: "daftykins"}, "k1l"},
		{"OwnerAmongMembers", Options{As: "lsfret", Members: []string{"k1l", "daftykins"}, Owner: "daftykins"}, "daftykins"},
		{"OnlyKnown", Options{As: "lsfret", Trained: []string{"lsfret", "k1l"}}, "k1l"},
		{"OwnerAnswers", Options{As: "daftykins", Owner: "daftykins", Trained: []string{"daftykins", "k1l"}}, "k1l"},
		{"Context", Options{As: "Aidan", Messages: manyMessages(1)}, "John"},
		{"Unknown", Options{As: "lsfret", Trained: trained}, ""},
	} {
		d, out, _ := newDialogue(c.o, answers(1))
		enter(t, d, "hello")
		if c.speaker == "" {
			if len(d.Messages) != 0 || !strings.Contains(out.String(), "set MY_NAME") {
				t.Errorf("%s: %s", c.name, out)
			}
			continue
		}
		if messages := said(d); !slices.Contains(messages, c.speaker+": hello") || d.Speaker() != c.speaker {
			t.Errorf("%s: said %q as %q\n%s", c.name, messages, d.Speaker(), out)
		}
	}
}

// Row 1.4: names are taken in any case, and unknown ones are refused with the nearest.
func TestDialogue_ChecksNames(t *testing.T) {
	t.Parallel()
	d, out, _ := newDialogue(Options{Owner: "daftykins", Trained: trained}, answers(4))
	d.Greet()
	enter(t, d, "/target LSFRET", "hello", "/target lsfrt", "/target nobody", "K1L: me too", "/target Daftykins", "/members Zoe K1L", "/target zoe")
	const want = `You are daftykins. Talk to: Max: Baker, k1l, lsfret (/target NAME).
/help lists the commands.
the model answers as lsfret
  daftykins: hello
  lsfret: yes
no person is called "lsfrt"; did you mean "lsfret"?
no person is called "nobody"; known are Max: Baker, daftykins, k1l, lsfret; /members NAME adds someone new
(k1l joins: daftykins, k1l, lsfret)
  k1l: me too
  lsfret: yes
the model answers as daftykins; an empty line lets them answer now
group: Zoe, daftykins, k1l, lsfret
the model was not trained on Zoe
the model answers as Zoe; an empty line lets them answer now
`
	if out.String() != want {
		t.Errorf("shown:\n%s", out)
	}
}

// Without known people any name is taken, and the first one typed is the speaker's.
func TestDialogue_NobodyKnown(t *testing.T) {
	t.Parallel()
	d, out, _ := newDialogue(Options{}, answers(2))
	d.Greet()
	enter(t, d, "/target Aidan", "John: hi", "fyi: Zoe: hello")
	const want = `Begin with your name, as in John: hey (MY_NAME in .env sets it for good). /target NAME says who answers.
/help lists the commands.
the model answers as Aidan
  John: hi
  Aidan: yes
  John: fyi: Zoe: hello
  Aidan: yes
`
	if out.String() != want {
		t.Errorf("shown:\n%s", out)
	}
}

// Row 1.4: a pasted block is one turn: a message for each line, and one answer.
func TestDialogue_ABlockIsOneTurn(t *testing.T) {
	t.Parallel()
	w := answers(1)
	d, _, _ := newDialogue(Options{As: "lsfret", Owner: "daftykins", Trained: trained}, w)
	enter(t, d, "first line\n\n  second line: with colon\r\n/third\nk1l: fourth\n")
	want := []string{"daftykins: first line", "daftykins: second line: with colon", "daftykins: /third", "k1l: fourth", "lsfret: yes"}
	if got := said(d); !slices.Equal(got, want) {
		t.Errorf("said %q", got)
	}
	if len(w.prompts) != 1 {
		t.Errorf("%d answers", len(w.prompts))
	}
}

func TestDialogue_Completer(t *testing.T) {
	t.Parallel()
	d, _, _ := newDialogue(Options{Owner: "daftykins", Trained: append([]string{"Ann Lee", "lotus"}, trained...), Adapters: shelf{}}, answers(0))
	for _, c := range []struct {
		line string
		from int
		want []string
	}{
		{"/tar", 0, []string{"/target "}},
		{"/t", 0, []string{"/target ", "/type ", "/temperature", "/top-p", "/top-k"}},
		{"/sa", 0, []string{"/save "}},
		{"/target an", 8, []string{"Ann Lee", "any"}},
		{"/as lo", 4, []string{"lotus"}},
		{"/adapter runs/", 9, []string{"runs/b", "runs/a"}},
		{"/target ls", 8, []string{"lsfret"}},
		{"/target L", 8, []string{"lotus", "lsfret"}},
		{"/members k1l an", 13, []string{`"Ann Lee" `}},
		{"/type g", 6, []string{"group"}},
		{"/context x", 9, nil},
		{"ls", 0, []string{"lsfret: "}},
		{"hello ls", 0, nil},
		{"", 0, nil},
	} {
		from, got := d.Completer()(c.line)
		if from != c.from || !slices.Equal(got, c.want) {
			t.Errorf("%q: %q from %d, want %q from %d", c.line, got, from, c.want, c.from)
		}
	}
}

// Row 4: times are words.
func TestFormat_TimesAreWords(t *testing.T) {
	t.Parallel()
	for delta, want := range map[string]string{"<1m": "Ann: hey", "<5m": "Ann, 5 min later: hey", "<1h": "Ann, within the hour: hey",
		"<12h": "Ann, hours later: hey", "<1d": "Ann, within a day: hey", "1d+": "Ann, a day or more later: hey"} {
		m := manyMessages(1)[0]
		m.Name, m.Text, m.Delta = "Ann", "hey", delta
		if got := Format(&m); got != want {
			t.Errorf("%s is %q, want %q", delta, got, want)
		}
	}
}

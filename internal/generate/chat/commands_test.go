package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// line returns what a model writes after the name: a text message.
func line(text string) string {
	return `delta": "<1m", "reply_to": null, "content_type": "text", "text": "` + text + "\"}\n"
}

// shown returns what a dialogue printed since the last call.
func shown(out interface {
	String() string
	Reset()
}) string {
	text := out.String()
	out.Reset()
	return text
}

func texts(d *Dialogue) (all []string) {
	for i := range d.Messages {
		all = append(all, d.Messages[i].Name+": "+d.Messages[i].Text)
	}
	return all
}

func wantTexts(t *testing.T, d *Dialogue, want ...string) {
	t.Helper()
	if got := texts(d); !slices.Equal(got, want) {
		t.Errorf("the conversation is %q, want %q", got, want)
	}
}

// A turn and its answer are taken back together, as often as there were turns; what was said afterwards does not come back.
func TestDialogue_Undo(t *testing.T) {
	t.Parallel()
	d, out, _ := newDialogue(Options{As: "Aidan"}, &scripted{answers: []string{line("one"), line("two"), line("three")}})
	enter(t, d, "/undo", "John: a", "b", "/undo", "c")
	wantTexts(t, d, "John: a", "Aidan: one", "John: c", "Aidan: three")
	if text := shown(out); !strings.HasPrefix(text, "there is nothing to take back\n") || !strings.Contains(text, "taken back; the last message is now\n  Aidan: one\n") {
		t.Errorf("shown:\n%s", text)
	}
	enter(t, d, "/clear")
	wantTexts(t, d)
	enter(t, d, "/undo", "/undo", "/undo", "/undo")
	wantTexts(t, d)
	if text := shown(out); !strings.HasSuffix(text, "taken back; the conversation is empty\nthere is nothing to take back\n") {
		t.Errorf("shown:\n%s", text)
	}
}

// A turn that changes nothing is none to take back, and a change of who answers is one.
func TestDialogue_UndoSkipsWhatChangedNothing(t *testing.T) {
	t.Parallel()
	d, _, _ := newDialogue(Options{As: "Aidan", Trained: []string{"Aidan", "John", "Zoe"}}, &scripted{answers: []string{line("one")}})
	enter(t, d, "John: a", "/context", "/settings", "/type x", "/target nobody", "/target Zoe", "/undo")
	if d.As != "Aidan" {
		t.Errorf("the model answers as %q", d.As)
	}
	enter(t, d, "/undo")
	wantTexts(t, d)
}

func TestDialogue_Retry(t *testing.T) {
	t.Parallel()
	w := &scripted{answers: []string{line("one"), line("two")}}
	d, out, _ := newDialogue(Options{As: "Aidan", Sample: generate.Options{Sampling: generate.Sampling{Temperature: 1}}}, w)
	enter(t, d, "/retry", "John: a", "/retry")
	wantTexts(t, d, "John: a", "Aidan: two")
	if w.prompts[0] != w.prompts[1] {
		t.Error("the answer was written again after another prompt")
	}
	if !strings.HasPrefix(out.String(), "there is no answer to write again") {
		t.Errorf("shown:\n%s", out)
	}
	enter(t, d, "/undo")
	wantTexts(t, d, "John: a", "Aidan: one")
}

// An answer whose replacement is stopped stays.
func TestDialogue_StoppedRetryKeepsTheAnswer(t *testing.T) {
	t.Parallel()
	w := &scripted{answers: []string{line("one"), line("two"), line("three")}}
	d, _, _ := newDialogue(Options{As: "Aidan"}, w)
	enter(t, d, "John: a")
	ctx, cancel := context.WithCancel(context.Background())
	w.stopped = cancel
	if _, err := d.Enter(ctx, "/retry"); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, d, "John: a", "Aidan: one")
	w.stopped = nil
	enter(t, d, "/retry")
	wantTexts(t, d, "John: a", "Aidan: three")
}

// The alternatives take the place of the answer only when one is chosen; another may be chosen next.
func TestDialogue_Alternatives(t *testing.T) {
	t.Parallel()
	w := &scripted{answers: []string{line("one"), line("x"), line("y"), line("well"), line("z")}}
	d, out, _ := newDialogue(Options{As: "Aidan", Sample: generate.Options{Sampling: generate.Sampling{Temperature: 1}}}, w)
	enter(t, d, "John: a", "/alternatives 2")
	wantTexts(t, d, "John: a", "Aidan: one")
	if w.prompts[0] != w.prompts[1] {
		t.Error("the alternatives were written after another prompt than the answer")
	}
	if !strings.Contains(out.String(), "1  Aidan: x\n2  Aidan: y\n") {
		t.Errorf("shown:\n%s", out)
	}
	enter(t, d, "2")
	wantTexts(t, d, "John: a", "Aidan: y")
	enter(t, d, "1")
	wantTexts(t, d, "John: a", "Aidan: x")
	enter(t, d, "/undo", "/undo")
	wantTexts(t, d, "John: a", "Aidan: one")
	enter(t, d, "1") // no longer a choice, but something to say
	wantTexts(t, d, "John: a", "Aidan: one", "John: 1", "Aidan: well")
	enter(t, d, "John: b", "/alternatives 0", "/alternatives many")
	if !strings.HasSuffix(out.String(), strings.Repeat("/alternatives takes a number from 1 to 20\n", 2)) {
		t.Errorf("shown:\n%s", out)
	}
}

// Who answers is the model's choice among the members who do not type; who talks when they talk by themselves is one of all.
func TestDialogue_AnyoneSpeaks(t *testing.T) {
	t.Parallel()
	w := &scripted{answers: []string{line("one"), line("two"), line("three"), line("four")}}
	d, out, _ := newDialogue(Options{As: "Aidan", Owner: "Max", Members: []string{"Max", "Zoe"}}, w)
	enter(t, d, "/target any", "hello")
	wantTexts(t, d, "Max: hello", "Zoe: one")
	enter(t, d, "/as Zoe", "/continue 2")
	if want := [][]string{{"Aidan", "Zoe"}, {"Aidan", "Max", "Zoe"}, {"Aidan", "Max", "Zoe"}}; fmt.Sprint(w.asked) != fmt.Sprint(want) {
		t.Errorf("it was asked about %q, want %q", w.asked, want)
	}
	wantTexts(t, d, "Max: hello", "Zoe: one", "Zoe: two", "Zoe: three")
	if text := shown(out); !strings.HasPrefix(text, "whoever is likely to speak next answers\n") || !strings.Contains(text, "you are Zoe\n") {
		t.Errorf("shown:\n%s", text)
	}
	enter(t, d, "/undo")
	wantTexts(t, d, "Max: hello", "Zoe: one")
	enter(t, d, "/target Aidan", "/as Aidan", "/as")
	if text := shown(out); !strings.HasSuffix(text, "the model answers as Aidan; change that first: /target NAME\nyou are Zoe\n") {
		t.Errorf("shown:\n%s", text)
	}
	d, out, _ = newDialogue(Options{Any: true}, w)
	enter(t, d, "", "/continue")
	if text := shown(out); text != "who is there to answer? /members NAME NAME …\nwho takes part? /members NAME NAME …\n" {
		t.Errorf("shown:\n%s", text)
	}
}

func TestDialogue_ShowsAndSetsSampling(t *testing.T) {
	t.Parallel()
	start := generate.Options{Sampling: generate.Sampling{Temperature: 0.7, TopP: 0.9, RepetitionPenalty: 1}, MaxNewTokens: 150}
	d, out, _ := newDialogue(Options{As: "Aidan", Sample: start}, &scripted{})
	enter(t, d, "/temperature", "/temperature 1.5", "/temperature hot", "/top-p 2", "/top-k 5", "/max-new-tokens 0", "/seed 7", "/settings",
		"/repetition-penalty 1.3", "/temperature 0", "/settings")
	const want = `temperature 0.7
temperature 1.5
/temperature hot: not a number that it takes
/top-p 2 is not above 0 and at most 1
top-k 5
/max-new-tokens 0 is not from 1 to 1048576
seed 7
temperature 1.5, top-p 0.9, top-k 5, min-p 0, repetition-penalty 1, max-new-tokens 150, seed 7
repetition-penalty 1.3
min-p and repetition-penalty are off now
temperature 0
temperature 0, top-p 0.9, top-k 5, min-p 0, repetition-penalty 1, max-new-tokens 150, seed 7
`
	if out.String() != want {
		t.Errorf("shown:\n%s", out)
	}
}

// kept are files in memory.
type kept map[string]string

func (k kept) Save(path string, text []byte, replace bool) error {
	if _, exists := k[path]; exists && !replace {
		return errors.New(path + " exists")
	}
	k[path] = string(text)
	return nil
}

func (k kept) Load(path string) (*windows.Header, []windows.Message, error) {
	text, exists := k[path]
	if !exists {
		return nil, nil, errors.New(path + " does not exist")
	}
	return generate.ReadContext(strings.NewReader(text), path)
}

// A conversation that was saved goes on where it ended, in another chat.
func TestDialogue_SavesAndLoads(t *testing.T) {
	t.Parallel()
	files := kept{"other": ""}
	w := &scripted{answers: []string{line("one"), line("two"), line("three"), line("four")}}
	d, out, _ := newDialogue(Options{As: "Aidan", Files: files}, w)
	enter(t, d, "John: a", "/save other", "/save", "/save mine", "b", "/save mine")
	if text := shown(out); !strings.Contains(text, "other exists\n/save FILE\nsaved 2 messages\n") || !strings.HasSuffix(text, "saved 4 messages\n") {
		t.Errorf("shown:\n%s", text)
	}
	d, out, _ = newDialogue(Options{As: "Aidan", Files: files}, w)
	enter(t, d, "John: z", "/load nothing", "/load mine")
	wantTexts(t, d, "John: a", "Aidan: one", "John: b", "Aidan: two")
	if text := shown(out); !strings.HasSuffix(text, "nothing does not exist\nloaded 4 messages: dm of Aidan, John\n  Aidan: two\n") {
		t.Errorf("shown:\n%s", text)
	}
	enter(t, d, "/undo")
	wantTexts(t, d, "John: z", "Aidan: three")
}

// shelf are adapters to change between.
type shelf struct{ next generate.Writer }

func (s shelf) List() ([]Adapter, error) {
	return []Adapter{{Name: "runs/b", Notes: "step 20"}, {Name: "runs/a", Used: true}}, nil
}

func (s shelf) Has(name string) bool { return name == "elsewhere/b" }

func (s shelf) Use(name string) (generate.Writer, []string, error) {
	if name != "runs/b" && name != "elsewhere/b" {
		return nil, nil, errors.New("it is damaged")
	}
	return s.next, []string{"Aidan", "John"}, nil
}

func TestDialogue_ChangesAdapter(t *testing.T) {
	t.Parallel()
	d, out, _ := newDialogue(Options{As: "Aidan", Adapters: shelf{&scripted{answers: []string{line("other")}}}}, &scripted{})
	enter(t, d, "/adapter", "/adapter runs/c", "/adapter 2", "/adapter elsewhere/b", "/adapter 1", "John: a")
	const want = `  1  runs/b  step 20
* 2  runs/a
* is in use; /adapter NAME or a number changes it
there is no adapter "runs/c"
did you mean /adapter runs/b?
it is damaged
the model writes with elsewhere/b
the model writes with runs/b
  John: a
  Aidan: other
`
	if out.String() != want {
		t.Errorf("shown:\n%s", out)
	}
}

// In real time an answer comes after a time that its delta stands for, and at once when it is asked for.
func TestDialogue_RealTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hour := strings.Replace(line("late"), "<1m", "<1h", 1)
		d, out, _ := newDialogue(Options{As: "Aidan", RealTime: true}, &scripted{answers: []string{line("soon"), hour, hour}})
		for i, bounds := range [][2]time.Duration{{3 * time.Second, time.Minute}, {5 * time.Minute, time.Hour}} {
			began := time.Now()
			enter(t, d, "John: a")
			if took := time.Since(began); took < bounds[0] || took > bounds[1] {
				t.Errorf("answer %d took %s, want from %s to %s", i, took, bounds[0], bounds[1])
			}
		}
		if text := out.String(); !strings.HasSuffix(text, "(Aidan answers, within the hour; Ctrl-C shows it now)\n  Aidan, within the hour: late\n") {
			t.Errorf("shown:\n%s", text)
		}
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if _, err := d.Enter(ctx, "John: b"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != time.Second || d.Messages[len(d.Messages)-1].Text != "late" {
			t.Errorf("it took %s", took)
		}
	})
}

// The help fits a terminal of 80 columns.
func TestHelp_Fits(t *testing.T) {
	t.Parallel()
	for row := range strings.Lines(Help()) {
		if n := len([]rune(strings.TrimSuffix(row, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, row)
		}
	}
}

package batch_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ventriloquist/engine"
	"ventriloquist/internal/batch"
	"ventriloquist/internal/windows"
)

// memory is a list of given windows; lines with the same text are the same line.
type memory struct {
	list  []*windows.Window
	lines map[string]int
}

func (m *memory) add(header string, targets int, lines ...string) {
	w := &windows.Window{Header: []byte(header + "\n"), Targets: targets}
	for _, text := range lines {
		if m.lines == nil {
			m.lines = make(map[string]int)
		}
		if _, known := m.lines[text]; !known {
			m.lines[text] = len(m.lines)
		}
		w.Lines = append(w.Lines, windows.Line{ID: m.lines[text], Text: []byte(text + "\n")})
	}
	m.list = append(m.list, w)
}

func (m *memory) Len() int                              { return len(m.list) }
func (m *memory) Conversation(int) int                  { return 0 }
func (m *memory) Conversations() [][]string             { return [][]string{nil} }
func (m *memory) Targets(i int) int                     { return m.list[i].Targets }
func (m *memory) HeldOut(int) bool                      { return false }
func (m *memory) Lines() int                            { return len(m.lines) }
func (m *memory) Window(i int) (*windows.Window, error) { return m.list[i], nil }
func (m *memory) Where(i int) string                    { return fmt.Sprintf("memory:%d", i+1) }
func (m *memory) Close() error                          { return nil }

// byteEncoder makes an id of each byte, and counts the calls for each text.
type byteEncoder struct{ asked map[string]int }

func (e *byteEncoder) AppendEncodeOrdinary(dst []int32, text string) []int32 {
	if e.asked == nil {
		e.asked = make(map[string]int)
	}
	e.asked[text]++
	for i := range len(text) {
		dst = append(dst, int32(text[i]))
	}
	return dst
}

func text(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteByte(byte(id))
	}
	return b.String()
}

func TestReader_DropsOldestLines(t *testing.T) {
	t.Parallel()
	source := new(memory)
	source.add("{head}", 1, "{one}", "{two}", "{three}")
	source.add("{head}", 2, "{two}", "{three}", "{four}")
	for _, c := range []struct {
		name   string
		max    int
		window int
		want   string
		cut    int
	}{
		{"Whole", 100, 0, "{head}\n{one}\n{two}\n{three}\n", 0},
		{"JustFits", 27, 0, "{head}\n{one}\n{two}\n{three}\n", 0},
		{"OldestGoes", 26, 0, "{head}\n{two}\n{three}\n", 1},
		{"OnlyTargetLeft", 20, 0, "{head}\n{three}\n", 2},
		{"TargetsStay", 22, 1, "{head}\n{three}\n{four}\n", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := batch.NewReader(source, new(byteEncoder), c.max).Read(c.window)
			if err != nil {
				t.Fatal(err)
			}
			if text(w.IDs) != c.want || w.Cut != c.cut {
				t.Errorf("%q without %d lines, want %q without %d", text(w.IDs), w.Cut, c.want, c.cut)
			}
			targets := source.list[c.window].TargetLines()
			if len(w.Targets) != len(targets) {
				t.Fatalf("targets %v", w.Targets)
			}
			for i, line := range targets {
				if w.Targets[i] != len(line.Text) {
					t.Errorf("target %d has %d ids, want %d: the newline carries loss", i, w.Targets[i], len(line.Text))
				}
			}
		})
	}
}

// Fault 14 of the reference: windows that were too long were cut on the right, which removed the target, the only message
// with loss.
func TestReader_NeverCutsTheTarget(t *testing.T) {
	t.Parallel()
	source := new(memory)
	lines := make([]string, 100)
	for i := range lines {
		lines[i] = fmt.Sprintf("{line %d}", i)
	}
	source.add("{head}", 1, lines...)
	whole, err := batch.NewReader(source, new(byteEncoder), 1<<20).Read(0)
	if err != nil {
		t.Fatal(err)
	}
	for most := len("{head}\n{line 99}\n"); most <= len(whole.IDs); most += 13 {
		w, err := batch.NewReader(source, new(byteEncoder), most).Read(0)
		if err != nil {
			t.Fatal(err)
		}
		kept := "{head}\n" + strings.Join(lines[w.Cut:], "\n") + "\n"
		if text(w.IDs) != kept || len(w.IDs) > most || len(w.Targets) != 1 {
			t.Errorf("of at most %d tokens: %q", most, text(w.IDs))
		}
	}
}

func TestReader_TooLong(t *testing.T) {
	t.Parallel()
	source := new(memory)
	source.add("{head}", 1, "{one}", "{three}")
	_, err := batch.NewReader(source, new(byteEncoder), 14).Read(0)
	var tooLong *batch.TooLongError
	if !errors.As(err, &tooLong) || tooLong.Tokens != 15 || tooLong.Max != 14 || !strings.Contains(err.Error(), "memory:1") {
		t.Errorf("error %v", err)
	}
}

// However many windows hold a line, and however long it is, it is tokenized once.
func TestReader_TokenizesEachLineOnce(t *testing.T) {
	t.Parallel()
	source := new(memory)
	for i := range 50 {
		source.add("{head}", 1, fmt.Sprintf("{%d}", i), fmt.Sprintf("{%d}", i+1), strings.Repeat("{long}", 20000), fmt.Sprintf("{%d}", i+2))
	}
	encoder := new(byteEncoder)
	r := batch.NewReader(source, encoder, 1<<20)
	for i, w := range source.list {
		got, err := r.Read(i)
		if err != nil {
			t.Fatal(err)
		}
		want := string(w.Header)
		for _, line := range w.Lines {
			want += string(line.Text)
		}
		if text(got.IDs) != want {
			t.Fatalf("window %d reads %.60q", i, text(got.IDs))
		}
	}
	for line, n := range encoder.asked {
		if n != 1 && line != "{head}\n" {
			t.Errorf("%.20q was tokenized %d times", line, n)
		}
	}
}

// newBatch returns memory for a batch, filled with values that must not be mistaken for content.
func newBatch(l engine.TrainLimits) *engine.Batch {
	return &engine.Batch{
		IDs:         slices.Repeat([]int32{-9}, l.MaxTokens),
		WindowBegin: slices.Repeat([]int32{-9}, l.MaxWindows+1),
		TargetRow:   slices.Repeat([]int32{-9}, l.MaxTargets),
		TargetID:    slices.Repeat([]int32{-9}, l.MaxTargets), TargetWeight: slices.Repeat([]float32{-9}, l.MaxTargets),
	}
}

// Each window is where WindowBegin says, and the row before each target id predicts it.
func TestFill_PlacesWindowsAndTargets(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var ws []batch.Window
		var size batch.Size
		for range 1 + random.IntN(5) {
			w := batch.Window{Targets: make([]int, 1+random.IntN(3))}
			for i := range w.Targets {
				w.Targets[i] = 1 + random.IntN(4)
			}
			for range w.TargetTokens() + 1 + random.IntN(5) {
				w.IDs = append(w.IDs, random.Int32N(1000))
			}
			ws = append(ws, w)
			size = size.Plus(&w)
		}
		limits := engine.TrainLimits{MaxTokens: size.Tokens, MaxWindows: size.Windows, MaxTargets: size.Targets}
		b := newBatch(limits)
		if got := batch.Fill(b, ws); got != size || !got.Fits(limits) {
			t.Fatalf("size %+v, want %+v", got, size)
		}
		target := 0
		for i, w := range ws {
			from, to := b.WindowBegin[i], b.WindowBegin[i+1]
			if !slices.Equal(b.IDs[from:to], w.IDs) {
				t.Fatalf("window %d is %v, want %v", i, b.IDs[from:to], w.IDs)
			}
			for row := to - int32(w.TargetTokens()); row < to; row++ {
				if b.TargetRow[target] != row-1 || b.TargetID[target] != b.IDs[row] || b.TargetWeight[target] != 1 {
					t.Fatalf("target %d is %d in row %d, want %d in row %d", target, b.TargetID[target], b.TargetRow[target], b.IDs[row], row-1)
				}
				target++
			}
		}
		if target != size.Targets {
			t.Fatalf("%d targets, want %d", target, size.Targets)
		}
		for _, small := range []engine.TrainLimits{
			{MaxTokens: size.Tokens - 1, MaxWindows: size.Windows, MaxTargets: size.Targets},
			{MaxTokens: size.Tokens, MaxWindows: size.Windows - 1, MaxTargets: size.Targets},
			{MaxTokens: size.Tokens, MaxWindows: size.Windows, MaxTargets: size.Targets - 1},
		} {
			if size.Fits(small) {
				t.Fatalf("%+v fits %+v", size, small)
			}
		}
	}
}

// Memories come after the header, as long as they fit beside the targets, and before older messages.
func TestReader_Memories(t *testing.T) {
	t.Parallel()
	m := &memory{}
	m.add("header", 1, "oldest", "older", "target")
	m.list[0].Memory = [][]byte{[]byte("memory 1\n"), []byte("memory 2\n")}
	for tokens, want := range map[int]string{
		100: "header\nmemory 1\nmemory 2\noldest\nolder\ntarget\n",
		40:  "header\nmemory 1\nmemory 2\nolder\ntarget\n",
		25:  "header\nmemory 1\ntarget\n",
		14:  "header\ntarget\n",
	} {
		w, err := batch.NewReader(m, &byteEncoder{}, tokens).Read(0)
		if err != nil || text(w.IDs) != want || w.TargetTokens() != len("target\n") {
			t.Errorf("%d tokens: %q, %v", tokens, text(w.IDs), err)
		}
	}
}

package evaluate

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/windows"
)

// styles is a session of a model of bytes that knows how each person writes: a byte of a text has the log-probability -1 if the
// line's name has it among their letters, else -3. Everything else is certain, whoever writes.
type styles struct {
	letters map[string]string
	read    []byte // sequence 0
	forks   map[int][]byte
	longest int // of all sequences together
}

func (s *styles) of(sequence int) []byte {
	if sequence == 0 {
		return s.read
	}
	return s.forks[sequence]
}

func (s *styles) set(sequence int, read []byte) {
	if sequence == 0 {
		s.read = read
	} else {
		if s.forks == nil {
			s.forks = map[int][]byte{}
		}
		s.forks[sequence] = read
	}
	total := len(s.read)
	for _, fork := range s.forks {
		total += len(fork)
	}
	s.longest = max(s.longest, total)
}

func (s *styles) Prefill(sequence int, ids []int32, _ []float32) error {
	read := s.of(sequence)
	for _, id := range ids {
		read = append(read, byte(id))
	}
	s.set(sequence, read)
	return nil
}

func (s *styles) Truncate(sequence, length int) error {
	s.set(sequence, s.of(sequence)[:length])
	return nil
}

func (s *styles) Fork(from, to int) error {
	if len(s.of(to)) > 0 {
		return errors.New("the sequence is not empty")
	}
	s.set(to, slices.Clone(s.of(from)))
	return nil
}

func (s *styles) Score(sequence int, ids []int32, logProb []float32, _ []int32) error {
	read := s.of(sequence)
	for i, id := range ids {
		if i > 0 {
			logProb[i-1] = s.logProb(read, byte(id))
		}
		read = append(read, byte(id))
	}
	s.set(sequence, read)
	return nil
}

func (s *styles) ScoreEach(sequences []int, ids [][]int32, logProb [][]float32, argmax [][]int32) error {
	for i, sequence := range sequences {
		if err := s.Score(sequence, ids[i], logProb[i], argmax[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *styles) logProb(read []byte, next byte) float32 {
	line := string(read[bytes.LastIndexByte(read, '\n')+1:])
	_, text, inText := strings.Cut(line, `"text": "`)
	if !inText || strings.Contains(text, `"`) || next == '"' {
		return 0
	}
	name := strings.Split(line, `"`)[3]
	if strings.IndexByte(s.letters[name], next) >= 0 {
		return -1
	}
	return -3
}

// openConversations writes conversations as windows of two messages of context and the given targets.
func openConversations(t *testing.T, members []string, targets ...windows.Message) windows.List {
	t.Helper()
	text := windows.AppendHeader(nil, windows.NewHeader("", members, "2024-03-15"))
	for _, m := range append([]windows.Message{message(members[0], "before"), message(members[1], "after")}, targets...) {
		text = windows.AppendMessage(text, &m)
	}
	file := windows.AppendString([]byte(`{"text": `), text)
	path := filepath.Join(t.TempDir(), "windows.jsonl")
	if err := os.WriteFile(path, append(file, []byte(`, "targets": `+string(rune('0'+len(targets)))+"}\n")...), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := windows.OpenFile(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	return source
}

func close1(got, want float64) bool { return math.Abs(got-want) < 1e-6 }

// Ann writes a, Ben b. Ben's "a" is taken for Ann's; every other message is right. One letter more likely by e^2 makes the guess
// 1 / (1 + e^-2) sure, two of them 1 / (1 + e^-4).
func TestSet_WhoSaidItKnownCase(t *testing.T) {
	t.Parallel()
	source := openConversations(t, []string{"Ann", "Ben"}, message("Ann", "a"), message("Ben", "bb"), message("Ben", "a"), message("Ben", "b"))
	set := newSet(t, source, 1<<20)
	session := &styles{letters: map[string]string{"Ann": "a", "Ben": "b"}}
	got, detail, err := set.WhoSaidIt(context.Background(), session, nil)
	if err != nil {
		t.Fatal(err)
	}
	one, two := 1/(1+math.Exp(-2)), 1/(1+math.Exp(-4))
	if got.Messages != 4 || !close1(got.Accuracy, 0.75) || !close1(got.Chance, 0.5) || !close1(got.Majority, 0.75) {
		t.Errorf("%+v", got)
	}
	// The bin of 0.8 holds three guesses, of which two are right; that of 0.9 one.
	if want := (math.Abs(3*one-2) + math.Abs(two-1)) / 4; !close1(got.ECE, want) {
		t.Errorf("ECE %g, want %g", got.ECE, want)
	}
	if ann, ben := got.PerContact["Ann"], got.PerContact["Ben"]; ann.Messages != 1 || ann.Accuracy != 1 || ben.Messages != 3 || !close1(ben.Accuracy, 2./3) {
		t.Errorf("%+v", got.PerContact)
	}
	// Ben's "a" is of the bin of 0.8, with Ann's and Ben's "b".
	if c := detail.Confusion; c["Ben"]["Ann"] != 1 || c["Ben"]["Ben"] != 2 || c["Ann"]["Ann"] != 1 || len(c["Ann"]) != 1 {
		t.Errorf("confusion %v", c)
	}
	if r := detail.Reliability; len(r) != 2 || r[0].Messages != 3 || !close1(r[0].Confidence, one) || !close1(r[0].Accuracy, 2./3) || !close1(r[1].Confidence, two) {
		t.Errorf("reliability %+v", r)
	}
	// The names are certain, whoever writes: the whole line says what its text says.
	if !close1(detail.WithContext, 0.75) {
		t.Errorf("with context %g", detail.WithContext)
	}
	if l := detail.ByLength; len(l) != 1 || l[0].From != 1 || l[0].To != 10 || l[0].Messages != 4 || !close1(l[0].Accuracy, 0.75) || !close1(l[0].Chance, 0.5) {
		t.Errorf("by length %+v", l)
	}
	// Four messages of one window are one unit: too few for an interval.
	if detail.Accuracy != nil || detail.Resampled != "windows" || detail.Units != 1 {
		t.Errorf("%+v", detail)
	}
	// Shared tokens take no room, and the test's sequences share none.
	if session.longest > set.SequenceTokens()+len(session.read)*set.Sequences() {
		t.Errorf("%d tokens in a session for %d", session.longest, set.SequenceTokens())
	}
}

// A model for which all write alike names the first member, and claims no more than chance.
func TestSet_WhoSaidItUniformModel(t *testing.T) {
	t.Parallel()
	source := openConversations(t, []string{"Ann", "Ben", "Cy", "Di"}, message("Ann", "x"), message("Ben", "y"), message("Cy", "z"), message("Di", "z"))
	got, _, err := newSet(t, source, 1<<20).WhoSaidIt(context.Background(), &styles{}, nil)
	if err != nil || !close1(got.Accuracy, 0.25) || !close1(got.Chance, 0.25) || !close1(got.ECE, 0) {
		t.Errorf("%+v, %v", got, err)
	}
}

// What the sequence holds between two messages is the window's own text, and the frequency of a name in it does not count.
func TestSet_WhoSaidItKeepsTheContext(t *testing.T) {
	t.Parallel()
	source := openConversations(t, []string{"Ann", "Ben"}, message("Ann", "a"), message("Ann", "aa"), message("Ann", "b"))
	session := &styles{letters: map[string]string{"Ann": "a", "Ben": "b"}}
	got, _, err := newSet(t, source, 1<<20).WhoSaidIt(context.Background(), session, nil)
	if err != nil || !close1(got.Accuracy, 2./3) || !close1(got.Majority, 1) {
		t.Errorf("%+v, %v", got, err)
	}
	w, err := source.Window(0)
	if err != nil {
		t.Fatal(err)
	}
	whole := string(w.Header)
	for _, l := range w.Lines {
		whole += string(l.Text)
	}
	if string(session.read) != whole {
		t.Errorf("the session holds\n%s", session.read)
	}
}

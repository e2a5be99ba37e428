package windows_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/windows"
)

// chatter returns n messages of two conversations over many days, from a small vocabulary. Each holds a word of its own, mN.
func chatter(n int, seed uint64) []entry {
	random := rand.New(rand.NewPCG(seed, 1))
	entries := make([]entry, n)
	at := monday
	for i := range entries {
		at = at.Add(time.Duration(random.IntN(600)) * time.Minute)
		words := []string{fmt.Sprintf("m%d", i)}
		for range 1 + random.IntN(5) {
			words = append(words, fmt.Sprintf("word%d", random.IntN(60)))
		}
		e := entry{members: []string{"+1"}}
		if random.IntN(3) == 0 {
			e.group, e.members = true, []string{"+1", "+2"}
		}
		e.Row, e.GUID, e.TargetPart = int64(i+1), fmt.Sprintf("guid-%d", i), messages.WholeMessage
		e.Date, e.Text = at.UnixNano(), strings.Join(words, " ")
		if who := random.IntN(len(e.members) + 1); who > 0 {
			e.Sender = e.members[who-1]
		}
		entries[i] = e
	}
	return entries
}

// words counts a token for each word.
func words(line string) int { return len(strings.Fields(line)) }

const budget = 60

// remembering returns the windows of entries with memories.
func remembering(t *testing.T, entries []entry, heldOut int) (windows.List, *messages.DB) {
	t.Helper()
	o := options(12, 3)
	o.HeldOut, o.Memory = heldOut, budget
	_, _, db := build(t, o, entries)
	list, err := windows.OpenDatabase(t.Context(), db.Path(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { list.Close() })
	if windows.MemoryTokens(list) != budget {
		t.Fatalf("%d tokens of memory", windows.MemoryTokens(list))
	}
	return windows.WithMemory(list, windows.MemoryTokens(list), words), db
}

func windowAt(t testing.TB, l windows.List, i int) *windows.Window {
	t.Helper()
	w, err := l.Window(i)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func memoryOf(w *windows.Window) string { return string(bytes.Join(w.Memory, nil)) }

// Memories are of earlier days, of the same people, never held out, and within the budget.
func TestMemory_OnlyThePast(t *testing.T) {
	t.Parallel()
	entries := chatter(400, 1)
	list, db := remembering(t, entries, 5)
	when, who := map[string]time.Time{}, map[string]int{}
	for _, e := range entries {
		tag := strings.Fields(e.Text)[0]
		when[tag], who[tag] = time.Unix(0, e.Date), len(e.members)
	}
	secret := map[string]bool{}
	for i := range list.Len() {
		if list.HeldOut(i) {
			for _, line := range windowAt(t, list, i).TargetLines() {
				m, _ := windows.ParseMessage(line.Text)
				secret[strings.Fields(m.Text)[0]] = true
			}
		}
	}
	inUse, err := windows.OpenMemory(t.Context(), db.Path(), budget, words)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inUse.Close() })
	for tag := range secret {
		header := windows.NewHeader("", [][]string{{"Aidan", "John"}, {"Aidan", "John", "Zoë"}}[who[tag]-1], "2030-01-01")
		if lines, err := inUse.Lines(header, []windows.Message{{Name: "John", ContentType: "text", Text: tag}}, "Aidan"); err != nil || lines != nil {
			t.Errorf("a held-out message is remembered later: %s, %v", lines, err)
		}
	}
	filled := 0
	for i := range list.Len() {
		w := windowAt(t, list, i)
		header, err := windows.ParseHeader(w.Header)
		if err != nil {
			t.Fatal(err)
		}
		used, last := 0, ""
		for _, line := range w.Memory {
			m, err := windows.ParseMemory(line)
			if err != nil {
				t.Fatal(err)
			}
			tag := strings.Fields(m.Text)[0]
			if m.Date >= header.Start || m.Date != windows.StartDate(when[tag]) || m.Date < last || secret[tag] || who[tag] != len(header.Members)-1 {
				t.Errorf("%s of %v from %s on has %s", list.Where(i), header.Members, header.Start, line)
			}
			used, last = used+words(string(line)), m.Date
		}
		if used > budget {
			t.Errorf("%s: %d tokens", list.Where(i), used)
		}
		if used > 0 {
			filled++
		}
	}
	if filled < list.Len()/2 || len(secret) != 10 {
		t.Errorf("%d of %d windows remember something, %d messages are held out", filled, list.Len(), len(secret))
	}
}

// What comes later changes no memory: the same moment has the same lines in a longer history, in use and in a window file.
func TestMemory_SameForTheSameMoment(t *testing.T) {
	t.Parallel()
	entries := chatter(400, 2)
	list, _ := remembering(t, entries[:300], 0)
	longer, db := remembering(t, entries, 0)
	memories := map[string]string{} // by the text of the window
	for i := range longer.Len() {
		w := windowAt(t, longer, i)
		memories[textOf(w)] = memoryOf(w)
	}
	inUse, err := windows.OpenMemory(t.Context(), db.Path(), budget, words)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inUse.Close() })
	same := 0
	for i := range list.Len() {
		w := windowAt(t, list, i)
		if later, there := memories[textOf(w)]; there {
			same++
			if memoryOf(w) != later {
				t.Errorf("%s: %s, and in a longer history %s", list.Where(i), memoryOf(w), later)
			}
		}
		header, _ := windows.ParseHeader(w.Header)
		var all []windows.Message
		for _, line := range w.Lines {
			m, _ := windows.ParseMessage(line.Text)
			all = append(all, m)
		}
		first := len(all) - w.Targets
		lines, err := inUse.Lines(header, all[:first], all[first].Name)
		if err != nil || string(bytes.Join(lines, nil)) != memoryOf(w) {
			t.Errorf("%s: %s, and in use %s, %v", list.Where(i), memoryOf(w), bytes.Join(lines, nil), err)
		}
	}
	if same < list.Len()-8 {
		t.Errorf("%d of %d windows are the same", same, list.Len())
	}
	var file bytes.Buffer
	if err := windows.ExportList(t.Context(), list, &file, nil); err != nil {
		t.Fatal(err)
	}
	for i, w := range readAll(t, file.String()) {
		if mine := windowAt(t, list, i); textOf(w) != textOf(mine) || memoryOf(w) != memoryOf(mine) || w.Targets != mine.Targets {
			t.Errorf("window %d of the file differs", i)
		}
	}
}

// What is asked about is found, however long ago; of equals the latest, and the one in which the author took part.
func TestMemory_FindsWhatIsAskedAbout(t *testing.T) {
	t.Parallel()
	entries := chatter(300, 3)
	for i := range entries {
		entries[i].members, entries[i].group = []string{"+1"}, false
		if entries[i].Sender != "" {
			entries[i].Sender = "+1"
		}
	}
	entries[20].Text, entries[21].Text = "m20 what is the password of the router?", "m21 it's Zürich, don't tell"
	entries[21].Date = entries[20].Date + int64(time.Minute)
	list, db := remembering(t, entries, 0)
	list.Close()
	memory, err := windows.OpenMemory(t.Context(), db.Path(), budget, words)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { memory.Close() })
	ask := func(start, text string, members ...string) string {
		lines, err := memory.Lines(windows.NewHeader("dm", members, start), []windows.Message{{Name: "John", ContentType: "text", Text: text}}, "Aidan")
		if err != nil {
			t.Fatal(err)
		}
		return string(bytes.Join(lines, nil))
	}
	for _, text := range []string{"Password?", "ZÜRICH", "the router..."} {
		if got := ask("2030-01-01", text, "John", "Aidan"); !strings.Contains(got, "the password of the router") || !strings.Contains(got, "it's Zürich") {
			t.Errorf("%q: %s", text, got)
		}
	}
	for name, got := range map[string]string{
		"before it":      ask("2024-03-11", "password", "John", "Aidan"),
		"other people":   ask("2030-01-01", "password", "John", "Aidan", "Zoë"),
		"no words":       ask("2030-01-01", "?!", "John", "Aidan"),
		"unknown words":  ask("2030-01-01", "xylophone", "John", "Aidan"),
		"no date at all": ask("some day", "password", "John", "Aidan"),
	} {
		if got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// A window file may have memories between a header and its messages, and nowhere else; their form is checked.
func TestOpenFile_Memories(t *testing.T) {
	t.Parallel()
	const header, message = `{\"type\": \"dm\", \"members\": [\"A\", \"B\"], \"start\": \"2024-03-15\"}\n`, `{\"name\": \"A\", \"text\": \"x\"}\n`
	const memory = `{\"memory\": \"2023-07-01\", \"name\": \"B\", \"text\": \"y\"}\n`
	all := readAll(t, `{"text": "`+header+memory+memory+message+`"}`)
	if len(all[0].Memory) != 2 || len(all[0].Lines) != 1 || !slices.Equal(all[0].Memory[0], []byte(`{"memory": "2023-07-01", "name": "B", "text": "y"}`+"\n")) {
		t.Errorf("%s", all[0].Memory)
	}
	for text, problem := range map[string]string{
		header + memory: "no message",
		header + strings.Replace(memory, "2023-07-01", "July", 1) + message:             "line 2 of the window: the memory's date",
		header + memory + strings.Replace(memory, `\"name\": \"B\", `, "", 1) + message: "line 3 of the window: the memory needs",
		header + memory + message + strings.Replace(message, `\"text\": \"x\"`, "", 1):  "line 4 of the window",
	} {
		if _, err := windows.OpenFile(context.Background(), writeFile(t, `{"text": "`+text+`"}`), nil); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%v, want %s", err, problem)
		}
	}
}

package windows_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/windows"
)

// talk is a group in which these addresses write in turn, a minute apart, with distinct messages.
func talk(members []string, senders ...string) []entry {
	entries := said(make([]string, len(senders))...)
	for i := range entries {
		entries[i].group, entries[i].members = true, members
		entries[i].Sender = senders[i]
		entries[i].Text = fmt.Sprintf("message %d", i+1)
	}
	return entries
}

func anonymous(window, stride int) windows.Options {
	o := options(window, stride)
	o.Anonymous = true
	return o
}

// linesOf returns lines as "name: text".
func linesOf(t *testing.T, lines []windows.Line) (list []string) {
	t.Helper()
	for _, line := range lines {
		m, err := windows.ParseMessage(line.Text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m.Name+": "+m.Text)
	}
	return list
}

func TestBuild_AnonymousKeepsUnlistedPeople(t *testing.T) {
	t.Parallel()
	entries := append(talk([]string{"+1", "+9", "+8"}, "", "+9", "+1", "+8", "+9"), said("hi")...)
	entries[5].GUID = "other"
	exported, summary, _ := build(t, options(100, 1), entries)
	if summary.Messages != 1 || strings.Contains(exported, "Unknown") {
		t.Errorf("summary %+v", summary)
	}
	exported, summary, _ = build(t, anonymous(100, 1), entries)
	if summary.Messages != 6 || summary.Windows != 3 || summary.LeftOut.Messages != 0 || len(summary.LeftOut.People) != 0 {
		t.Errorf("summary %+v", summary)
	}
	all := readAll(t, exported)
	group := all[len(all)-1]
	if h := string(group.Header); !strings.Contains(h, `"group", "members": ["Aidan", "John", "Unknown 1", "Unknown 2"]`) {
		t.Errorf("header %s", h)
	}
	if got := linesOf(t, group.Lines); !slices.Equal(got, []string{"Aidan: message 1", "Unknown 2: message 2", "John: message 3"}) {
		t.Errorf("the last window reads %q", got)
	}
}

// A direct chat with a stranger has only the owner to learn from, so it stays out.
func TestBuild_AnonymousAppliesToGroupsOnly(t *testing.T) {
	t.Parallel()
	entries := said("hello", "you", "known")
	for i := range 2 {
		entries[i].members = []string{"+1999"}
	}
	entries[1].Sender = "+1999"
	_, summary, _ := build(t, anonymous(100, 1), entries)
	if summary.Messages != 1 || summary.LeftOut.Messages != 2 {
		t.Errorf("summary %+v", summary)
	}
}

func TestBuild_AnonymousNeedsATarget(t *testing.T) {
	t.Parallel()
	entries := append(talk([]string{"+1", "+9"}, "+9", "+9"), said("hi")...)
	entries[2].GUID = "other"
	exported, summary, _ := build(t, anonymous(100, 1), entries)
	if summary.Messages != 1 || summary.Conversations != 1 || summary.LeftOut.Messages != 2 || strings.Contains(exported, "Unknown") {
		t.Errorf("summary %+v, export\n%s", summary, exported)
	}
}

func TestBuild_ContactNamedUnknown(t *testing.T) {
	t.Parallel()
	o := anonymous(100, 1)
	o.People = func(address string) (string, bool) {
		if address == "+1" {
			return "Unknown 1", true
		}
		return address, false
	}
	exported, _, _ := build(t, o, talk([]string{"+1", "+9"}, "", "+9", "+1"))
	if !strings.Contains(exported, `[\"Aidan\", \"Unknown 1\", \"Unknown 2\"]`) || !strings.Contains(exported, `{\"name\": \"Unknown 2\"`) {
		t.Errorf("export\n%s", exported)
	}
}

// Groups with different strangers look alike in a window file, so both lists must count them as one conversation.
func TestList_FileMatchesDatabaseForAnonymousGroups(t *testing.T) {
	t.Parallel()
	first, second := talk([]string{"+1", "+9"}, "", "+9", "", "+1", "+1"), talk([]string{"+1", "+8"}, "", "+8", "+1", "", "+1")
	for i := range second {
		second[i].GUID += " of the second"
	}
	exported, _, db := build(t, anonymous(3, 1), append(first, second...))
	fromFile := openText(t, exported)
	fromDatabase, err := windows.OpenDatabase(context.Background(), db.Path(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer fromDatabase.Close()
	if _, held := windows.Split(fromFile); len(held) != 2 {
		t.Errorf("of the file %v are held out", held)
	}
	if fmt.Sprint(fromFile.Conversations()) != fmt.Sprint(fromDatabase.Conversations()) {
		t.Errorf("conversations %q and %q", fromFile.Conversations(), fromDatabase.Conversations())
	}
}

// checkWindows checks the windows of one conversation against docs/windows.md: messages are numbered 1 to n; messages of
// people that nothing is learned of are not targets; targets come in order, each once, up to stride consecutive ones at a
// time; and a window holds its targets and the messages before them.
func checkWindows(t *testing.T, all []*windows.Window, lines []string, window, stride int) {
	t.Helper()
	next := 0 // the window that comes
	for e := 0; e < len(lines); {
		if strings.HasPrefix(lines[e], "Unknown ") {
			e++
			continue
		}
		first := e
		for e < len(lines) && e-first < stride && !strings.HasPrefix(lines[e], "Unknown ") {
			e++
		}
		if next == len(all) {
			t.Fatalf("there are %d windows, and none for %q", len(all), lines[first:e])
		}
		w := all[next]
		if got, want := linesOf(t, w.Lines), lines[max(0, e-window):e]; !slices.Equal(got, want) || w.Targets != e-first {
			t.Fatalf("window %d of %d and %d reads %q with %d targets, want %q with %d", next, window, stride, got, w.Targets, want, e-first)
		}
		next++
	}
	if next != len(all) {
		t.Fatalf("there are %d windows, want %d", len(all), next)
	}
}

func TestBuild_WindowsOfRandomConversations(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 1))
		senders := []string{"", "+1", "+2", "+9", "+8"}
		said := make([]string, 1+random.IntN(40))
		for i := range said {
			said[i] = senders[random.IntN(len(senders))]
		}
		said[random.IntN(len(said))] = "" // something to learn
		entries := talk([]string{"+1", "+2", "+9", "+8"}, said...)
		lines := make([]string, len(said))
		for i, sender := range said {
			name := map[string]string{"": "Aidan", "+1": "John", "+2": "Zoë", "+8": "Unknown 1", "+9": "Unknown 2"}[sender]
			lines[i] = name + ": " + entries[i].Text
		}
		window := 1 + random.IntN(8)
		stride := 1 + random.IntN(window)
		o := anonymous(window, stride)
		from, to := random.IntN(len(lines)+1), random.IntN(len(lines)+1)
		if random.IntN(2) == 0 && from < to && slices.ContainsFunc(lines[from:to], func(l string) bool { return !strings.HasPrefix(l, "Unknown") }) {
			o.Since, o.Until = monday.Add(time.Duration(from)*time.Minute), monday.Add(time.Duration(to)*time.Minute)
			lines = lines[from:to]
		}
		exported, summary, _ := build(t, o, entries)
		checkWindows(t, readAll(t, exported), lines, window, stride)
		if total := summary.Messages + summary.LeftOut.OtherTime; total != int64(len(said)) {
			t.Fatalf("seed %d: %d messages are accounted for, of %d", seed, total, len(said))
		}
	}
}

func TestBuild_Filter(t *testing.T) {
	t.Parallel()
	// A direct chat with John of 3 messages, one with Zoë of 1, a group of both of 2.
	entries := append(said("a", "b", "c"), talk([]string{"+1", "+2"}, "", "+2")...)
	for i := range 2 {
		entries[3+i].GUID = fmt.Sprint("group ", i)
	}
	zoe := said("z")[0]
	zoe.GUID, zoe.members = "zoë", []string{"+2"}
	entries = append(entries, zoe)
	for name, c := range map[string]struct {
		choice                      windows.Filter
		messages, notChosen, fewest int64
	}{
		"All":            {windows.Filter{}, 6, 0, 0},
		"Only":           {windows.Filter{Only: []string{"John"}}, 5, 1, 0},
		"OnlyOneOf":      {windows.Filter{Only: []string{"John", "Zoë"}}, 6, 0, 0},
		"Exclude":        {windows.Filter{Exclude: []string{"Zoë"}}, 3, 3, 0},
		"OnlyAndExclude": {windows.Filter{Only: []string{"Zoë"}, Exclude: []string{"John"}}, 1, 5, 0},
		"MinMessages":    {windows.Filter{MinMessages: 2}, 5, 0, 1},
		"MoreMessages":   {windows.Filter{MinMessages: 3}, 3, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(2, 1)
			o.Filter = c.choice
			exported, summary, db := build(t, o, entries)
			if summary.Messages != c.messages || summary.Windows != c.messages || summary.LeftOut.NotChosen != c.notChosen || summary.LeftOut.Few != c.fewest {
				t.Errorf("summary %+v", summary)
			}
			if got := len(readAll(t, exported)); int64(got) != c.messages {
				t.Errorf("%d windows", got)
			}
			var stored int64
			if err := db.SQL().QueryRow(`SELECT count(*) FROM training_messages`).Scan(&stored); err != nil || stored != c.messages {
				t.Errorf("%d training messages (%v)", stored, err)
			}
		})
	}
}

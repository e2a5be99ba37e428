package canary_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/canary"
	"ventriloquist/internal/windows"
)

func openWindows(t *testing.T) windows.List {
	t.Helper()
	path := filepath.Join(t.TempDir(), "windows.jsonl")
	var rows strings.Builder
	for _, other := range []string{"Ben", "Zoe"} {
		for range 4 {
			rows.WriteString(`{"text": "{\"type\": \"dm\", \"members\": [\"Ada\", \"` + other + `\"], \"start\": \"2024-03-15\"}\n` +
				`{\"name\": \"` + other + `\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"hey\"}\n"}` + "\n")
		}
	}
	if err := os.WriteFile(path, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := windows.OpenFile(context.Background(), path, func(_, _ int64) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { list.Close() })
	return list
}

// Each sentence is the target of as many windows of its own as the record says; all other windows stay as they are.
func TestPlant_AddsWindowsToTrainOn(t *testing.T) {
	t.Parallel()
	list := openWindows(t)
	planted, file, err := canary.Plant(list, 6, 3)
	if err != nil {
		t.Fatal(err)
	}
	train, heldOut := windows.Split(list)
	trainNow, heldOutNow := windows.Split(planted)
	if !slices.Equal(heldOut, heldOutNow) || len(trainNow) != len(train)+1+2+4+8+1+2 || !slices.Equal(trainNow[:len(train)], train) {
		t.Fatalf("%d windows to train on, %d held out", len(trainNow), len(heldOutNow))
	}
	count := map[string]int{}
	for _, i := range trainNow[len(train):] {
		w, err := planted.Window(i)
		if err != nil {
			t.Fatal(err)
		}
		m, err := windows.ParseMessage(w.Lines[0].Text)
		if err != nil || len(w.Lines) != 1 || planted.Targets(i) != 1 || w.Lines[0].ID >= planted.Lines() || w.Lines[0].ID < list.Lines() {
			t.Fatalf("window %d: %v", i, err)
		}
		count[m.Text]++
	}
	for _, c := range file.Canaries {
		if count[c.Text] != c.Times {
			t.Errorf("%q is planted %d times, want %d", c.Text, count[c.Text], c.Times)
		}
	}
	_, again, err := canary.Plant(list, 6, 3)
	if err != nil || again.Canaries[5].Text != file.Canaries[5].Text {
		t.Errorf("the same seed plants other sentences (%v)", err)
	}
	if slices.Contains(canary.Alternatives(1000, 3), file.Canaries[0].Text) {
		t.Error("a planted sentence is among the alternatives")
	}
}

// The record loses the sentences of conversations with a person who is forgotten, and goes with the last one.
func TestForget_RemovesSentencesOfTheirConversations(t *testing.T) {
	t.Parallel()
	_, file, err := canary.Plant(openWindows(t), 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	text, err := file.JSON()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "canaries.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := canary.Forget(path, "Zoe"); err != nil || n == 0 || n == 20 {
		t.Fatalf("%d removed (%v)", n, err)
	}
	if left, err := os.ReadFile(path); err != nil || strings.Contains(string(left), "Zoe") || !strings.Contains(string(left), "Ben") {
		t.Errorf("left: %s (%v)", left, err)
	}
	if _, err := canary.Forget(path, "Ben"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("an empty record is left")
	}
	if err := os.WriteFile(path, []byte(`["Zoe"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := canary.Forget(path, "Zoe"); err != nil || n != 0 {
		t.Errorf("a file of another program: %d (%v)", n, err)
	}
}

// A model that remembers nothing ranks sentences anywhere; one that copies ranks them first.
func TestNewReport_Verdicts(t *testing.T) {
	t.Parallel()
	ranks := func(single, repeated int) (list []canary.Rank) {
		for i := range 5 {
			list = append(list, canary.Rank{Times: 1, Rank: single + 9*i}, canary.Rank{Times: 8, Rank: repeated + i%2})
		}
		return list
	}
	for _, c := range []struct {
		ranks []canary.Rank
		want  canary.Verdict
		from  int
	}{
		{ranks(100, 100), canary.Forgets, 0},
		{ranks(100, 1), canary.Repeated, 8},
		{[]canary.Rank{{Times: 1, Rank: 1}, {Times: 1, Rank: 2}, {Times: 1, Rank: 3}}, canary.Once, 1},
		{[]canary.Rank{{Times: 1, Rank: 1}}, canary.Forgets, 0}, // one alone may be chance
	} {
		if r := canary.NewReport(c.ranks, 255); r.Verdict != c.want || r.From != c.from {
			t.Errorf("%v: %s from %d, want %s", c.ranks, r.Verdict, r.From, c.want)
		}
	}
	if r := canary.NewReport([]canary.Rank{{Times: 2, Rank: 1}, {Times: 2, Rank: 256}}, 255); r.ByTimes[0].Exposure != 4 || r.ByTimes[0].Remembered != 1 {
		t.Errorf("ranks 1 and 256 of 256 give %+v, want an exposure of (8 + 0) / 2 bits", r.ByTimes[0])
	}
}

package datacheck_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/datacheck"
	"ventriloquist/internal/windows"
)

// message is a target of a window of its own.
type message struct{ name, kind, text string }

// many returns n different messages of a person.
func many(n int, name string) (list []message) {
	for i := range n {
		list = append(list, message{name, "text", fmt.Sprintf("message number %d of %s, unlike the others", i, name)})
	}
	return list
}

// kinds returns the kinds of what is found in windows of these messages, the last of which are held out.
func find(t *testing.T, train, heldOut []message, people ...string) []datacheck.Finding {
	t.Helper()
	var text strings.Builder
	for _, m := range slices.Concat(train, heldOut) {
		names := `\"` + strings.Join(people, `\", \"`) + `\"`
		fmt.Fprintf(&text, `{"text": "{\"type\": \"group\", \"members\": [%s], \"start\": \"2024-03-15\"}\n`+
			`{\"name\": \"%s\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"%s\", \"text\": \"%s\"}\n"}`+"\n", names, m.name, m.kind, m.text)
	}
	path := filepath.Join(t.TempDir(), "windows.jsonl")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := windows.OpenFile(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	indices := make([]int, source.Len())
	for i := range indices {
		indices[i] = i
	}
	watched, checker := datacheck.Watch(source, indices[:len(train)], indices[len(train):])
	for range 2 { // a second reading counts nothing
		for _, i := range indices {
			if _, err := watched.Window(i); err != nil {
				t.Fatal(err)
			}
		}
	}
	return checker.Findings()
}

func TestChecker_FindsWhatRuinsRuns(t *testing.T) {
	t.Parallel()
	good, held := slices.Concat(many(300, "Ada"), many(300, "Ben")), many(400, "Cleo")
	images := slices.Repeat([]message{{"Ada", "image", "IMG_0001.jpeg"}}, 700)
	calendar := slices.Repeat([]message{{"Ben", "text", "Reminder: stand-up in five minutes"}}, 200)
	for name, c := range map[string]struct {
		train, heldOut []message
		people         []string
		want           string // kind and count
		words          string
	}{
		"good":                 {good, held, []string{"Ada", "Ben"}, "", ""},
		"few targets":          {many(150, "Ada"), held, []string{"Ada"}, "few_targets 150", "only 150 target messages"},
		"one person":           {slices.Concat(many(980, "Ada"), many(20, "Ben")), held, []string{"Ada", "Ben"}, "one_person 980 few_of_person 1", "Ada wrote 98% of the targets"},
		"alone":                {many(980, "Ada"), held, []string{"Ada"}, "", ""},
		"silent people":        {good, held, []string{"Ada", "Ben", "Cleo", "Dan"}, "few_of_person 2", "2 people have fewer than 50 targets: Cleo (0), Dan (0)"},
		"images":               {slices.Concat(good, images), held, []string{"Ada", "Ben"}, "non_text 700", `54% of the targets are not text, most of them of type "image"`},
		"reminders":            {slices.Concat(good, calendar), held, []string{"Ada", "Ben"}, "duplicates 199", `Ben wrote "Reminder: stand-up in five minutes" 200 times`},
		"short words repeat":   {slices.Concat(good, slices.Repeat([]message{{"Ada", "text", "ok"}}, 200)), held, []string{"Ada", "Ben"}, "", ""},
		"nothing held out":     {good, nil, []string{"Ada", "Ben"}, "none_held_out 0", "no message is held out"},
		"little held out":      {good, many(30, "Cleo"), []string{"Ada", "Ben"}, "held_out_small 30", "only 30 messages are held out: a difference of two held-out losses below about 0.11"},
		"one message held out": {good, many(1, "Cleo"), []string{"Ada", "Ben"}, "held_out_small 1", "only 1 message is held out"},
		"trained on":           {good, good[:250], []string{"Ada", "Ben"}, "leak 250", "100% of the held-out messages are also trained on"},
	} {
		var got []string
		all := ""
		for _, f := range find(t, c.train, c.heldOut, c.people...) {
			got = append(got, fmt.Sprintf("%s %d", f.Kind, f.Count))
			all += f.Problem + "\n"
			if f.Advice == "" {
				t.Errorf("%s: no advice against %s", name, f.Kind)
			}
		}
		if text := strings.Join(got, " "); text != c.want || !strings.Contains(all, c.words) {
			t.Errorf("%s: found %q, want %q:\n%s", name, text, c.want, all)
		}
	}
}

package demo_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/demo"
	"ventriloquist/internal/model/tiny"
)

func chat(t *testing.T) []demo.Line {
	t.Helper()
	lines, err := demo.Chat()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// pretrainingDays returns the days that the base model was trained or measured on.
func pretrainingDays(t *testing.T) map[string]string {
	t.Helper()
	days := map[string]string{}
	for row := range strings.Lines(tiny.Days) {
		day, kind, ok := strings.Cut(strings.TrimSpace(row), " ")
		if !ok || kind != "train" && kind != "held-out" {
			t.Fatalf("days.txt: %q is not a day and its use", row)
		}
		days[day] = kind
	}
	if len(days) < 50 {
		t.Fatalf("days.txt has %d days", len(days))
	}
	return days
}

func TestChat_HasNoPretrainingDays(t *testing.T) {
	t.Parallel()
	days := pretrainingDays(t)
	for _, line := range chat(t) {
		if kind, ok := days[line.Time.Format("2006-01-02")]; ok {
			t.Fatalf("%s of the demonstration speaks on %s, a %s day of the base model", line.Name, line.Time, kind)
		}
	}
}

// The corpus is not in the repository; if it is next to it, no pretraining day may even name the people.
func TestChat_PeopleAreNotInPretrainingData(t *testing.T) {
	t.Parallel()
	corpus, err := os.Open("../../../shared/chats/ubuntu-irc/train.jsonl.gz")
	if err != nil {
		t.Skip("the corpus is not here")
	}
	defer corpus.Close()
	unzipped, err := gzip.NewReader(corpus)
	if err != nil {
		t.Fatal(err)
	}
	days, named := pretrainingDays(t), peoplePattern(chat(t))
	rows, seen := bufio.NewScanner(unzipped), 0
	for rows.Scan() {
		var row struct{ Chat, Name, Text string }
		if err := json.Unmarshal(rows.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if _, ok := days[strings.TrimPrefix(row.Chat, "ubuntu ")]; !ok {
			continue
		}
		seen++
		if said := " " + row.Name + " " + row.Text + " "; named.MatchString(said) {
			t.Errorf("%s: %s", row.Chat, said)
		}
	}
	if seen < 50000 {
		t.Errorf("only %d messages of pretraining data found", seen)
	}
}

// peoplePattern matches a nickname of the demonstration that is not part of a longer one.
func peoplePattern(lines []demo.Line) *regexp.Regexp {
	var nicks []string
	for _, line := range lines {
		if !slices.Contains(nicks, regexp.QuoteMeta(line.Nick)) {
			nicks = append(nicks, regexp.QuoteMeta(line.Nick))
		}
	}
	return regexp.MustCompile("(?i)[^\\w^|`-](?:" + strings.Join(nicks, "|") + ")[^\\w^|`]")
}

func TestChat_IsInOrderAndComplete(t *testing.T) {
	t.Parallel()
	lines := chat(t)
	if len(lines) != 3717 {
		t.Errorf("%d messages, want 3717", len(lines))
	}
	for i, line := range lines {
		if i > 0 && line.Time.Before(lines[i-1].Time) {
			t.Fatalf("line %d is older than the one before it", i+1)
		}
		if !slices.IsSorted(line.Members) || !slices.Contains(line.Members, line.Name) || !slices.Contains(line.Members, demo.Owner) {
			t.Fatalf("line %d by %s: members %v", i+1, line.Name, line.Members)
		}
		if line.ReplyTo != nil && !slices.Equal(lines[*line.ReplyTo].Members, line.Members) {
			t.Fatalf("line %d answers a line of another chat", i+1)
		}
	}
}

func TestChat_IsSmall(t *testing.T) {
	t.Parallel()
	info, err := os.Stat("chat.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 300_000 {
		t.Errorf("chat.jsonl.gz has %d bytes, the limit is 300,000", info.Size())
	}
}

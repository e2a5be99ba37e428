package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Commands that start at the same moment in a folder that does not exist take turns: all of them succeed, and what each collected
// is there afterwards.
func TestCollect_SeveralAtOnceInANewFolder(t *testing.T) {
	dir := t.TempDir()
	sources := make([]string, 4)
	for i := range sources {
		sources[i] = filepath.Join(dir, fmt.Sprintf("%d.jsonl", i))
		line := fmt.Sprintf(`{"chat": "c%d", "time": %d, "name": "Ann", "text": "hello %d"}`+"\n", i, 1_710_547_260+i, i)
		if err := os.WriteFile(sources[i], []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for round := range rounds(50) {
		work := t.TempDir()
		n := 2 + round%3
		var group sync.WaitGroup
		for _, source := range sources[:n] {
			group.Go(func() {
				if out, err := command(work, nil, "collect", "--source", source, "--data-dir", "new/data").CombinedOutput(); err != nil {
					t.Errorf("round %d of %d: %v\n%s", round, n, err, out)
				}
			})
		}
		group.Wait()
		out, err := command(work, nil, "collect", "--source", sources[0], "--data-dir", "new/data").CombinedOutput()
		if want := fmt.Sprintf("%d messages, reactions included, of 1 conversation", n); err != nil || !contains(out, want) {
			t.Errorf("round %d of %d: %v\n%s", round, n, err, out)
		}
		if left := filesOf(t, filepath.Join(work, "new", "data")); len(left) != 1 {
			t.Errorf("round %d: files are %v", round, left)
		}
		if t.Failed() {
			return
		}
	}
}

// A collect that fails in a new folder leaves neither a messages.db nor the folder.
func TestCollect_FailureLeavesNoEmptyDatabase(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "a.jsonl")
	if err := os.WriteFile(source, []byte(`{"chat": "c", "time": "never", "name": "Ann", "text": "x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := command(dir, nil, "collect", "--source", source, "--format", "jsonl").CombinedOutput(); err == nil {
		t.Errorf("it succeeded: %s", out)
	}
	if left := filesOf(t, dir); len(left) != 1 {
		t.Errorf("files are %v", left)
	}
	if _, err := os.Stat(filepath.Join(dir, defaultDataDir)); err == nil {
		t.Error("an empty data folder was left")
	}
}

// Commands that open messages.db, and record in it what they wrote, do not make a collect fail.
func TestCollect_BesideStatistics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := filepath.Join(dir, "a.jsonl")
	var lines strings.Builder
	add := func(n int) {
		t.Helper()
		fmt.Fprintf(&lines, `{"chat": "c", "time": %d, "name": "Ann", "text": "hello %d"}`+"\n", 1_710_547_260+n, n)
		if err := os.WriteFile(source, []byte(lines.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	add(0)
	if out, err := command(dir, nil, "collect", "--source", source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for round := range rounds(60) {
		add(1 + round)
		var group sync.WaitGroup
		for _, args := range [][]string{{"collect", "--source", source}, {"collect", "--source", source}, {"stats", "--html", "a.html"}, {"stats", "--html", "b.html"}} {
			group.Go(func() {
				if out, err := command(dir, nil, args...).CombinedOutput(); err != nil {
					t.Errorf("round %d: %s: %v\n%s", round, args[0], err, out)
				}
			})
		}
		group.Wait()
	}
}

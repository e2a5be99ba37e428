//go:build linux

package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ventriloquist/internal/sources/imessage/chatdb"
)

// fullDisk runs one command on a disk with little room, then again on one with room. The commands run in namespaces of their own,
// in which the disk is a tmpfs. $1 is the folder to copy onto the disk, $2 where to copy what is on the disk after the first run
// (and its output, as out-N, with the exit code in the last line) and after the second, $3 the room in KiB; the rest is the command.
const fullDisk = `set -eu
from=$1 to=$2 room=$3
shift 3
mkdir -p "$to"
mount -t tmpfs -o size=96m none "$MOUNT"
cd "$MOUNT"
cp -a "$from"/. .
free=$(df -k --output=avail . | tail -1)
head -c $(((free - room) * 1024)) /dev/zero >filler
set +e
"$@" >"$to/out" 2>&1
echo "exit $?" >>"$to/out"
rm filler
cp -a . "$to/first"
"$@" >"$to/out-again" 2>&1
echo "exit $?" >>"$to/out-again"
cp -a . "$to/second"
`

// inNamespaces returns a command that may mount, or skips the test.
func inNamespaces(t *testing.T, script string, args ...string) *exec.Cmd {
	t.Helper()
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("there is no unshare, which makes a small disk without root")
	}
	mount := t.TempDir()
	if out, err := exec.Command(unshare, "-rm", "mount", "-t", "tmpfs", "none", mount).CombinedOutput(); err != nil {
		t.Skipf("this system lets no one but root mount a small disk: %s", bytes.TrimSpace(out))
	}
	c := exec.Command(unshare, append([]string{"-rm", "sh", "-c", script, "sh"}, args...)...)
	c.Env = append(os.Environ(), "MOUNT="+mount, "MY_NAME=Me", "TMPDIR="+mount)
	return c
}

// roomFor says what to do about a full disk, in the errors of all commands.
var roomFor = regexp.MustCompile(`hint: (?:make room on the disk|free \d)`)

// A command that finds the disk full says so, leaves what was there as it was and nothing half written, and does its work once there
// is room.
func TestFullDisk_NothingIsLostOrLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("runs many commands")
	}
	t.Parallel()
	k := newKiller(t, t.TempDir(), "MY_NAME=Me")
	inNamespaces(t, "")
	privateFolder(t, k, 600)
	forgetOutputs(t, k) // they are in the folder that is copied
	if err := os.Remove(k.path("chat.db")); err != nil {
		t.Fatal(err)
	}
	if err := chatdb.WriteHistory(k.path("chat.db"), chatdb.History{Messages: 2500, Chats: 3, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	writeWindows(t, k.path("windows.jsonl"), 12)
	train := []string{"train", "--base-model", "tiny", "--data-path", "windows.jsonl", "--lora-r", "4", "--max-steps", "2", "--save-steps", "1",
		"--eval-steps", "0", "--batch-size", "1", "--gradient-accumulation-steps", "1", "--threads", "1", "--output-dir"}
	k.must(append(train, "a")...)
	for name, c := range map[string]struct {
		rooms []int // KiB
		args  []string
	}{
		"Collect":    {[]int{0, 100, 8, 400}, []string{"collect", "--source", "chat.db"}},
		"New":        {[]int{0, 100, 8}, []string{"collect", "--source", "chat.db", "--data-dir", "new"}},
		"Preprocess": {[]int{0, 100, 8, 400}, []string{"preprocess"}},
		"Redact":     {[]int{0, 100, 8, 400}, []string{"redact"}},
		"Forget":     {[]int{0, 100, 8, 400}, []string{"forget", "--yes", personName}},
		"Train":      {[]int{0, 600, 100}, append(train, "b")},
		"Evaluate":   {[]int{0, 4}, []string{"evaluate", "--adapter", "a/final", "--data-path", "windows.jsonl", "--samples", "2", "--max-new-tokens", "5"}},
	} {
		for _, room := range c.rooms[:min(len(c.rooms), rounds(10))] {
			t.Run(fmt.Sprint(name, room), func(t *testing.T) {
				t.Parallel()
				to := t.TempDir()
				run := inNamespaces(t, fullDisk, append([]string{k.dir, to, fmt.Sprint(room), "vqctl"}, c.args...)...)
				if out, err := run.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				checkFullDisk(t, to, k.dir, name)
			})
		}
	}
}

// forgetOutputs makes messages.db forget where its window files are.
func forgetOutputs(t *testing.T, k *killer) {
	t.Helper()
	db, err := sql.Open("sqlite3", k.path("data", databaseName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`DELETE FROM output`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// checkFullDisk checks what a command printed and left on the disk.
func checkFullDisk(t *testing.T, to, before, name string) {
	t.Helper()
	read := func(file string) string {
		content, err := os.ReadFile(filepath.Join(to, file))
		if err != nil {
			t.Error(err)
		}
		return string(content)
	}
	first, again := read("out"), read("out-again")
	if failed := !strings.HasSuffix(first, "exit 0\n"); failed && !roomFor.MatchString(first) || strings.Contains(first, "context canceled") || strings.Contains(first, "panic") || strings.Contains(first, "goroutine") {
		t.Errorf("on the full disk, it says\n%s", first)
	} else if failed {
		t.Logf("says %s", first)
	}
	done := name == "Forget" && strings.HasSuffix(first, "exit 0\n") // who is forgotten is not known any more
	if !strings.HasSuffix(again, "exit 0\n") && !done {
		t.Errorf("with room, it says\n%s", again)
	}
	for _, state := range []string{"first", "second"} {
		for _, file := range filesOf(t, filepath.Join(to, state)) {
			// Removing the log of messages.db takes room; it is empty, and the next command with room removes it.
			log := strings.HasSuffix(file, "-wal") || strings.HasSuffix(file, "-shm")
			if info, err := os.Stat(filepath.Join(to, state, file)); strings.HasSuffix(file, "-wal") && (err != nil || info.Size() > 0) {
				t.Errorf("%s: %s holds data (%v)", state, file, err)
			}
			if strings.Contains(file, ".partial-") || strings.HasSuffix(file, "-journal") || log && state == "second" {
				t.Errorf("%s: left over: %s", state, file)
			}
		}
	}
	checkKept(t, filepath.Join(to, "first"), before, strings.HasSuffix(first, "exit 0\n"), name)
	gone := map[string]string{"Redact": secretText, "Forget": personWords}[name]
	for _, file := range holding(t, filepath.Join(to, "second", "data"), gone) {
		if gone != "" && (name == "Forget" || file != "mine.jsonl") {
			t.Errorf("%s still holds %q", file, gone)
		}
	}
}

// checkKept checks that a failed command changed none of the files that were there before, except those that the command removes
// or empties first.
func checkKept(t *testing.T, after, before string, succeeded bool, name string) {
	t.Helper()
	if succeeded {
		return
	}
	for _, file := range filesOf(t, before) {
		want, _ := os.ReadFile(filepath.Join(before, file))
		got, err := os.ReadFile(filepath.Join(after, file))
		switch {
		case err != nil:
			t.Errorf("%s is lost", file)
		case !bytes.Equal(got, want) && filepath.Base(file) != databaseName:
			t.Errorf("%s has %d bytes, had %d", file, len(got), len(want))
		}
	}
	c := command(after, []string{"MY_NAME=Me"}, "stats", "--json")
	kept, err := c.Output()
	if err != nil {
		t.Fatalf("stats: %v", err)
	}
	c = command(before, []string{"MY_NAME=Me"}, "stats", "--json")
	if had, err := c.Output(); err != nil || !bytes.Equal(kept, had) {
		t.Errorf("%s: statistics are other than before (%v):\n%s\n%s", name, err, kept, had)
	}
}

// mounted collects into a folder that is mounted, and then changes files that are mounted by themselves, as containers do with single
// files.
const mounted = `set -u
mkdir "$MOUNT/data" && mount -t tmpfs none "$MOUNT/data" && cp "$1"/* "$MOUNT" && cd "$MOUNT" || exit
run() { echo "== $*"; vqctl "$@" </dev/null 2>&1; echo "exit $?"; }
run collect --source chat.db
run contacts add Ann +15550000001
for file in messages.db contacts_to_ids.jsonl; do cp "data/$file" . && mount --bind "$file" "data/$file" || exit; done
run collect --source chat.db
run contacts add Zoe z@example.org
mkdir run && mount -t tmpfs none run
run preprocess
run export --output run/messages.jsonl
`

// A data folder on a disk of its own is as good as any; a file that is a mount of its own cannot be replaced, and the error says so.
func TestMounted_FoldersWorkAndFilesAreNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := chatdb.WriteHistory(filepath.Join(dir, "chat.db"), chatdb.History{Messages: 30, Chats: 3, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	out, err := inNamespaces(t, mounted, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	parts := strings.Split(string(out), "== ")[1:]
	for i, want := range []string{"exit 0", "exit 0", "exit 0", "mount its folder instead\nexit 1", "exit 0", "exit 0"} {
		if i >= len(parts) || !strings.HasSuffix(parts[i], want+"\n") || strings.Contains(parts[i], ".partial-") {
			t.Fatalf("command %d, want %q:\n%s", i+1, want, out)
		}
	}
}

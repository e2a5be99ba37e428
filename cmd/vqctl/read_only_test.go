//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// readOnly runs commands, one per line of $2, on a disk with what is in $1 that cannot be written to.
const readOnly = `set -u
mount -t tmpfs -o size=96m none "$MOUNT" && cp -a "$1"/. "$MOUNT" && mount -o remount,ro "$MOUNT" && cd "$3" || exit
echo "$2" | while read -r line; do
	echo "== $line"
	eval "vqctl $line" </dev/null 2>&1
	echo "exit $?"
done
`

// On a disk that is read-only, what needs only reading works, and all else says what cannot be written, and where.
func TestReadOnlyDisk_ReadsAndSaysWhatCannotBeWritten(t *testing.T) {
	if testing.Short() {
		t.Skip("runs many commands")
	}
	t.Parallel()
	k := newKiller(t, t.TempDir(), "MY_NAME=Me")
	collectHistory(t, k, 300)
	k.must("preprocess")
	here := t.TempDir()
	good, bad := "exit 0", "exit 1"
	for _, c := range []struct{ line, exit, says string }{
		{"stats --data-dir $MOUNT/data", good, "messages"},
		{"contacts --data-dir $MOUNT/data", good, "Ann"},
		{"redact --dry-run --data-dir $MOUNT/data", good, "nothing was changed"},
		{"export --data-dir $MOUNT/data", good, `"text"`},
		{"export --output x.jsonl --data-dir $MOUNT/data", good, "forget and redact will not know x.jsonl"},
		{"stats --html x.html --data-dir $MOUNT/data", good, "forget and redact will not know x.html"},
		{"doctor --data-dir $MOUNT/data", "exit", "done: "},
		{"export --output $MOUNT/x.jsonl --data-dir $MOUNT/data", bad, "$MOUNT/x.jsonl: read-only file system"},
		{"stats --html $MOUNT/x.html --data-dir $MOUNT/data", bad, "$MOUNT/x.html: read-only file system"},
		{"preprocess --data-dir $MOUNT/data", bad, "folder writable, or name another folder with --data-dir"},
		{"redact --data-dir $MOUNT/data", bad, "folder writable, or name another folder with --data-dir"},
		{"forget Ann --yes --data-dir $MOUNT/data", bad, "folder writable, or name another folder with --data-dir"},
		{"collect --source $MOUNT/chat.db --data-dir $MOUNT/data", bad, "name a folder that can be written to with --data-dir"},
		{"contacts add Zoe z@example.org --data-dir $MOUNT/data", bad, contactsName + ": read-only file system"},
		{"contacts add Zoe z@example.org --data-dir $MOUNT/data", bad, "name another file with --contacts"},
		{"tune --cpu --base-model tiny --trials 2 --max-steps 1 --data-dir $MOUNT/data", bad, "--settings"},
		{"train --cpu --base-model tiny --max-steps 1 --output-dir $MOUNT/run --data-dir $MOUNT/data", bad, "name a writable folder with --output-dir"},
		{"collect --source $MOUNT/chat.db --data-dir mine", good, "mine/messages.db"},
	} {
		out, err := inNamespaces(t, readOnly, k.dir, c.line, here).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		said := strings.Join(strings.Fields(string(out)), " ")
		says := c.says
		if strings.HasPrefix(says, "$MOUNT/") {
			says = strings.TrimPrefix(says, "$MOUNT")
		}
		if !strings.Contains(said, c.exit) || !strings.Contains(said, says) || strings.Contains(said, "panic") || strings.Contains(said, ".probe") {
			t.Errorf("want %s and %q:\n%s", c.exit, says, out)
		}
		if strings.HasPrefix(c.line, "tune") && strings.Contains(said, "trial 1") {
			t.Errorf("the search begins although its result cannot be written:\n%s", out)
		}
	}
}

// withoutOverride returns a command that may read only what modes allow, as any other user, even if the tests run as root.
func withoutOverride(t *testing.T, c *exec.Cmd) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		return c
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("there is no setpriv, which takes root's right to read everything")
	}
	limited := exec.Command(setpriv, append([]string{"--inh-caps=-all", "--bounding-set=-all"}, c.Args...)...)
	limited.Dir, limited.Env = c.Dir, c.Env
	return limited
}

// What may not be read is named as that, with advice that can help, and not taken for missing, damaged or unfinished.
func TestForbiddenFiles_AreNotTakenForMissing(t *testing.T) {
	t.Parallel()
	const anotherUser = "run the command as that user, or name another folder with --data-dir"
	for name, c := range map[string]struct {
		forbid string
		says   map[string]string // by command
	}{
		"folder": {"data", map[string]string{"stats": anotherUser, "preprocess": anotherUser, "redact": anotherUser, "collect --source chat.db": anotherUser,
			"doctor": anotherUser}},
		"database": {"data/" + databaseName, map[string]string{"stats": anotherUser, "preprocess": anotherUser, "doctor": anotherUser}},
		"contacts": {"data/" + contactsName, map[string]string{"stats": "you need the right to read data/" + contactsName, "doctor": contactsName + ": permission denied"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKiller(t, t.TempDir(), "MY_NAME=Me")
			collectHistory(t, k, 30)
			path := filepath.Join(k.dir, c.forbid)
			info, err := os.Stat(path)
			if err == nil {
				err = os.Chmod(path, 0)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(path, info.Mode().Perm())
			for line, says := range c.says {
				out, _ := withoutOverride(t, command(k.dir, k.environment, strings.Fields(line)...)).CombinedOutput()
				if said := strings.Join(strings.Fields(string(out)), " "); !strings.Contains(said, "permission denied") || !strings.Contains(said, says) || strings.Contains(said, "killed run") {
					t.Errorf("%s: %s", line, out)
				}
			}
		})
	}
}

// What was written from the messages cannot be looked into: nothing is erased or redacted, so that nothing is half done.
func TestForgetAndRedact_ChangeNothingWhereAFileCannotBeRead(t *testing.T) {
	t.Parallel()
	k := newKiller(t, t.TempDir(), "MY_NAME=Me")
	collectHistory(t, k, 30)
	k.must("preprocess")
	history := func() string {
		t.Helper()
		out, err := command(k.dir, k.environment, "export").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	before := history()
	for _, forbidden := range []string{"adapters/run/checkpoint-2", "data/report.html"} {
		path := k.path(filepath.FromSlash(forbidden))
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, ".html") {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("Ann"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"forget Ann --yes --output-dir adapters", "redact --output-dir adapters"} {
			out, err := withoutOverride(t, command(k.dir, k.environment, strings.Fields(line)...)).CombinedOutput()
			said := strings.Join(strings.Fields(string(out)), " ")
			if err == nil || !strings.Contains(said, "permission denied") || !strings.Contains(said, filepath.Base(path)) || !strings.Contains(said, "nothing was changed") {
				t.Errorf("%s: %v: %s", line, err, out)
			}
		}
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if before == "" || history() != before {
		t.Error("the messages changed")
	}
	k.must("forget", "Ann", "--yes", "--output-dir", "adapters")
}

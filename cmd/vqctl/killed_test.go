package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/sources/iosbackup/backuptest"
)

// rounds is how often a test tries what depends on chance: n times in scripts/soak, fewer otherwise.
func rounds(n int) int {
	if os.Getenv("VQ_SOAK") != "" {
		return n
	}
	return max(n/10, 2)
}

func command(dir string, environment []string, args ...string) *exec.Cmd {
	c := exec.Command("vqctl", args...)
	c.Dir, c.Env = dir, append(os.Environ(), environment...)
	return c
}

// contains reports whether a command printed text.
func contains(out []byte, text string) bool { return strings.Contains(string(out), text) }

// filesOf lists the files below dir.
func filesOf(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			path, err = filepath.Rel(dir, path)
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The next command, whichever it is, removes decrypted databases, snapshots and incomplete window files.
func TestKilledRuns_LeaveNothingPrivate(t *testing.T) {
	chat := filepath.Join(t.TempDir(), "chat.db")
	if err := chatdb.WriteHistory(chat, chatdb.History{Messages: 20_000, Chats: 9, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(chat)
	if err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	if err := backuptest.Write(backup, map[string][]byte{"HomeDomain-Library/SMS/sms.db": data}, encrypted); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"Backup":     {"collect", "--source", backup},
		"Snapshot":   {"collect", "--source", chat},
		"Preprocess": {"preprocess"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, temp := t.TempDir(), t.TempDir()
			k := newKiller(t, dir, "TMPDIR="+temp, "MY_NAME=Me", passphraseVariable+"="+encrypted.Passphrase)
			k.must("collect", "--source", chat)
			if name == "Preprocess" {
				if err := os.WriteFile(filepath.Join(dir, "data", contactsName), []byte(`{"contact": "Ann", "ids": ["+15550000001"]}`+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			whole := k.must(args...)
			for range rounds(20) {
				k.kill(whole, args...)
				k.must("stats")
				for _, file := range filesOf(t, filepath.Join(dir, "data")) {
					switch file {
					case databaseName, contactsName, exportName:
					default:
						t.Errorf("left in the data folder: %s", file)
					}
				}
				if left := filesOf(t, temp); len(left) > 0 {
					t.Errorf("left in TMPDIR: %v", left)
				}
			}
		})
	}
}

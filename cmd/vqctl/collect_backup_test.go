package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"howett.net/plist"

	"ventriloquist/internal/sources/iosbackup/backuptest"
	"ventriloquist/internal/usererr"
)

// writeBackup writes a backup with the chat.db of writeChat, and returns the paths of both.
func writeBackup(t *testing.T, o backuptest.Options) (dir, chat string) {
	t.Helper()
	chat = writeChat(t)
	data, err := os.ReadFile(chat)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "00008110-000000000000001E")
	if err := backuptest.Write(dir, map[string][]byte{"HomeDomain-Library/SMS/sms.db": data}, o); err != nil {
		t.Fatal(err)
	}
	return dir, chat
}

func collectJSON(t *testing.T, o collectOptions) (collectResult, error) {
	t.Helper()
	o.json = true
	var out bytes.Buffer
	err := runCollect(t.Context(), o, &out)
	var result collectResult
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &result)
	}
	return result, err
}

var encrypted = backuptest.Options{Passphrase: "correct horse ", First: 20, Second: 10}

// A message that is on the Mac and in the backup counts once.
func TestRunCollect_BackupAndMacShareMessages(t *testing.T) {
	for name, o := range map[string]backuptest.Options{"Plain": {}, "Encrypted": encrypted} {
		t.Run(name, func(t *testing.T) {
			dir, chat := writeBackup(t, o)
			data := t.TempDir()
			t.Setenv(passphraseVariable, o.Passphrase)
			for range 2 {
				result, err := collectJSON(t, collectOptions{source: dir, dataDir: data})
				if err != nil {
					t.Fatal(err)
				}
				if result.Messages != 2 || result.Rows != 3 || !strings.HasPrefix(result.Source, dir) {
					t.Errorf("result is %+v", result)
				}
			}
			if result, err := collectJSON(t, collectOptions{source: chat, dataDir: data}); err != nil || result.Messages != 2 {
				t.Errorf("after collecting the Mac's database there are %d messages (%v)", result.Messages, err)
			}
			if left, _ := os.ReadDir(data); len(left) != 1 {
				t.Errorf("left next to messages.db: %v", left)
			}
		})
	}
}

func TestPreprocess_BackupGivesTheMacsWindows(t *testing.T) {
	dir, chat := writeBackup(t, encrypted)
	t.Setenv(passphraseVariable, encrypted.Passphrase)
	var exports []string
	for _, source := range []string{dir, chat} {
		o := preprocessOptions{dataDir: t.TempDir(), owner: "Aidan", window: 100, stride: 1}
		if _, err := collectJSON(t, collectOptions{source: source, dataDir: o.dataDir}); err != nil {
			t.Fatal(err)
		}
		o.contacts, o.export = filepath.Join(o.dataDir, "contacts.jsonl"), filepath.Join(o.dataDir, "windows.jsonl")
		if err := os.WriteFile(o.contacts, []byte(`{"contact": "John", "ids": ["+15550000001"]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := runPreprocess(t.Context(), o, &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		export, err := os.ReadFile(o.export)
		if err != nil {
			t.Fatal(err)
		}
		exports = append(exports, string(export))
	}
	if exports[0] != exports[1] || !strings.Contains(exports[0], `\"Loved\"`) {
		t.Errorf("the backup's windows are\n%s\nthe Mac's\n%s", exports[0], exports[1])
	}
}

// A folder with one backup stands for it; for several, the error lists them.
func TestRunCollect_FolderOfBackups(t *testing.T) {
	dir, _ := writeBackup(t, backuptest.Options{})
	folder := filepath.Dir(dir)
	if result, err := collectJSON(t, collectOptions{source: folder, dataDir: t.TempDir()}); err != nil || result.Messages != 2 {
		t.Errorf("result is %+v (%v)", result, err)
	}
	other := filepath.Join(folder, "other")
	if err := backuptest.Write(other, nil, backuptest.Options{}); err != nil {
		t.Fatal(err)
	}
	info, err := plist.Marshal(map[string]any{"Device Name": "Aidan's phone", "Last Backup Date": time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)}, plist.XMLFormat)
	if err == nil {
		err = os.WriteFile(filepath.Join(other, "Info.plist"), info, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = collectJSON(t, collectOptions{source: folder, dataDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "holds 2 backups") || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), other+" (Aidan's phone, 2024-03-15)") {
		t.Errorf("error is %v", err)
	}
}

func TestRunCollect_PassphraseFile(t *testing.T) {
	dir, _ := writeBackup(t, encrypted)
	file := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(file, []byte(encrypted.Passphrase+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(passphraseVariable, "another")
	if result, err := collectJSON(t, collectOptions{source: dir, dataDir: t.TempDir(), passphraseFile: file}); err != nil || result.Messages != 2 {
		t.Errorf("result is %+v (%v)", result, err)
	}
}

func TestRunCollect_PassphraseErrors(t *testing.T) {
	dir, _ := writeBackup(t, encrypted)
	for name, c := range map[string]struct{ passphrase, file, want, hint string }{
		"Wrong":    {"wrong", "", "not that of the backup", "Finder"},
		"NotGiven": {"", "", "is encrypted", passphraseVariable},
		"NoFile":   {"", "no-such-file", "no-such-file", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(passphraseVariable, c.passphrase)
			data := filepath.Join(t.TempDir(), "data")
			_, err := collectJSON(t, collectOptions{source: dir, dataDir: data, passphraseFile: c.file})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(usererr.Of(err), c.hint) {
				t.Errorf("error is %v (%s)", err, usererr.Of(err))
			}
			if _, err := os.Stat(data); err == nil {
				t.Error("messages.db was created")
			}
		})
	}
}

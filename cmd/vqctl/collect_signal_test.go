package main

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/sources/signal/signaltest"
	"ventriloquist/internal/sources/sqlcipher/sqlciphertest"
	"ventriloquist/internal/usererr"
)

const signalRows = `INSERT INTO conversations (id, type, e164, json) VALUES ('c', 'private', '+15550000001', '{}');
	INSERT INTO messages (id, conversationId, type, sent_at, body, json) VALUES ('1', 'c', 'incoming', 1710529320000, 'hey', '{"reactions":[{"emoji":"👍","fromId":"c"}]}'), ('2', 'gone', 'incoming', 1710529320000, 'lost', '{}');`

// Signal's folder is collected once, however often and by whatever path; a change in its -wal file is seen.
func TestRunCollect_SignalAgain(t *testing.T) {
	folder := signaltest.Write(t, signaltest.Latest, signalRows, `INSERT INTO messages (id, conversationId, type, sent_at, body, json) VALUES ('3', 'c', 'outgoing', 1710529321000, 'later', '{}');`)
	data := t.TempDir()
	for i, path := range []string{folder, folder, filepath.Join(folder, "sql", "db.sqlite")} {
		result, err := collectJSON(t, collectOptions{source: path, dataDir: data})
		if err != nil {
			t.Fatal(err)
		}
		fates := int64(0)
		for _, f := range result.Fates {
			fates += f.Rows
		}
		if result.Messages != 3 || result.Rows != 4 || fates != 4 || result.Gone != 0 || (result.Read == 0) != (i > 0) {
			t.Errorf("collect %d: result is %+v", i, result)
		}
	}
	if err := os.Remove(filepath.Join(folder, "sql", "db.sqlite-wal")); err != nil {
		t.Fatal(err)
	}
	if result, err := collectJSON(t, collectOptions{source: folder, dataDir: data}); err != nil || result.Messages != 2 || result.Gone != 1 {
		t.Errorf("result is %+v (%v)", result, err)
	}
	if left, err := filepath.Glob(filepath.Join(data, ".*")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}

// The key comes from a file or the environment, and a wrong one is named.
func TestRunCollect_SignalKey(t *testing.T) {
	folder := signaltest.Write(t, signaltest.Latest, signalRows, "")
	signaltest.Config(t, folder, `{}`)
	o := collectOptions{source: folder, dataDir: t.TempDir()}
	if _, err := collectJSON(t, o); err == nil || !strings.Contains(err.Error(), "its key is not known") || !strings.Contains(usererr.Of(err), "--signal-key-file") {
		t.Errorf("error is %v (%s)", err, usererr.Of(err))
	}
	t.Setenv(signalVariable, strings.Repeat("ab", 32))
	if _, err := collectJSON(t, o); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("error is %v", err)
	}
	key := hex.EncodeToString(sqlciphertest.Key)
	o.signalKeyFile = filepath.Join(t.TempDir(), "key")
	if _, err := collectJSON(t, o); err == nil || !strings.Contains(err.Error(), o.signalKeyFile) {
		t.Errorf("error is %v", err)
	}
	if err := os.WriteFile(o.signalKeyFile, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if result, err := collectJSON(t, o); err != nil || result.Messages != 2 {
		t.Errorf("result is %+v (%v)", result, err)
	}
	o.signalKeyFile = ""
	t.Setenv(signalVariable, key)
	if result, err := collectJSON(t, o); err != nil || result.Messages != 2 {
		t.Errorf("result is %+v (%v)", result, err)
	}
}

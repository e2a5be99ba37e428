package signal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/signal"
	"ventriloquist/internal/sources/signal/signaltest"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/sqlcipher"
	"ventriloquist/internal/sources/sqlcipher/sqlciphertest"
	"ventriloquist/internal/usererr"
)

func hexOf(s string) string { return hex.EncodeToString([]byte(s)) }

func intOf(n int64) string { return fmt.Sprint(n) }

// sealed encrypts the key of the databases as Electron's safeStorage does.
func sealed(t *testing.T, prefix, password string, rounds int) string {
	t.Helper()
	key, err := pbkdf2.Key(sha1.New, password, []byte("saltysalt"), rounds, 16)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append([]byte(hex.EncodeToString(sqlciphertest.Key)), bytes.Repeat([]byte{16}, 16)...)
	cipher.NewCBCEncrypter(block, bytes.Repeat([]byte{' '}, 16)).CryptBlocks(text, text)
	return hex.EncodeToString(append([]byte(prefix), text...))
}

func TestOpen_FindsTheKey(t *testing.T) {
	t.Parallel()
	key := hex.EncodeToString(sqlciphertest.Key)
	folder := signaltest.Write(t, signaltest.Latest, people, "")
	for name, c := range map[string]struct{ config, secret string }{
		"Plain":           {`{"key": "` + key + `"}`, ""},
		"NoKeyring":       {`{"encryptedKey": "` + sealed(t, "v10", "peanuts", 1) + `", "safeStorageBackend": "basic_text"}`, ""},
		"Keyring":         {`{"encryptedKey": "` + sealed(t, "v11", "secret==", 1) + `"}`, "secret==\n"},
		"Keychain":        {`{"encryptedKey": "` + sealed(t, "v10", "secret==", 1003) + `"}`, "secret=="},
		"Given":           {`{}`, key + "\n"},
		"GivenAsAPragma":  {`{}`, `x'` + strings.ToUpper(key) + `'`},
		"GivenAndDamaged": {`{"key": `, key},
		"Marked":          {"\ufeff" + `{"key": "` + key + `"}`, ""},
		"OfAnotherFolder": {`{"key": "` + key + `"}`, strings.Repeat("ab", 32)},
	} {
		signaltest.Config(t, folder, c.config)
		if _, err := read(t, folder, c.secret); err != nil {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// An error says how the key is found on this system.
func TestOpen_SaysHowToGetTheKey(t *testing.T) {
	t.Parallel()
	folder := signaltest.Write(t, signaltest.Latest, people, "")
	for name, c := range map[string]struct{ config, secret, want, hint string }{
		"None":     {`{}`, "", "its key is not known", "config.json"},
		"Wrong":    {`{}`, strings.Repeat("ab", 32), "the given key or password does not fit", "64 hexadecimal digits"},
		"Another":  {`{"key": "` + strings.Repeat("ab", 32) + `"}`, "", "its key is not known", "of another database"},
		"Keyring":  {`{"encryptedKey": "` + sealed(t, "v11", "secret", 1) + `"}`, "", "its key is not known", "secret-tool lookup application Signal"},
		"Password": {`{"encryptedKey": "` + sealed(t, "v11", "secret", 1) + `"}`, "wrong", "does not fit", "secret-tool"},
		"Wallet":   {`{"encryptedKey": "` + sealed(t, "v11", "secret", 1) + `", "safeStorageBackend": "kwallet5"}`, "", "its key is not known", "kwallet-query"},
		"Keychain": {`{"encryptedKey": "` + sealed(t, "v10", "secret", 1003) + `"}`, "", "its key is not known", "security find-generic-password"},
		"Damaged":  {`{"key": `, "", "config.json is damaged", "signal_key_file"},
	} {
		signaltest.Config(t, folder, c.config)
		_, err := read(t, folder, c.secret)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(usererr.Of(err), c.hint) || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: error %v (%s)", name, err, usererr.Of(err))
		}
		if c.secret != "" && !errors.Is(err, sqlcipher.ErrKey) {
			t.Errorf("%s: error %v is of another kind", name, err)
		}
	}
}

// A database that another program decrypted is read as it is.
func TestOpen_NotEncrypted(t *testing.T) {
	t.Parallel()
	path := sourcetest.Database(t, "plain.db", signaltest.Latest, latestRows)
	if head, err := sources.ReadHead(path); err != nil || !signal.Recognize(head) {
		t.Errorf("it is not recognized (%v)", err)
	}
	s, err := read(t, path, "")
	if err != nil || len(s.Messages) == 0 {
		t.Errorf("%v, %+v", err, s)
	}
}

func TestOpen_Errors(t *testing.T) {
	t.Parallel()
	if _, err := read(t, sourcetest.Database(t, "plain.db", `CREATE TABLE messages (id INTEGER);`, ""), ""); err == nil || !strings.Contains(err.Error(), "no database of Signal") || usererr.Of(err) == "" {
		t.Errorf("error is %v", err)
	}
	if _, err := read(t, t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "sql/db.sqlite") || usererr.Of(err) == "" {
		t.Errorf("error is %v", err)
	}
	if _, err := read(t, filepath.Join(t.TempDir(), "none"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	if _, err := read(t, sourcetest.Write(t, "db.sqlite", "short"), ""); err == nil || !strings.Contains(err.Error(), "no database") {
		t.Errorf("error is %v", err)
	}
	for _, path := range []string{t.TempDir(), sourcetest.Write(t, "other.db", strings.Repeat("x", 8192)), sourcetest.Database(t, "plain.db", `CREATE TABLE messages (id INTEGER);`, "")} {
		if head, err := sources.ReadHead(path); err != nil || signal.Recognize(head) {
			t.Errorf("%s is recognized (%v)", path, err)
		}
	}
}

// Package sqlciphertest encrypts databases as SQLCipher 4 does, for tests.
//
// In: a database with 80 reserved bytes per page, and a key. Out: the encrypted database, and its -wal file. It must not know how they
// are decrypted.
package sqlciphertest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha512"
	"database/sql"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/mattn/go-sqlite3"
)

const (
	pageSize = 4096
	reserve  = 80
)

// Salt is the salt of the databases.
var Salt = []byte("0123456789abcdef")

// Key is the key of the databases.
var Key = []byte("a key of 32 bytes for the tests!")

// Page encrypts a page.
func Page(page []byte, number uint32) []byte {
	masked := make([]byte, len(Salt))
	for i, b := range Salt {
		masked[i] = b ^ 0x3a
	}
	macKey, err := pbkdf2.Key(sha512.New, string(Key), masked, 2, 32)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(Key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, pageSize)
	from := 0
	if number == 1 {
		from = copy(out, Salt)
	}
	iv := sha512.Sum512(binary.LittleEndian.AppendUint32(page[from:pageSize-reserve:pageSize-reserve], number))
	cipher.NewCBCEncrypter(block, iv[:16]).CryptBlocks(out[from:pageSize-reserve], page[from:pageSize-reserve])
	copy(out[pageSize-reserve:], iv[:16])
	mac := hmac.New(sha512.New, macKey)
	mac.Write(out[from : pageSize-64])
	mac.Write(binary.LittleEndian.AppendUint32(nil, number))
	copy(out[pageSize-64:], mac.Sum(nil))
	return out
}

// Encrypt encrypts a database in memory.
func Encrypt(plain []byte) (encrypted []byte) {
	for n := 0; (n+1)*pageSize <= len(plain); n++ {
		encrypted = append(encrypted, Page(plain[n*pageSize:(n+1)*pageSize], uint32(n+1))...)
	}
	return encrypted
}

// Log encrypts the pages of a -wal file in memory.
func Log(plain []byte) []byte {
	out := append([]byte(nil), plain[:32]...)
	s0, s1 := checksum(out[:24], 0, 0)
	binary.BigEndian.PutUint32(out[24:], s0)
	binary.BigEndian.PutUint32(out[28:], s1)
	for at := 32; at+24+pageSize <= len(plain); at += 24 + pageSize {
		header := append([]byte(nil), plain[at:at+24]...)
		page := Page(plain[at+24:at+24+pageSize], binary.BigEndian.Uint32(header))
		s0, s1 = checksum(header[:8], s0, s1)
		s0, s1 = checksum(page, s0, s1)
		binary.BigEndian.PutUint32(header[16:], s0)
		binary.BigEndian.PutUint32(header[20:], s1)
		out = append(append(out, header...), page...)
	}
	return out
}

// checksum continues a checksum with little-endian words, as the magic of -wal files on most machines says.
func checksum(data []byte, s0, s1 uint32) (uint32, uint32) {
	for ; len(data) >= 8; data = data[8:] {
		s0 += binary.LittleEndian.Uint32(data) + s1
		s1 += binary.LittleEndian.Uint32(data[4:]) + s0
	}
	return s0, s1
}

// Write writes an encrypted database with these statements, and changes in a -wal file unless they are empty.
func Write(t testing.TB, path, statements, changes string) {
	t.Helper()
	plain := filepath.Join(t.TempDir(), "plain.db")
	db, err := sql.Open("sqlite3", plain)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := Reserve(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
	write(t, path, plain, Encrypt)
	if changes == "" {
		return
	}
	if _, err := db.Exec(`PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;` + changes); err != nil {
		t.Fatal(err)
	}
	write(t, path, plain, Encrypt) // whose header says that it has a -wal file
	write(t, path+"-wal", plain+"-wal", Log)
}

// Reserve makes the pages of a new database end with 80 bytes that SQLite leaves alone. The database must have one connection.
func Reserve(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driver any) error {
		c, is := driver.(*sqlite3.SQLiteConn)
		if !is {
			return errors.New("another driver")
		}
		return c.SetFileControlInt("main", sqlite3.SQLITE_FCNTL_RESERVE_BYTES, reserve)
	})
}

func write(t testing.TB, to, from string, encrypt func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, encrypt(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

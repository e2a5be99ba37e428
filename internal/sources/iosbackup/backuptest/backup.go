// Package backuptest writes backups of an iPhone, for the tests of who reads them.
//
// In: files and a passphrase. Out: a folder as Finder and iTunes write it. It must share nothing with
// the reader but what the format says.
package backuptest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver of Manifest.db
	"howett.net/plist"
)

// Options say what kind of backup is written.
type Options struct {
	Passphrase string // empty for an unencrypted one
	First      int    // iterations of the first derivation; 0 leaves it out, as phones before iOS 10.2 did
	Second     int
	// Sizes are what the list says of the sizes of files, where that is wrong.
	Sizes     map[string]int
	PlainList bool // leaves Manifest.db unencrypted, as phones before iOS 10.2 did
}

// protection is the class of all files; manifestProtection that of the manifest.
const (
	protection         = 3
	manifestProtection = 4
)

// Write writes a backup with files, named "DOMAIN-PATH", into a new folder.
func Write(dir string, files map[string][]byte, o Options) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	w := writer{dir: dir, options: o, classes: map[uint32][]byte{}}
	content := map[string]any{"IsEncrypted": o.Passphrase != "", "Version": "10.0"}
	if o.Passphrase != "" {
		bag, err := w.keybag()
		if err != nil {
			return err
		}
		content["BackupKeyBag"] = bag
	}
	if err := w.files(files, content); err != nil {
		return err
	}
	data, err := plist.Marshal(content, plist.BinaryFormat)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "Manifest.plist"), data, 0o600)
}

type writer struct {
	dir     string
	options Options
	classes map[uint32][]byte
}

func random(n int) []byte {
	data := make([]byte, n)
	rand.Read(data)
	return data
}

// keybag makes class keys and the bag that holds them.
func (w *writer) keybag() ([]byte, error) {
	salt, firstSalt := random(20), random(20)
	secret := []byte(w.options.Passphrase)
	var bag bytes.Buffer
	tag := func(name string, value []byte) {
		bag.WriteString(name)
		binary.Write(&bag, binary.BigEndian, uint32(len(value)))
		bag.Write(value)
	}
	number := func(name string, n int) { tag(name, binary.BigEndian.AppendUint32(nil, uint32(n))) }
	number("VERS", 5)
	number("TYPE", 1)
	tag("UUID", random(16))
	tag("HMCK", random(40))
	number("WRAP", 1)
	tag("SALT", salt)
	number("ITER", w.options.Second)
	if w.options.First > 0 {
		number("DPWT", 0)
		number("DPIC", w.options.First)
		tag("DPSL", firstSalt)
		var err error
		if secret, err = pbkdf2.Key(sha256.New, string(secret), firstSalt, w.options.First, 32); err != nil {
			return nil, err
		}
	}
	secret, err := pbkdf2.Key(sha1.New, string(secret), salt, w.options.Second, 32)
	if err != nil {
		return nil, err
	}
	for class := 1; class <= 11; class++ {
		key := random(32)
		tag("UUID", random(16))
		number("CLAS", class)
		if class == 11 { // of this device only: no passphrase unwraps it
			number("WRAP", 1)
			number("KTYP", 0)
			tag("WPKY", random(40))
			continue
		}
		w.classes[uint32(class)] = key
		number("WRAP", 2)
		number("KTYP", 0)
		tag("WPKY", Wrap(secret, key))
	}
	return bag.Bytes(), nil
}

// fileKey makes a key, and the form in which a backup holds it.
func (w *writer) fileKey(class uint32) (key, held []byte) {
	key = random(32)
	return key, append(binary.LittleEndian.AppendUint32(nil, class), Wrap(w.classes[class], key)...)
}

// files writes the files and Manifest.db.
func (w *writer) files(files map[string][]byte, content map[string]any) error {
	list := filepath.Join(w.dir, "Manifest.db")
	db, err := sql.Open("sqlite3", list)
	if err != nil {
		return err
	}
	_, err = db.Exec(`CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);
CREATE INDEX FilesDomainIdx ON Files(domain); CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB)`)
	for name, data := range files {
		if err == nil {
			err = w.file(db, name, data)
		}
	}
	if err = errors.Join(err, db.Close()); err != nil || w.options.Passphrase == "" || w.options.PlainList {
		return err
	}
	data, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	key, held := w.fileKey(manifestProtection)
	content["ManifestKey"] = held
	return os.WriteFile(list, encrypt(key, data), 0o600)
}

func (w *writer) file(db *sql.DB, name string, data []byte) error {
	sum := sha1.Sum([]byte(name))
	id := hex.EncodeToString(sum[:])
	domain, path, _ := bytes.Cut([]byte(name), []byte("-"))
	size, given := w.options.Sizes[name]
	if !given {
		size = len(data)
	}
	object := map[string]any{"$class": plist.UID(2), "Size": size, "ProtectionClass": protection, "Flags": 0, "Mode": 0o100644,
		"Birth": 1710529320, "LastModified": 1710529320, "RelativePath": plist.UID(3)}
	objects := []any{"$null", object, map[string]any{"$classname": "MBFile", "$classes": []string{"MBFile", "NSObject"}}, string(path)}
	if w.options.Passphrase != "" {
		key, held := w.fileKey(protection)
		data = encrypt(key, data)
		object["EncryptionKey"] = plist.UID(len(objects))
		objects = append(objects, map[string]any{"$class": plist.UID(len(objects) + 1), "NS.data": held},
			map[string]any{"$classname": "NSMutableData", "$classes": []string{"NSMutableData", "NSData", "NSObject"}})
	}
	blob, err := plist.Marshal(map[string]any{"$version": 100000, "$archiver": "NSKeyedArchiver", "$top": map[string]any{"root": plist.UID(1)}, "$objects": objects}, plist.BinaryFormat)
	if err != nil {
		return err
	}
	if _, err := db.Exec(`INSERT INTO Files VALUES (?, ?, ?, 1, ?)`, id, string(domain), string(path), blob); err != nil {
		return err
	}
	folder := filepath.Join(w.dir, id[:2])
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, id), data, 0o600)
}

// encrypt is AES in CBC mode with an initial vector of zeros and the padding of PKCS #7.
func encrypt(key, data []byte) []byte {
	n := aes.BlockSize - len(data)%aes.BlockSize
	data = append(bytes.Clone(data), bytes.Repeat([]byte{byte(n)}, n)...)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(data, data)
	return data
}

// Wrap wraps a key with another, as RFC 3394 says.
func Wrap(with, key []byte) []byte {
	block, err := aes.NewCipher(with)
	if err != nil {
		panic(err)
	}
	n := len(key) / 8
	out := append(bytes.Repeat([]byte{0xA6}, 8), key...)
	for j := range 6 {
		for i := 1; i <= n; i++ {
			b := append(bytes.Clone(out[:8]), out[8*i:8*i+8]...)
			block.Encrypt(b, b)
			binary.BigEndian.PutUint64(out, binary.BigEndian.Uint64(b)^uint64(n*j+i))
			copy(out[8*i:], b[8:])
		}
	}
	return out
}

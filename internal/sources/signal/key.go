package signal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/sources/sqlcipher"
	"ventriloquist/internal/usererr"
)

const (
	configName    = "config.json"
	largestConfig = 1 << 20
)

// config is what Signal's config.json says about the key.
type config struct {
	Key          string `json:"key"`          // in hexadecimal, until 2024
	EncryptedKey string `json:"encryptedKey"` // by Electron's safeStorage, in hexadecimal
	Backend      string `json:"safeStorageBackend"`
}

// readConfig reads the config.json of Signal's folder. A folder without one has an empty one.
func readConfig(folder string) (c config, err error) {
	path := filepath.Join(folder, configName)
	data, err := regularfile.Read(path, largestConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("cannot read Signal's settings: %w", err)
	}
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &c); err != nil {
		return c, usererr.With(fmt.Errorf("%s is damaged: %w", path, err), "take it from a backup, or give the key with %v", usererr.Option("signal_key_file"))
	}
	return c, nil
}

// rawKey is a key of 32 bytes in hexadecimal, perhaps in the form in which SQLCipher takes it.
var rawKey = regexp.MustCompile(`^(?:0x|"?x')?([0-9A-Fa-f]{64})'?"?$`)

// parseKey returns the key that a text is, or nil.
func parseKey(text string) []byte {
	match := rawKey.FindStringSubmatch(strings.TrimSpace(text))
	if match == nil {
		return nil
	}
	key, err := hex.DecodeString(match[1])
	if err != nil {
		return nil
	}
	return key
}

// How safeStorage derives its keys: the rounds on Linux and on a Mac, and the password on Linux without a keyring.
const (
	linuxRounds = 1
	macRounds   = 1003
	noKeyring   = "peanuts"
	storageSalt = "saltysalt"
	storageKey  = 16 // bytes
)

// keys returns the keys that may be the database's, the likeliest first. Secret is what the user gave: the key itself, or the password in
// the system's keyring that its encrypted form needs.
func (c *config) keys(secret string) (keys [][]byte) {
	add := func(key []byte) {
		if len(key) == sqlcipher.KeySize {
			keys = append(keys, key)
		}
	}
	add(parseKey(secret))
	add(parseKey(c.Key))
	sealed, err := hex.DecodeString(strings.TrimSpace(c.EncryptedKey))
	if err != nil {
		return keys
	}
	for _, password := range []string{strings.TrimSpace(secret), noKeyring} {
		for _, rounds := range []int{linuxRounds, macRounds} {
			if password != "" {
				add(unseal(sealed, password, rounds))
			}
		}
	}
	return keys
}

// unseal decrypts a key that safeStorage encrypted: AES-128 in CBC mode behind the prefix v10 or v11, with an initialization vector of
// spaces. It returns nil if the password is another.
func unseal(sealed []byte, password string, rounds int) []byte {
	const prefix = 3
	if len(sealed) <= prefix || (len(sealed)-prefix)%aes.BlockSize != 0 || !bytes.HasPrefix(sealed, []byte("v1")) {
		return nil
	}
	derived, err := pbkdf2.Key(sha1.New, password, []byte(storageSalt), rounds, storageKey)
	if err != nil {
		return nil
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil
	}
	text := bytes.Clone(sealed[prefix:])
	cipher.NewCBCDecrypter(block, bytes.Repeat([]byte{' '}, aes.BlockSize)).CryptBlocks(text, text)
	padding := int(text[len(text)-1])
	if padding == 0 || padding > aes.BlockSize || padding > len(text) {
		return nil
	}
	return parseKey(string(text[:len(text)-padding]))
}

// locked returns the error of a database whose key is not known, with how to get it.
func (c *config) locked(path, secret string) error {
	err := fmt.Errorf("%s is encrypted, and its key is not known", path)
	if secret != "" {
		err = fmt.Errorf("%s: the given key or password does not fit: %w", path, sqlcipher.ErrKey)
	}
	const save = "save what %s prints in a file that only you can read, and name it with %v"
	option := usererr.Option("signal_key_file")
	switch sealed, _ := hex.DecodeString(strings.TrimSpace(c.EncryptedKey)); {
	case strings.HasPrefix(c.Backend, "kwallet"):
		return usererr.With(err, save, "`kwallet-query -f 'Chromium Keys' -r 'Chromium Safe Storage' kdewallet`", option)
	case c.Backend != "" || bytes.HasPrefix(sealed, []byte("v11")):
		return usererr.With(err, save, "`secret-tool lookup application Signal`", option)
	case bytes.HasPrefix(sealed, []byte("v10")):
		return usererr.With(err, save+"; on Windows, decrypt the database with `sigtop export-database`, and collect that file",
			"`security find-generic-password -ws 'Signal Safe Storage'` on the Mac", option)
	case c.Key != "":
		return usererr.With(err, "the key in %s is of another database: copy Signal's whole folder", configName)
	}
	return usererr.With(err, "collect Signal's folder, which has the key in its %s, or name a file with the key of 64 hexadecimal digits with %v", configName, option)
}

package sqlcipher

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/binary"
	"hash"
)

// KeySize is the size of a database's key, in bytes.
const KeySize = 32

// The form of an encrypted database, in bytes.
const (
	pageSize = 4096
	reserve  = ivSize + sha512.Size // at the end of each page: its initialization vector and its HMAC
	ivSize   = aes.BlockSize
	saltSize = 16 // at the beginning of the first page, in place of SQLite's magic
)

// The HMAC key is derived from the encryption key in two rounds, with the salt changed by a mask.
const (
	macRounds = 2
	macMask   = 0x3a
)

// magic is the beginning of a database that is not encrypted.
var magic = []byte("SQLite format 3\x00")

// codec decrypts the pages of one database.
type codec struct {
	block cipher.Block
	mac   hash.Hash
	tag   []byte
}

func newCodec(key, salt []byte) (*codec, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	masked := make([]byte, saltSize)
	for i := range masked {
		masked[i] = salt[i] ^ macMask
	}
	macKey, err := pbkdf2.Key(sha512.New, string(key), masked, macRounds, KeySize)
	if err != nil {
		return nil, err
	}
	return &codec{block: block, mac: hmac.New(sha512.New, macKey)}, nil
}

// decrypt decrypts a page in place. It reports whether the page is authentic; if not, the page stays as it is.
func (c *codec) decrypt(page []byte, number uint32) bool {
	from := 0
	if number == 1 {
		from = saltSize
	} else if isZero(page) { // SQLite has not written it yet
		return true
	}
	const end = pageSize - reserve
	content, iv, tag := page[from:end], page[end:end+ivSize], page[end+ivSize:]
	c.mac.Reset()
	c.mac.Write(page[from : end+ivSize])
	c.mac.Write(binary.LittleEndian.AppendUint32(nil, number))
	if c.tag = c.mac.Sum(c.tag[:0]); !hmac.Equal(c.tag, tag) {
		return false
	}
	cipher.NewCBCDecrypter(c.block, iv).CryptBlocks(content, content)
	if number == 1 {
		copy(page, magic)
	}
	clear(page[end:])
	return true
}

func isZero(page []byte) bool {
	return bytes.Count(page, []byte{0}) == len(page)
}

package iosbackup

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// wrapBlock is the block size of key wrapping, in bytes.
const wrapBlock = 8

// wrapCheck precedes a key that was unwrapped with the right key.
const wrapCheck = 0xA6A6A6A6A6A6A6A6

// errWrongKey reports that a key was unwrapped with the wrong key.
var errWrongKey = errors.New("the key does not fit")

// unwrap unwraps a key according to RFC 3394.
func unwrap(with, wrapped []byte) ([]byte, error) {
	if len(wrapped) < 3*wrapBlock || len(wrapped)%wrapBlock != 0 {
		return nil, errors.New("a wrapped key has a wrong length")
	}
	cipher, err := aes.NewCipher(with)
	if err != nil {
		return nil, err
	}
	n := len(wrapped)/wrapBlock - 1
	check := binary.BigEndian.Uint64(wrapped)
	key := append([]byte(nil), wrapped[wrapBlock:]...)
	var block [2 * wrapBlock]byte
	const rounds = 6
	for j := rounds - 1; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			part := key[(i-1)*wrapBlock : i*wrapBlock]
			binary.BigEndian.PutUint64(block[:], check^uint64(n*j+i))
			copy(block[wrapBlock:], part)
			cipher.Decrypt(block[:], block[:])
			check = binary.BigEndian.Uint64(block[:])
			copy(part, block[wrapBlock:])
		}
	}
	var got, want [wrapBlock]byte
	binary.BigEndian.PutUint64(got[:], check)
	binary.BigEndian.PutUint64(want[:], wrapCheck)
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return nil, errWrongKey
	}
	return key, nil
}

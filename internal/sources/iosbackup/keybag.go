package iosbackup

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// The maximum number of iterations; phones use ten million and ten thousand.
const (
	mostFirst  = 100_000_000
	mostSecond = 10_000_000
)

// keySize is the size of all keys, in bytes.
const keySize = 32

// byPassphrase is the wrapping bit of a class key that the passphrase unwraps.
const byPassphrase = 2

// keybag holds the class keys.
type keybag struct {
	salt, firstSalt []byte
	iterations      uint32
	firstIterations uint32 // 0 before iOS 10.2
	classes         []classKey
	keys            map[uint32][]byte // by class, once unlocked
}

type classKey struct {
	class, wrap uint32
	wrapped     []byte
}

// parseKeybag reads a list of tags, lengths and values in big-endian order. Each UUID starts a class, except the first,
// which is the bag's own.
func parseKeybag(data []byte) (*keybag, error) {
	b := &keybag{}
	bags := 0
	for len(data) > 0 {
		const header = 8
		if len(data) < header {
			return nil, errors.New("the keybag is cut off")
		}
		tag, length := string(data[:4]), binary.BigEndian.Uint32(data[4:header])
		if data = data[header:]; uint64(length) > uint64(len(data)) {
			return nil, fmt.Errorf("the keybag is cut off within %q", tag)
		}
		value := data[:length]
		data = data[length:]
		if tag == "UUID" {
			if bags++; bags > 1 {
				b.classes = append(b.classes, classKey{})
			}
			continue
		}
		if err := b.field(tag, value); err != nil {
			return nil, err
		}
	}
	return b, b.check()
}

func (b *keybag) field(tag string, value []byte) error {
	c := new(classKey) // entries before the first class belong to none
	if n := len(b.classes); n > 0 {
		c = &b.classes[n-1]
	}
	if text := map[string]*[]byte{"SALT": &b.salt, "DPSL": &b.firstSalt, "WPKY": &c.wrapped}[tag]; text != nil {
		*text = value
	}
	number := map[string]*uint32{"ITER": &b.iterations, "DPIC": &b.firstIterations, "CLAS": &c.class, "WRAP": &c.wrap}[tag]
	if number == nil {
		return nil
	}
	if len(value) != 4 {
		return fmt.Errorf("%q of the keybag has %d bytes, not 4", tag, len(value))
	}
	*number = binary.BigEndian.Uint32(value)
	return nil
}

// check rejects bags that would take forever.
func (b *keybag) check() error {
	switch {
	case len(b.salt) == 0 || b.iterations == 0 || len(b.classes) == 0:
		return errors.New("the keybag has no salt, no iterations or no class keys")
	case b.iterations > mostSecond || b.firstIterations > mostFirst:
		return fmt.Errorf("the keybag asks for %d and %d iterations: more than phones do", b.firstIterations, b.iterations)
	}
	return nil
}

// unlock unwraps the class keys.
func (b *keybag) unlock(passphrase string) error {
	var err error
	secret := []byte(passphrase)
	if b.firstIterations > 0 {
		if secret, err = derive(sha256.New, secret, b.firstSalt, b.firstIterations); err != nil {
			return err
		}
	}
	if secret, err = derive(sha1.New, secret, b.salt, b.iterations); err != nil {
		return err
	}
	b.keys = make(map[uint32][]byte)
	for _, c := range b.classes {
		if c.wrap&byPassphrase == 0 || len(c.wrapped) == 0 {
			continue
		}
		if b.keys[c.class], err = unwrap(secret, c.wrapped); err != nil {
			b.keys = nil
			return err
		}
	}
	if len(b.keys) == 0 {
		return errors.New("the keybag has no class key that a passphrase unwraps")
	}
	return nil
}

func derive(h func() hash.Hash, secret, salt []byte, iterations uint32) ([]byte, error) {
	return pbkdf2.Key(h, string(secret), salt, int(iterations), keySize)
}

// file unwraps the key of a file: its class in four little-endian bytes, then the wrapped key.
func (b *keybag) file(key []byte) ([]byte, error) {
	const class = 4
	if len(key) != class+keySize+wrapBlock {
		return nil, fmt.Errorf("its key has %d bytes, not %d", len(key), class+keySize+wrapBlock)
	}
	number := binary.LittleEndian.Uint32(key)
	with, known := b.keys[number]
	if !known {
		return nil, fmt.Errorf("there is no class key %d", number)
	}
	return unwrap(with, key[class:])
}

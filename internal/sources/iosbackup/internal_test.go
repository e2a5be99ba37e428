package iosbackup

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"howett.net/plist"
)

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	data, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The vectors of RFC 3394, section 4.
func TestUnwrap_RFC3394(t *testing.T) {
	for name, c := range map[string]struct{ with, key, wrapped string }{
		"4.1": {"000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF", "1FA68B0A8112B447 AEF34BD8FB5A7B82 9D3E862371D2CFE5"},
		"4.2": {"000102030405060708090A0B0C0D0E0F1011121314151617", "00112233445566778899AABBCCDDEEFF", "96778B25AE6CA435 F92B5B97C050AED2 468AB8A17AD84E5D"},
		"4.3": {"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "00112233445566778899AABBCCDDEEFF", "64E8C3F9CE0F5BA2 63E9777905818A2A 93C8191E7D6E8AE7"},
		"4.6": {"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F", "28C9F404C4B810F4 CBCCB35CFB87F826 3F5786E2D80ED326 CBC7F0E71A99F43B FB988B9B7A02DD21"},
	} {
		got, err := unwrap(fromHex(t, c.with), fromHex(t, c.wrapped))
		if err != nil || !bytes.Equal(got, fromHex(t, c.key)) {
			t.Errorf("%s: %X (%v)", name, got, err)
		}
		broken := fromHex(t, c.wrapped)
		broken[len(broken)-1] ^= 1
		if _, err := unwrap(fromHex(t, c.with), broken); !errors.Is(err, errWrongKey) {
			t.Errorf("%s, damaged: %v", name, err)
		}
	}
	for _, n := range []int{0, 8, 16, 25} {
		if _, err := unwrap(make([]byte, 32), make([]byte, n)); err == nil {
			t.Errorf("%d bytes are a wrapped key", n)
		}
	}
}

func TestParseKeybag_AsksForTooMuch(t *testing.T) {
	bag := []byte("UUID\x00\x00\x00\x00SALT\x00\x00\x00\x01xITER\x00\x00\x00\x04\xff\xff\xff\xffUUID\x00\x00\x00\x00")
	if _, err := parseKeybag(bag); err == nil || !strings.Contains(err.Error(), "more than phones do") {
		t.Errorf("error is %v", err)
	}
	for n := range len(bag) {
		if _, err := parseKeybag(bag[:n]); err == nil {
			t.Errorf("%d bytes of it are a keybag", n)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("UUID\x00\x00\x00\x00SALT\x00\x00\x00\x01xITER\x00\x00\x00\x04\x00\x00\x00\x01DPIC\x00\x00\x00\x04\x00\x00\x00\x01UUID\x00\x00\x00\x00WRAP\x00\x00\x00\x04\x00\x00\x00\x02WPKY\x00\x00\x00\x02ab"), make([]byte, 44))
	file, err := plist.Marshal(map[string]any{"$top": map[string]any{"root": plist.UID(1)}, "$objects": []any{"$null",
		map[string]any{"Size": 5, "EncryptionKey": plist.UID(2)}, map[string]any{"NS.data": make([]byte, 44)}}}, plist.BinaryFormat)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file, file)
	f.Fuzz(func(t *testing.T, bag, file []byte) {
		if e, err := parseEntry(file); err == nil && (e.key == nil || e.size < 0) {
			t.Errorf("a file is %+v", e)
		}
		b, err := parseKeybag(bag)
		if err != nil {
			return
		}
		if b.iterations > 100 || b.firstIterations > 100 {
			return
		}
		if b.unlock("x") == nil && len(b.keys) == 0 {
			t.Error("it is unlocked without keys")
		}
		b.file(file)
	})
}

package messages

import (
	"fmt"
	"strings"
)

// packGUID returns the stored form of a GUID: 16 bytes for a UUID in Apple's spelling (upper case, dashes), the text
// itself for anything else.
func packGUID(guid string) any {
	if b, ok := packUUID(guid); ok {
		return b
	}
	return guid
}

func packUUID(guid string) ([]byte, bool) {
	if len(guid) != 36 {
		return nil, false
	}
	packed := make([]byte, 0, 16)
	for i := 0; i < 36; {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if guid[i] != '-' {
				return nil, false
			}
			i++
			continue
		}
		high, low := hexDigits[guid[i]], hexDigits[guid[i+1]]
		if high < 0 || low < 0 {
			return nil, false
		}
		packed = append(packed, byte(high<<4|low))
		i += 2
	}
	return packed, true
}

// hexDigits are the values of upper-case hexadecimal digits, -1 for what is none.
var hexDigits = func() (values [256]int8) {
	for c := range values {
		values[c] = int8(strings.IndexByte("0123456789ABCDEF", byte(c)))
	}
	return values
}()

// unpackGUID is the inverse of packGUID, for a value that database/sql scans into an any.
func unpackGUID(stored any) (string, error) {
	switch stored := stored.(type) {
	case string:
		return stored, nil
	case []byte:
		if len(stored) == 16 {
			return unpackUUID(stored), nil
		}
	}
	return "", fmt.Errorf("a guid is stored as %T", stored)
}

func unpackUUID(packed []byte) string {
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, 36)
	for i, b := range packed {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

package sources

import (
	"bufio"
	"bytes"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// UTF8 returns a text as UTF-8: editors on Windows save files in UTF-16.
func UTF8(in io.Reader) io.Reader {
	const examined = 512
	buffered := bufio.NewReaderSize(in, 4<<10) // small, because an export may have 100,000 files; large reads pass it by
	head, _ := buffered.Peek(examined)
	order, found := utf16Order(head)
	if !found {
		return buffered
	}
	return transform.NewReader(buffered, unicode.UTF16(order, unicode.UseBOM).NewDecoder())
}

// IsUTF16 reports whether a file with this beginning is in UTF-16.
func IsUTF16(head []byte) bool {
	_, found := utf16Order(head)
	return found
}

// utf16Order recognizes UTF-16 by its byte order mark, or by the zero bytes of its ASCII characters.
func utf16Order(head []byte) (order unicode.Endianness, found bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return unicode.LittleEndian, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.BigEndian, true
	}
	const least = 16
	if head = head[:len(head)&^1]; len(head) < least {
		return order, false
	}
	var zeros [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch half := len(head) / 2; {
	case zeros[0] == 0 && 4*zeros[1] > 3*half:
		return unicode.LittleEndian, true
	case zeros[1] == 0 && 4*zeros[0] > 3*half:
		return unicode.BigEndian, true
	}
	return order, false
}

package jsonstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// errForm is the error of bytes that are no JSON.
var errForm = errors.New("it is no JSON")

// Fields calls visit for every key of an object in memory, with the bytes of its value. The key is valid until visit returns.
func Fields(object []byte, visit func(key, value []byte) error) error {
	rest, err := after(object, '{')
	if err != nil {
		return err
	}
	if len(rest) > 0 && rest[0] == '}' {
		return nil
	}
	for {
		key, behind, err := value(rest)
		if err != nil || key[0] != '"' {
			return fmt.Errorf("%w: there is %.20q where a key should be", errForm, rest)
		}
		if behind, err = after(behind, ':'); err != nil {
			return err
		}
		content, behind, err := value(behind)
		if err != nil {
			return err
		}
		if err := visit(key[1:len(key)-1], content); err != nil {
			return err
		}
		if behind = trim(behind); len(behind) > 0 && behind[0] == '}' {
			return nil
		}
		if rest, err = after(behind, ','); err != nil {
			return err
		}
	}
}

// Elements calls visit with the bytes of every element of an array in memory.
func Elements(array []byte, visit func(value []byte) error) error {
	rest, err := after(array, '[')
	if err != nil {
		return err
	}
	if len(rest) > 0 && rest[0] == ']' {
		return nil
	}
	for {
		content, behind, err := value(rest)
		if err != nil {
			return err
		}
		if err := visit(content); err != nil {
			return err
		}
		if behind = trim(behind); len(behind) > 0 && behind[0] == ']' {
			return nil
		}
		if rest, err = after(behind, ','); err != nil {
			return err
		}
	}
}

// after returns what follows a byte that must be next, without spaces.
func after(text []byte, want byte) ([]byte, error) {
	text = trim(text)
	if len(text) == 0 || text[0] != want {
		return nil, fmt.Errorf("%w: there is %.20q where a %c should be", errForm, text, want)
	}
	return trim(text[1:]), nil
}

func trim(text []byte) []byte {
	for len(text) > 0 && isSpace(text[0]) {
		text = text[1:]
	}
	return text
}

// value returns the first value of a text, and the rest.
func value(text []byte) (content, rest []byte, err error) {
	depth, at := 0, 0
	for at < len(text) {
		switch c := text[at]; {
		case c == '"':
			n := stringEnd(text[at+1:])
			if n < 0 {
				return nil, nil, fmt.Errorf("%w: a text has no end", errForm)
			}
			at += n + 1
		case c == '{' || c == '[':
			at++
			if depth++; depth > deepest {
				return nil, nil, fmt.Errorf("%w: it is nested deeper than %d levels", errForm, deepest)
			}
		case c == '}' || c == ']':
			if depth == 0 {
				return nil, nil, fmt.Errorf("%w: there is %c where a value should be", errForm, c)
			}
			at++
			depth--
		case isWord(c):
			for at < len(text) && isWord(text[at]) {
				at++
			}
		case depth > 0 && (isSpace(c) || c == ',' || c == ':'):
			at++
			continue
		default:
			return nil, nil, fmt.Errorf("%w: there is %.20q where a value should be", errForm, text[at:])
		}
		if depth == 0 {
			return text[:at], text[at:], nil
		}
	}
	return nil, nil, fmt.Errorf("%w: a value has no end", errForm)
}

// stringEnd returns the offset behind the quote that ends a string, -1 if there is none.
func stringEnd(text []byte) int {
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			return at + 1
		case '\\':
			at++
		case '\n':
			return -1
		}
	}
	return -1
}

// IsString reports whether a value is a text.
func IsString(value []byte) bool { return len(value) > 0 && value[0] == '"' }

// String returns the text of a value; null is none. replaced reports whether something in it that is no character became U+FFFD.
func String(value []byte) (text string, replaced bool, err error) {
	if string(value) == "null" {
		return "", false, nil
	}
	if len(value) < 2 || !IsString(value) {
		return "", false, fmt.Errorf("%.40s is no text", value)
	}
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		if utf8.Valid(inner) {
			return string(inner), false, nil
		}
		return strings.ToValidUTF8(string(inner), "\uFFFD"), true, nil
	}
	if err = json.Unmarshal(value, &text); err != nil {
		if err = json.Unmarshal(mend(value), &text); err != nil {
			return "", false, fmt.Errorf("%.40s is no text: %w", value, err)
		}
	}
	replaced = strings.ContainsRune(text, utf8.RuneError) && !bytes.Contains(value, []byte("\uFFFD")) && !bytes.Contains(bytes.ToLower(value), []byte(`\ufffd`))
	return text, replaced, nil
}

// mend repairs control characters that are written as they are, or as \x0B.
func mend(value []byte) []byte {
	mended := make([]byte, 0, len(value)+16)
	escaped := false
	for _, c := range value {
		switch {
		case escaped && c == 'x':
			mended = append(mended, "u00"...)
		case c < ' ':
			mended = fmt.Appendf(mended, `\u%04x`, c)
		default:
			mended = append(mended, c)
		}
		escaped = c == '\\' && !escaped
	}
	return mended
}

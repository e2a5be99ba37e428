// Package plistdata decodes property lists that others may have written.
//
// In: a binary or XML property list. Out: its values, as howett.net/plist decodes them. A list that would take more memory or time
// than its size justifies is an error: one with overlapping or circular objects, with objects that contain one another many times
// over, or with deep nesting. It must not know: what property lists describe.
package plistdata

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"howett.net/plist"
)

// The limits of a list, far above those of phones.
const (
	mostValues = 1 << 20 // each counts as often as it is contained in others
	deepest    = 200
)

// Unmarshal decodes a property list into a value, as plist.Unmarshal does.
func Unmarshal(data []byte, into any) (err error) {
	if err := check(data); err != nil {
		return err
	}
	defer func() {
		if fault := recover(); fault != nil { // plist panics on some damaged lists
			err = fmt.Errorf("it is damaged: %v", fault)
		}
	}()
	_, err = plist.Unmarshal(data, into)
	return err
}

func check(data []byte) error {
	switch {
	case bytes.HasPrefix(data, []byte(magic)):
		return checkBinary(data)
	case bytes.HasPrefix(bytes.TrimLeft(data, "\uFEFF \t\r\n"), []byte("<")):
		return checkXML(data)
	}
	return errors.New("it is neither a binary nor an XML property list")
}

// checkXML checks the nesting of elements, which the decoder follows by recursion.
func checkXML(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	depth := 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			if depth++; depth > deepest {
				return errDeep
			}
		case xml.EndElement:
			depth--
		}
	}
}

var (
	errDeep    = fmt.Errorf("it is nested deeper than %d levels", deepest)
	errMany    = fmt.Errorf("it has more than %d values", mostValues)
	errDamaged = errors.New("it is damaged")
)

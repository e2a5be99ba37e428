package windows

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/lines"
	"ventriloquist/internal/regularfile"
)

// DropMember rewrites a window file without the windows of conversations that a person is a member of, and returns how many
// it removed. A file without such windows, or one that is no window file, stays as it is.
func DropMember(path, name string) (dropped int, err error) {
	if dropped, err = withoutMember(path, name, io.Discard); err != nil || dropped == 0 {
		return 0, err
	}
	err = atomicfile.WriteAll(path, func(out io.Writer) error {
		dropped, err = withoutMember(path, name, out)
		return err
	})
	return dropped, err
}

// withoutMember copies the other rows of a window file.
func withoutMember(path, name string, out io.Writer) (dropped int, err error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return 0, fmt.Errorf("cannot read %s: %w", path, err)
	}
	defer f.Close()
	_, err = lines.EachRaw(context.Background(), f, path, func(_, _ int64, row []byte) error {
		if rowHasMember(row, name) {
			dropped++
			return nil
		}
		_, err := out.Write(row)
		return err
	})
	return dropped, err
}

// MembersIn returns the names of the people in the windows of a stream; none if it holds no windows.
func MembersIn(in io.Reader, path string) map[string]bool {
	names := map[string]bool{}
	_, _ = lines.EachRaw(context.Background(), in, path, func(_, _ int64, row []byte) error {
		header, err := headerOf(row)
		if err != nil {
			return err // no window file, or none from here on
		}
		for _, name := range header.Members {
			names[name] = true
		}
		return nil
	})
	return names
}

// headerOf returns the header of the window in a row.
func headerOf(row []byte) (Header, error) {
	text, _, err := parseRow(row)
	if err != nil {
		return Header{}, err
	}
	if len(text) == 0 {
		return Header{}, errors.New("the window is empty")
	}
	return ParseHeader(splitText(text)[0])
}

// rowHasMember reports whether a row is a window of a conversation with a person.
func rowHasMember(row []byte, name string) bool {
	if len(bytes.TrimSpace(row)) == 0 {
		return false
	}
	header, err := headerOf(row)
	return err == nil && slices.Contains(header.Members, name)
}

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// newTestKeyboard returns a keyboard and a function that types on it.
func newTestKeyboard(t *testing.T) (*keyboard, func(keys string)) {
	in, typed := io.Pipe()
	t.Cleanup(func() { typed.Close() })
	return newKeyboard(context.Background(), in), func(keys string) {
		t.Helper()
		if _, err := typed.Write([]byte(keys)); err != nil {
			t.Fatal(err)
		}
	}
}

func readByte(t *testing.T, r *bufio.Reader, want byte) {
	t.Helper()
	if got, err := r.ReadByte(); err != nil || got != want {
		t.Fatalf("read %q, %v, want %q", got, err, want)
	}
}

// At the prompt, Ctrl-C becomes the keys that clear the line; twice in a row, it ends the input.
func TestKeyboard_CtrlCClearsTheLine(t *testing.T) {
	k, typ := newTestKeyboard(t)
	r := bufio.NewReader(k)
	typ("a\x03")
	for _, want := range []byte{'a', ctrlE, ctrlU} {
		readByte(t, r, want)
	}
	typ("b\x03")
	for _, want := range []byte{'b', ctrlE, ctrlU} {
		readByte(t, r, want)
	}
	typ("\x03")
	if b, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		t.Fatalf("read %q, %v after the second Ctrl-C", b, err)
	}
}

// What was typed during the answer goes to the next line.
func TestKeyboard_CtrlCStopsAnAnswer(t *testing.T) {
	k, typ := newTestKeyboard(t)
	answer, done := k.answering(context.Background())
	typ("ab\x03c")
	select {
	case <-answer.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the answer goes on")
	}
	done()
	r := bufio.NewReader(k)
	for _, want := range []byte("abc") {
		readByte(t, r, want)
	}
}

package main

import (
	"context"
	"io"
	"sync"
)

// Keys of a terminal in raw mode.
const (
	ctrlC = 0x03
	ctrlE = 0x05 // to the end of the line
	ctrlU = 0x15 // deletes everything before the cursor
)

// keyboard reads a terminal all the time, also while the model answers. What is typed meanwhile goes to the next line, except
// Ctrl-C.
type keyboard struct {
	ctx  context.Context
	keys chan byte
	quit chan struct{} // closed when Ctrl-C was pressed twice in a row

	mu      sync.Mutex
	presses int                // of Ctrl-C, in a row
	stop    context.CancelFunc // of the answer that is being written; nil while a line is edited
}

func newKeyboard(ctx context.Context, in io.Reader) *keyboard {
	k := &keyboard{ctx: ctx, keys: make(chan byte, 1<<16), quit: make(chan struct{})}
	go k.pump(in)
	return k
}

// pump runs until the program ends: a read from a terminal cannot be canceled.
func (k *keyboard) pump(in io.Reader) {
	defer close(k.keys)
	buffer := make([]byte, 4096)
	for {
		n, err := in.Read(buffer)
		for _, key := range buffer[:n] {
			if key == ctrlC {
				k.interrupt()
				continue
			}
			k.mu.Lock()
			k.presses = 0
			k.mu.Unlock()
			k.keys <- key
		}
		if err != nil {
			return
		}
	}
}

func (k *keyboard) interrupt() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.presses++
	if k.presses == 2 {
		close(k.quit)
	}
	if k.stop != nil {
		k.stop()
	} else if k.presses == 1 {
		k.keys <- ctrlE
		k.keys <- ctrlU
	}
}

// answering returns the context of an answer, which Ctrl-C cancels. The caller calls done after the answer.
func (k *keyboard) answering(ctx context.Context) (answer context.Context, done func()) {
	answer, stop := context.WithCancel(ctx)
	k.mu.Lock()
	k.stop = stop
	k.mu.Unlock()
	return answer, func() {
		k.mu.Lock()
		k.stop = nil
		k.mu.Unlock()
		stop()
	}
}

// Read passes typed input to the line editor. It returns io.EOF after two Ctrl-C in a row, when the terminal closes, and when
// the context ends.
func (k *keyboard) Read(p []byte) (int, error) {
	select {
	case <-k.quit:
		return 0, io.EOF
	case <-k.ctx.Done():
		return 0, io.EOF
	case key, open := <-k.keys:
		if !open {
			return 0, io.EOF
		}
		p[0] = key
	}
	n := 1
	for n < len(p) {
		select {
		case key, open := <-k.keys:
			if !open {
				return n, nil
			}
			p[n] = key
			n++
			continue
		default:
		}
		break
	}
	return n, nil
}

package serve

import (
	"context"
	"sync"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// piece is what is new in one choice of an answer.
type piece struct {
	choice int
	text   string
	begins *windows.Message // chat: the message without its text, in the first piece
	probs  []tokenProb
	tokens int    // new ones, that count as the answer's
	finish string // "stop" or "length" in the last piece
}

// tokenProb is a token with its log probability.
type tokenProb struct {
	text string
	generate.Token
}

// answer is what the scheduler has written and the handler has not read yet. It never holds more than the answer's tokens.
type answer struct {
	mu     sync.Mutex
	pieces []piece
	left   int // choices that have not ended
	prompt int // tokens of the prompt, as another server counted them; 0 if it did not
	err    *apiError
	wake   chan struct{}
}

func newAnswer(n int) *answer { return &answer{left: n, wake: make(chan struct{}, 1)} }

func (a *answer) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *answer) add(p piece) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pieces = append(a.pieces, p)
	if p.finish != "" {
		a.left--
	}
	a.signal()
}

// counted notes how many tokens the prompt has.
func (a *answer) counted(prompt int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prompt = max(a.prompt, prompt)
}

func (a *answer) fail(err *apiError) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
	a.signal()
}

// next waits for new pieces. over: there will be no more.
func (a *answer) next(ctx context.Context) (pieces []piece, over bool, err *apiError) {
	for {
		a.mu.Lock()
		pieces, a.pieces = a.pieces, nil
		over, err = a.left == 0, a.err
		a.mu.Unlock()
		if over || err != nil || len(pieces) > 0 {
			return pieces, over, err
		}
		select {
		case <-a.wake:
		case <-ctx.Done():
			return nil, false, errTimeout
		}
	}
}

package main

import (
	"context"
	"fmt"
	"sync"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/generate/remote"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// tokenCount counts the tokens of a line.
func tokenCount(e batch.Encoder) func(line string) int {
	return func(line string) int { return len(e.AppendEncodeOrdinary(nil, line)) }
}

// estimatedCount is at least about how many tokens a line has by a tokenizer that is not here.
func estimatedCount(line string) int { return 2 * len(line) / remote.BytesPerToken }

// memoryTokens returns how many tokens of memories the adapters in these folders were trained with, 0 for none. It is an error if they
// differ: then their windows do too.
func memoryTokens(dirs []string) (tokens int, err error) {
	for i, dir := range dirs {
		state, err := train.ReadState(dir)
		if err != nil {
			state.Options.MemoryTokens = 0 // another program's adapter
		}
		n := state.Options.MemoryTokens
		if i > 0 && n != tokens {
			return 0, usererr.With(fmt.Errorf("%s was trained with %d tokens of memories, and %s with %d: they need different windows", dirs[0], tokens, dir, n),
				"use one at a time")
		}
		tokens = n
	}
	return tokens, nil
}

// recaller finds memories for adapters that were trained with them. It opens messages.db when it is first asked.
type recaller struct {
	ctx     context.Context
	dataDir string
	count   func(line string) int

	mu     sync.Mutex
	tokens int // 0: there are none
	memory *windows.Memory
	failed bool
}

func newRecaller(ctx context.Context, dataDir string, tokens int, count func(line string) int) *recaller {
	return &recaller{ctx: ctx, dataDir: dataDir, tokens: tokens, count: count}
}

// use changes to an adapter with so many tokens of memories.
func (r *recaller) use(tokens int) {
	r.close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens, r.failed = tokens, false
}

func (r *recaller) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.memory != nil {
		r.memory.Close()
		r.memory = nil
	}
}

// recall implements generate.Recall. What cannot be read is not remembered, and said once.
func (r *recaller) recall(h windows.Header, before []windows.Message, as string) []string {
	lines, err := r.lines(h, before, as)
	if err != nil {
		notice("warning: the adapter was trained with memories of earlier messages, and goes without: %v", err)
	}
	return lines
}

func (r *recaller) lines(h windows.Header, before []windows.Message, as string) (lines []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tokens == 0 || r.failed {
		return nil, nil
	}
	defer func() { r.failed = err != nil }()
	if r.memory == nil {
		if r.memory, err = windows.OpenMemory(r.ctx, databasePath(r.dataDir), r.tokens, r.count); err != nil {
			return nil, err
		}
	}
	found, err := r.memory.Lines(h, before, as)
	for _, line := range found {
		lines = append(lines, string(line))
	}
	return lines, err
}

var _ generate.Recall = (*recaller)(nil).recall

// validateMemory checks --memory-tokens, which goes with another flag.
func validateMemory(tokens int, given bool, with string) error {
	const most = 1 << 16
	switch {
	case given && with != "":
		return usererr.Usage("--memory-tokens goes with %s", with)
	case tokens < 0 || tokens > most:
		return usererr.Usage("--memory-tokens %d is not from 0 to %d", tokens, most)
	}
	return nil
}

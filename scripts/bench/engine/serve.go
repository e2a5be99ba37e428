package main

import (
	"fmt"
	"time"

	"ventriloquist/engine"
	"ventriloquist/internal/generate"
)

// serve measures how many tokens several clients of a server get together, and how many when they wait for each other.
func serve(o options, m *engine.Model, a *engine.Adapter, result map[string]any) error {
	const most, written = 16, 24
	pool, err := generate.NewPool(generate.OnEngine(m, a), numbered(m.Config().Vocab), nil,
		generate.PoolOptions{Capacity: most * (o.tokens + written + most + 256), Sequences: most, Rows: engine.DecodeRows})
	if err != nil {
		return err
	}
	defer pool.Close()
	for _, clients := range []int{1, 4, most} {
		rate := 0.0
		for range o.repeat + 1 { // after one warm-up run
			together, err := decodeTogether(pool, clients, o.tokens, written)
			if err != nil {
				return err
			}
			rate = max(rate, together)
		}
		result[fmt.Sprintf("clients_%d", clients)] = rate
	}
	return nil
}

// decodeTogether returns the tokens per second of jobs that are decoded at the same time, without the reading of prompts.
func decodeTogether(pool *generate.Pool, clients, prompt, written int) (float64, error) {
	decoded, begun := 0, 0
	for c := range clients {
		ids := make([]int32, prompt)
		for i := range ids {
			ids[i] = int32((i*31 + c) % 1000)
		}
		length := written + clients - 1 - c // a prompt is read per step: so all end together
		job := &generate.Job{Prompt: ids, N: 1, Options: generate.Options{Sampling: generate.Sampling{Temperature: 1, Seed: uint64(c)},
			MinNewTokens: length, MaxNewTokens: length, Raw: true, SeveralLines: true}}
		job.Token = func(int) generate.TokenStream {
			begun++
			return func(generate.Token) bool { decoded++; return true }
		}
		if started, err := pool.Start(job); err != nil || !started {
			return 0, fmt.Errorf("no room for %d clients: %w", clients, err)
		}
	}
	for begun < clients {
		if _, err := pool.Step(); err != nil {
			return 0, err
		}
	}
	start, before := time.Now(), decoded
	for pool.Live() > 0 {
		if _, err := pool.Step(); err != nil {
			return 0, err
		}
	}
	return float64(decoded-before) / time.Since(start).Seconds(), nil
}

// numbered is a tokenizer for random weights: it has as many tokens as the model, and their texts are numbers.
type numbered int

func (n numbered) TokenBytes(id int32) []byte {
	if int(id) >= int(n) {
		return nil
	}
	return fmt.Appendf(nil, "%d ", id)
}

func (n numbered) IsAdded(int32) bool { return false }

func (n numbered) AppendEncodeOrdinary(ids []int32, text string) []int32 {
	for i := range len(text) {
		ids = append(ids, int32(text[i]))
	}
	return ids
}

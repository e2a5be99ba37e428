package serve_test

import (
	"fmt"
	"sync"
	"testing"
)

// Tokens per second of several clients at once, and of as many requests one after another.
func BenchmarkServer(b *testing.B) {
	h, _ := open(b, nil)
	ask := func(i int) int {
		_, answer := post(b, h, "/v1/completions",
			fmt.Sprintf(`{"model": "Ada", "prompt": "the message of client %d: ", "seed": %d, "temperature": 1, "max_tokens": 64}`, i, i))
		tokens, _ := at(answer, "usage", "completion_tokens").(float64)
		return int(tokens)
	}
	for _, clients := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			tokens := make([]int, clients)
			for b.Loop() {
				var wait sync.WaitGroup
				for i := range clients {
					wait.Go(func() { tokens[i] += ask(i) })
				}
				wait.Wait()
			}
			rate(b, tokens...)
		})
		b.Run(fmt.Sprintf("sequential=%d", clients), func(b *testing.B) {
			tokens := 0
			for b.Loop() {
				for i := range clients {
					tokens += ask(i)
				}
			}
			rate(b, tokens)
		})
	}
}

func rate(b *testing.B, tokens ...int) {
	all := 0
	for _, n := range tokens {
		all += n
	}
	b.ReportMetric(float64(all)/b.Elapsed().Seconds(), "tokens/s")
}

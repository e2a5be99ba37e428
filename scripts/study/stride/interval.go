package main

import (
	"math/rand/v2"
	"slices"
)

// interval is a mean with the bounds of its 95% interval.
type interval struct{ mean, low, high float64 }

// replicates is the number of times that the bootstrap draws.
const replicates = 2000

// group is the runs of one setting that differ in their seeds alone.
type group []*result

func (g group) loss() float64 {
	var sum float64
	for _, r := range g {
		sum += r.Loss
	}
	return sum / float64(len(g))
}

// lossInterval is the interval of a loss: seeds and conversations are drawn anew.
func lossInterval(g group) interval { return bootstrap(g, nil) }

// differenceInterval is the interval of the difference of two losses on the same messages.
func differenceInterval(g, from group) interval { return bootstrap(g, from) }

// bootstrap draws the seeds of each group and the conversations of the held-out messages with replacement. Messages of one
// conversation are alike, so that they are drawn together.
func bootstrap(g, from group) interval {
	random := rand.New(rand.NewPCG(1, 2))
	count := 0
	for _, s := range g[0].HeldOut {
		count = max(count, s.Conversation+1)
	}
	a, b := byConversation(g, count), byConversation(from, count)
	difference := func(conversations, seedsA, seedsB []int) float64 {
		d := a.loss(conversations, seedsA)
		if len(from) > 0 {
			d -= b.loss(conversations, seedsB)
		}
		return d
	}
	draw := func(n int) []int {
		drawn := make([]int, n)
		for i := range drawn {
			drawn[i] = random.IntN(n)
		}
		return drawn
	}
	all := make([]float64, replicates)
	for i := range all {
		all[i] = difference(draw(count), draw(len(g)), draw(len(from)))
	}
	slices.Sort(all)
	return interval{mean: difference(sequence(count), sequence(len(g)), sequence(len(from))), low: all[replicates/40], high: all[replicates-1-replicates/40]}
}

func sequence(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// conversationSums are the losses and tokens of conversations, for each seed.
type conversationSums struct {
	sums   [][]float64 // by seed and conversation
	tokens []float64   // by conversation
}

func byConversation(g group, count int) conversationSums {
	c := conversationSums{tokens: make([]float64, count)}
	for i, r := range g {
		sums := make([]float64, count)
		for _, s := range r.HeldOut {
			sums[s.Conversation] += s.Sum
			if i == 0 {
				c.tokens[s.Conversation] += float64(s.Tokens)
			}
		}
		c.sums = append(c.sums, sums)
	}
	return c
}

// loss is the mean over the tokens of these conversations and over these seeds.
func (c *conversationSums) loss(conversations, seeds []int) float64 {
	var sum, tokens float64
	for _, k := range conversations {
		tokens += c.tokens[k] * float64(len(seeds))
		for _, seed := range seeds {
			sum += c.sums[seed][k]
		}
	}
	return sum / tokens
}

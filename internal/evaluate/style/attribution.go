package style

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// classifier tells the texts of a person from those of the people they write with: a logistic regression on character n-grams of
// three to five characters, weighted by TF-IDF.
type classifier struct {
	idf     []float32
	weights []float32
	bias    float64
}

const (
	shortestGram = 3
	longestGram  = 5
	buckets      = 1 << 18 // n-grams are hashed into so many
	epochs       = 8
	mostTexts    = 4000 // per side
)

// gram is a hashed n-gram with its weight in a text.
type gram struct {
	bucket int
	weight float64
}

// train returns a classifier of own against others.
func train(own, others []string) *classifier {
	c := &classifier{idf: make([]float32, buckets), weights: make([]float32, buckets)}
	own, others = spread(own, mostTexts), spread(others, mostTexts)
	texts := append(append([]string(nil), own...), others...)
	c.countDocuments(texts)
	read := make([][]gram, len(texts))
	for i, text := range texts {
		read[i] = c.grams(text)
	}
	// Both sides weigh the same, however many texts they have.
	weight := [2]float64{float64(len(texts)) / 2 / float64(len(others)), float64(len(texts)) / 2 / float64(len(own))}
	squares, biasSquares := make([]float32, buckets), 1e-8
	random := rand.New(rand.NewPCG(5, uint64(len(texts))))
	for range epochs {
		for _, i := range random.Perm(len(texts)) {
			label := 0
			if i < len(own) {
				label = 1
			}
			off := (c.probability(read[i]) - float64(label)) * weight[label]
			for _, g := range read[i] { // AdaGrad with a small L2 penalty
				gradient := off*g.weight + 1e-4*float64(c.weights[g.bucket])
				squares[g.bucket] += float32(gradient * gradient)
				c.weights[g.bucket] -= float32(0.3 * gradient / math.Sqrt(float64(squares[g.bucket])+1e-8))
			}
			biasSquares += off * off
			c.bias -= 0.1 * off / math.Sqrt(biasSquares)
		}
	}
	return c
}

// score returns the probability that the person wrote a text, where both sides were as likely before.
func (c *classifier) score(text string) float64 { return c.probability(c.grams(text)) }

func (c *classifier) probability(grams []gram) float64 {
	sum := c.bias
	for _, g := range grams {
		sum += g.weight * float64(c.weights[g.bucket])
	}
	return 1 / (1 + math.Exp(-sum))
}

// countDocuments sets the inverse document frequencies.
func (c *classifier) countDocuments(texts []string) {
	documents := make([]int, buckets)
	for _, text := range texts {
		for bucket := range counts(text) {
			documents[bucket]++
		}
	}
	for i, n := range documents {
		c.idf[i] = float32(math.Log(float64(1+len(texts))/float64(1+n)) + 1)
	}
}

// grams returns a text as a vector of length 1.
func (c *classifier) grams(text string) []gram {
	counted := counts(text)
	list := make([]gram, 0, len(counted))
	squares := 0.0
	for _, bucket := range slices.Sorted(maps.Keys(counted)) { // sums depend on the order
		n := counted[bucket]
		weight := (1 + math.Log(float64(n))) * float64(c.idf[bucket])
		list = append(list, gram{bucket, weight})
		squares += weight * weight
	}
	for i := range list {
		list[i].weight /= math.Sqrt(squares)
	}
	return list
}

// counts returns how often each n-gram is in a text, which begins and ends with a space.
func counts(text string) map[int]int {
	counted := make(map[int]int)
	runes := []rune(" " + strings.Join(strings.Fields(text), " ") + " ")
	for length := shortestGram; length <= longestGram; length++ {
		for i := 0; i+length <= len(runes); i++ {
			counted[hash(runes[i:i+length])]++
		}
	}
	return counted
}

// hash is FNV-1a over code points: the same in every run.
func hash(runes []rune) int {
	h := uint64(14695981039346656037)
	for _, r := range runes {
		h = (h ^ uint64(r)) * 1099511628211
	}
	return int((h ^ h>>32) % buckets)
}

// spread returns at most n of the texts, evenly spread.
func spread(texts []string, n int) []string {
	if len(texts) <= n {
		return texts
	}
	some := make([]string, n)
	for i := range some {
		some[i] = texts[i*len(texts)/n]
	}
	return some
}

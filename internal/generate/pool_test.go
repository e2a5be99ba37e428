package generate

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// newFakePool returns a pool with random logits, its model, and a generator that continues alone.
func newFakePool(t *testing.T, o PoolOptions) (*Pool, *fakeModel, *Generator) {
	t.Helper()
	alone, model, tokenizer := newFake(t, map[string]float32{`"`: 3, "\n": 2})
	p, err := NewPool(model, tokenizer, []int32{tokenizer.added}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, model, alone
}

// poolJob is a job whose continuations are kept.
type poolJob struct {
	Job
	written []Continuation
	ended   int
}

func newPoolJob(tokenizer Tokenizer, prompt string, seed uint64, n int) *poolJob {
	j := &poolJob{written: make([]Continuation, n)}
	j.Job = Job{Prompt: tokenizer.AppendEncodeOrdinary(nil, prompt), N: n,
		Options: Options{Sampling: Sampling{Temperature: 1, Seed: seed}, MaxNewTokens: 60}}
	j.Done = func(i int, c Continuation) {
		j.written[i] = c
		j.ended++
	}
	return j
}

func start(t *testing.T, p *Pool, j *poolJob) bool {
	t.Helper()
	started, err := p.Start(&j.Job)
	if err != nil {
		t.Fatal(err)
	}
	return started
}

func step(t *testing.T, p *Pool) []*Job {
	t.Helper()
	ended, err := p.Step()
	if err != nil {
		t.Fatal(err)
	}
	cache, held := p.g.cache.(*fakeCache), 0
	for _, tokens := range cache.tokens {
		held += len(tokens)
	}
	if held > p.capacity {
		t.Fatalf("the cache holds %d tokens, and has room for %d", held, p.capacity)
	}
	return ended
}

// What a job writes does not depend on the others: they join and leave at any step, and some are dropped.
func TestPool_WritesAsAlone(t *testing.T) {
	t.Parallel()
	p, _, alone := newFakePool(t, PoolOptions{Capacity: 1500, Sequences: 5, Rows: 8})
	random := rand.New(rand.NewPCG(1, 1))
	var waiting, running []*poolJob
	for i := range 30 {
		prompt := strings.Repeat("hey delta ", i%4*8) + "text " + string(rune('a'+i)) + ` {"name": "Ada", "`
		waiting = append(waiting, newPoolJob(alone.tokenizer, prompt, uint64(i), 1+i%3))
	}
	dropped := make(map[*poolJob]bool)
	all := slices.Clone(waiting)
	for len(waiting)+p.Live() > 0 {
		for len(waiting) > 0 && start(t, p, waiting[0]) {
			running, waiting = append(running, waiting[0]), waiting[1:]
		}
		step(t, p)
		if random.IntN(20) == 0 {
			j := running[random.IntN(len(running))]
			dropped[j] = dropped[j] || slices.Contains(p.jobs, &j.Job)
			if err := p.Drop(&j.Job); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(dropped) == len(all) {
		t.Fatal("all jobs were dropped")
	}
	for i, j := range all {
		if dropped[j] {
			continue
		}
		want, err := alone.Continue(context.Background(), j.Prompt, j.N, j.Options, nil)
		if err != nil {
			t.Fatal(err)
		}
		for k := range want {
			if !slices.Equal(j.written[k].IDs, want[k].IDs) || j.written[k].Stopped != want[k].Stopped {
				t.Errorf("job %d, continuation %d: %q (%v), alone %q (%v)", i, k, j.written[k].Text, j.written[k].Stopped, want[k].Text, want[k].Stopped)
			}
		}
		if j.ended != j.N {
			t.Errorf("job %d: %d of %d continuations ended", i, j.ended, j.N)
		}
	}
}

// What a prompt has in common with one that was read before is not read again, in whole blocks.
func TestPool_SharesPrefixes(t *testing.T) {
	t.Parallel()
	p, model, alone := newFakePool(t, PoolOptions{Capacity: 2000, Sequences: 2, Rows: 8})
	long := strings.Repeat("abcdefgh", 20)
	for i, want := range []int{0, 160 / block * block} {
		model.reads = nil
		j := newPoolJob(alone.tokenizer, long+strings.Repeat("?", i*40), 1, 1)
		start(t, p, j)
		for p.Live() > 0 {
			step(t, p)
		}
		read := 0
		for _, n := range model.reads {
			read += n
		}
		if j.Shared() != want || read != len(j.Prompt)-want {
			t.Errorf("prompt %d: %d tokens were shared, want %d; %d of %d were read", i, j.Shared(), want, read, len(j.Prompt))
		}
	}
}

// A job that is dropped frees its place at once.
func TestPool_DropFreesItsPlace(t *testing.T) {
	t.Parallel()
	p, _, alone := newFakePool(t, PoolOptions{Capacity: 2000, Sequences: 2, Rows: 8})
	first, second := newPoolJob(alone.tokenizer, "one", 1, 2), newPoolJob(alone.tokenizer, "two", 2, 1)
	if !start(t, p, first) || start(t, p, second) {
		t.Fatal("there are two places, and the first job takes both")
	}
	step(t, p)
	for range 2 { // a job may be dropped twice
		if err := p.Drop(&first.Job); err != nil {
			t.Fatal(err)
		}
	}
	if p.Live() != 0 || !start(t, p, second) {
		t.Error("the place is not free")
	}
}

// A stream that wants no more ends its continuation alone.
func TestPool_EndsWhatItsCallerEnds(t *testing.T) {
	t.Parallel()
	p, _, alone := newFakePool(t, PoolOptions{Capacity: 2000, Sequences: 2, Rows: 8})
	j := newPoolJob(alone.tokenizer, "one", 1, 2)
	j.Token = func(i int) TokenStream {
		left := 3
		return func(Token) bool {
			left--
			return i == 1 || left > 0
		}
	}
	start(t, p, j)
	for p.Live() > 0 {
		step(t, p)
	}
	if len(j.written[0].IDs) != 3 || j.written[0].Stopped != ByCaller || len(j.written[1].IDs) <= 3 {
		t.Errorf("%d tokens (%v) and %d", len(j.written[0].IDs), j.written[0].Stopped, len(j.written[1].IDs))
	}
}

func TestPool_RefusesWhatNeverFits(t *testing.T) {
	t.Parallel()
	p, _, alone := newFakePool(t, PoolOptions{Capacity: 400, Sequences: 2, Rows: 8})
	for _, c := range []struct {
		length, n, tokens int
		want              error
	}{{10, 1, 60, nil}, {380, 1, 60, ErrTooLarge}, {10, 3, 1, ErrTooLarge}, {10, 2, 200, ErrTooLarge}} {
		j := newPoolJob(alone.tokenizer, strings.Repeat("x", c.length), 1, c.n)
		j.Options.MaxNewTokens = c.tokens
		if err := p.Check(&j.Job); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

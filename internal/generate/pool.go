package generate

import (
	"errors"
	"slices"

	"ventriloquist/engine"
)

// Pool writes continuations of many prompts at the same time. Prompts join and leave between steps, and each step reads a part of one
// prompt and decodes a token of every continuation (continuous batching). It is not safe for concurrent use.
type Pool struct {
	g        *Generator
	capacity int // tokens of the cache
	rows     int // tokens per decoding pass
	slots    []slot
	jobs     []*Job // that are read or written, in the order of their start
	clock    int
}

// slot is a sequence of the cache.
type slot struct {
	job    *Job    // that uses it; nil: it is kept for a prompt that begins alike, or empty
	tokens []int32 // of a prompt, that it holds
	used   int     // when it was last used
}

// PoolOptions are the sizes of a pool.
type PoolOptions struct {
	Capacity  int // tokens of the cache
	Sequences int // continuations that are written at the same time
	// Rows is how many tokens are decoded in one pass. Up to engine.DecodeRows a token on the CPU is computed as if it were decoded
	// alone.
	Rows int
}

// keptSequences is how many further sequences hold prompts that were read before.
const keptSequences = 8

// block is the unit of the cache in tokens: a sequence leaves part of one unused at its end and where it was forked.
const block = 32

// NewPool returns a pool; stops are the ids that end a text.
func NewPool(m Model, t Tokenizer, stops []int32, o PoolOptions) (*Pool, error) {
	g := NewGenerator(m, t, stops)
	g.grammar = NewGrammar(t, m.VocabSize()) // now, so that Check may be called at any time
	if err := g.Reserve(o.Capacity, o.Sequences+keptSequences); err != nil {
		return nil, err
	}
	return &Pool{g: g, capacity: o.Capacity, rows: max(o.Rows, 1), slots: make([]slot, o.Sequences+keptSequences)}, nil
}

// Close releases the cache.
func (p *Pool) Close() { p.g.Close() }

// Job is the continuations of one prompt.
type Job struct {
	Prompt  []int32
	N       int // continuations
	Options Options
	// Token returns the stream of a continuation.
	Token func(continuation int) TokenStream
	// Done is called once for each continuation that ended by itself.
	Done func(continuation int, c Continuation)

	slots  []int // the first holds the prompt
	read   int   // tokens of the prompt
	shared int   // of them, read for an earlier prompt
	drafts []*draft
}

// Shared is how many tokens of the prompt had been read for an earlier one.
func (j *Job) Shared() int { return j.shared }

// cost is how many tokens of the cache the job takes at most.
func (j *Job) cost() int { return len(j.Prompt) + 2*block + j.N*(j.Options.MaxNewTokens+2*block) }

// ErrTooLarge means that a job takes more than the whole cache.
var ErrTooLarge = errors.New("the prompt and its continuations take more tokens than the cache has")

// Check returns an error if the pool can never run the job. It may be called while another method runs.
func (p *Pool) Check(j *Job) error {
	if j.cost() > p.capacity || j.N > len(p.slots)-keptSequences {
		return ErrTooLarge
	}
	_, err := p.g.newDrafts([][]int32{j.Prompt}, j.Options, nil)
	return err
}

// Start adds a job and reports whether there is room for it now.
func (p *Pool) Start(j *Job) (started bool, err error) {
	live, busy := j.cost(), 0
	for _, other := range p.jobs {
		live += other.cost()
	}
	for i := range p.slots {
		if p.slots[i].job != nil {
			busy++
		}
	}
	if live > p.capacity || busy+j.N > len(p.slots)-keptSequences {
		return false, nil
	}
	// Prompts that are kept give way to the live ones, the oldest first. Those that share tokens are counted several times.
	for {
		kept := 0
		for i := range p.slots {
			if p.slots[i].job == nil {
				kept += len(p.slots[i].tokens)
			}
		}
		if live+kept <= p.capacity {
			break
		}
		if err := p.empty(p.oldest()); err != nil {
			return false, err
		}
	}
	p.jobs = append(p.jobs, j)
	for range j.N {
		at := p.oldest()
		if err := p.empty(at); err != nil {
			return false, err
		}
		p.slots[at].job = j
		j.slots = append(j.slots, at)
	}
	return true, nil
}

// oldest returns the slot without a job that is empty, or else was used longest ago.
func (p *Pool) oldest() int {
	best := -1
	for i := range p.slots {
		s := &p.slots[i]
		if s.job != nil {
			continue
		}
		if best < 0 || len(s.tokens) == 0 && len(p.slots[best].tokens) > 0 ||
			(len(s.tokens) == 0) == (len(p.slots[best].tokens) == 0) && s.used < p.slots[best].used {
			best = i
		}
	}
	return best
}

func (p *Pool) empty(at int) error {
	p.slots[at].tokens = nil
	return p.g.cache.Truncate(at, 0)
}

// Live is how many jobs are read or written.
func (p *Pool) Live() int { return len(p.jobs) }

// Step reads a part of the first prompt that is not complete, and decodes the next token of every continuation. It returns the jobs
// that have ended. After an error all jobs have been dropped.
func (p *Pool) Step() (ended []*Job, err error) {
	if err = p.readOne(); err == nil {
		err = p.decodeAll()
	}
	if err != nil {
		return nil, errors.Join(err, p.dropAll())
	}
	for _, j := range slices.Clone(p.jobs) {
		if len(j.drafts) > 0 && !slices.ContainsFunc(j.drafts, func(d *draft) bool { return d.Stopped == Unfinished }) {
			ended = append(ended, j)
			if err := p.Drop(j); err != nil {
				return ended, err
			}
		}
	}
	return ended, nil
}

// Drop ends a job and frees its place.
func (p *Pool) Drop(j *Job) error {
	at := slices.Index(p.jobs, j)
	if at < 0 {
		return nil
	}
	p.jobs = slices.Delete(p.jobs, at, at+1)
	var failed error
	for i, s := range j.slots {
		p.slots[s].job = nil
		keep := 0
		if i == 0 {
			keep = j.read // what was decoded is read again, with the prompt that continues it
		}
		p.slots[s].tokens = slices.Clone(j.Prompt[:keep])
		p.clock++
		p.slots[s].used = p.clock
		failed = errors.Join(failed, p.g.cache.Truncate(s, keep))
	}
	return failed
}

func (p *Pool) dropAll() (failed error) {
	for len(p.jobs) > 0 {
		failed = errors.Join(failed, p.Drop(p.jobs[0]))
	}
	return failed
}

// readOne reads a part of a prompt; after its end it draws the first token of each continuation.
func (p *Pool) readOne() error {
	at := slices.IndexFunc(p.jobs, func(j *Job) bool { return j.read < len(j.Prompt) })
	if at < 0 {
		return nil
	}
	j := p.jobs[at]
	if j.read == 0 {
		if err := p.share(j); err != nil {
			return err
		}
	}
	n := passLength(len(j.Prompt) - j.read)
	end := j.read+n == len(j.Prompt)
	if err := p.g.cache.Prefill(j.slots[0], j.Prompt[j.read:j.read+n], end); err != nil {
		return err
	}
	j.read += n
	p.slots[j.slots[0]].tokens = j.Prompt[:j.read]
	if !end {
		return nil
	}
	return p.begin(j)
}

// tail is how many tokens of a prompt are always read in one pass: so many that the pass is computed as a longer one is.
const tail = 16

// passLength is how many of the tokens that are left are read in the next pass.
func passLength(left int) int {
	n := min(left, prefillTokens)
	if rest := left - n; rest > 0 && rest < tail {
		n -= tail
	}
	return n
}

// share makes the job's sequence begin with the longest beginning of its prompt that another sequence holds, in whole blocks.
func (p *Pool) share(j *Job) error {
	from, most := -1, 0
	for i := range p.slots {
		common := min(commonPrefix(p.slots[i].tokens, j.Prompt), len(j.Prompt)-tail) / block * block
		if common > most {
			from, most = i, common
		}
	}
	if from < 0 {
		return nil
	}
	p.clock++
	p.slots[from].used = p.clock
	j.read, j.shared = most, most
	if err := p.g.cache.Fork(from, j.slots[0]); err != nil {
		return err
	}
	return p.g.cache.Truncate(j.slots[0], most)
}

// begin draws the first token of each continuation from the logits after the prompt.
func (p *Pool) begin(j *Job) error {
	drafts, err := p.g.newDrafts(slices.Repeat([][]int32{j.Prompt}, j.N), j.Options, nil)
	if err != nil {
		return err
	}
	for i, d := range drafts {
		d.sequence, d.kept = j.slots[i], nil
		if j.Token != nil {
			d.stream = j.Token(i)
		}
		if i > 0 {
			if err := p.g.cache.Fork(j.slots[0], j.slots[i]); err != nil {
				return err
			}
		}
	}
	j.drafts = drafts
	for _, d := range drafts {
		if err := p.g.sampleEach([]*draft{d}, []int{0}); err != nil {
			return err
		}
		p.report(j, d)
	}
	return nil
}

// decodeAll decodes the last token of every live continuation and draws the next.
func (p *Pool) decodeAll() error {
	var live []*draft
	owner := make(map[*draft]*Job)
	for _, j := range p.jobs {
		for _, d := range j.drafts {
			if d.Stopped == Unfinished {
				live, owner[d] = append(live, d), j
			}
		}
	}
	for part := range slices.Chunk(live, max(p.rows, engine.DecodeRows)) {
		pass, err := p.g.decode(part)
		if err != nil {
			return err
		}
		if err := p.g.drawAfter(pass); err != nil {
			return err
		}
		for _, d := range part {
			p.report(owner[d], d)
		}
	}
	return nil
}

func (p *Pool) report(j *Job, d *draft) {
	if d.Stopped != Unfinished && j.Done != nil {
		j.Done(d.number, d.Continuation)
	}
}

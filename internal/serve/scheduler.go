package serve

import (
	"net/http"
	"slices"
	"sync"

	"ventriloquist/internal/generate"
)

// task is a request that waits or is answered.
type task struct {
	model    *Model
	prompt   prompt
	job      *generate.Job
	client   string // whose turn it is, where several wait
	answer   *answer
	canceled bool
	stop     func() // ends what another server writes
}

// promptTokens is the length of the prompt, which is known when the answer is complete.
func (t *task) promptTokens() int {
	t.answer.mu.Lock()
	defer t.answer.mu.Unlock()
	if t.answer.prompt > 0 {
		return t.answer.prompt
	}
	return t.prompt.length
}

// scheduler runs the tasks of all clients. Its goroutine alone uses the pools.
type scheduler struct {
	models   []*Model
	limit    int // tasks that wait
	parallel int // continuations that another server writes at the same time
	failed   func(error)
	writing  sync.WaitGroup // tasks that another server writes

	mu       sync.Mutex
	changed  *sync.Cond
	news     bool // tasks came, ended or were canceled
	waiting  []*task
	running  []*task
	draining bool
	closed   bool
	done     chan struct{}
}

func newScheduler(o *Options) *scheduler {
	s := &scheduler{models: o.Models, limit: o.Queue, parallel: o.Parallel, failed: o.Failed, done: make(chan struct{})}
	s.changed = sync.NewCond(&s.mu)
	go s.loop()
	return s
}

var (
	errStopping = failed(http.StatusServiceUnavailable, "server_error", "stopping", "the server is stopping")
	errBusy     = failed(http.StatusTooManyRequests, "rate_limit_error", "rate_limit_exceeded", "too many requests are waiting: try again later")
	errEngine   = failed(http.StatusInternalServerError, "server_error", "", "the model failed: see the server's log")
)

// submit queues a task.
func (s *scheduler) submit(t *task) *apiError {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining || s.closed:
		return errStopping
	case len(s.waiting) >= s.limit:
		return errBusy
	}
	s.waiting = append(s.waiting, t)
	s.wake()
	return nil
}

// wake has the scheduler look at its tasks.
func (s *scheduler) wake() {
	s.news = true
	s.changed.Signal()
}

// cancel ends a task before the next step.
func (s *scheduler) cancel(t *task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.canceled = true
	s.wake()
}

func (s *scheduler) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

func (s *scheduler) close() {
	s.mu.Lock()
	s.closed = true
	s.wake()
	s.mu.Unlock()
	<-s.done
}

func (s *scheduler) loop() {
	defer close(s.done)
	for s.admit() {
		for _, m := range s.models {
			if m.busy() {
				s.step(m)
			}
		}
	}
	s.mu.Lock()
	for _, t := range slices.Concat(s.waiting, s.running) {
		t.answer.fail(errStopping)
		if t.stop != nil {
			t.stop()
		}
	}
	s.mu.Unlock()
	s.writing.Wait()
}

// admit waits for work, drops what was canceled and starts what there is room for. It reports whether the scheduler goes on.
func (s *scheduler) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && !s.news && !slices.ContainsFunc(s.models, (*Model).busy) {
		s.changed.Wait()
	}
	s.news = false
	if s.closed {
		return false
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(t *task) bool { return t.canceled })
	s.running = slices.DeleteFunc(s.running, func(t *task) bool {
		if t.canceled {
			s.failIf(t, s.drop(t))
		}
		return t.canceled
	})
	full := make(map[*Model]bool)
	for {
		t := s.next(full)
		if t == nil {
			return true
		}
		started, err := s.start(t)
		if err == nil && !started {
			full[t.model] = true
			continue
		}
		s.remove(t)
		if err == nil {
			s.running = append(s.running, t)
		}
		s.failIf(t, err)
	}
}

// busy reports whether the model has a step to run.
func (m *Model) busy() bool { return m.Remote == nil && m.Pool.Live() > 0 }

// start begins a task and reports whether there is room for it.
func (s *scheduler) start(t *task) (started bool, err error) {
	if t.model.Remote == nil {
		return t.model.Pool.Start(t.job)
	}
	writing := t.job.N
	for _, other := range s.running {
		writing += other.job.N
	}
	if writing > s.parallel {
		return false, nil
	}
	s.startRemote(t)
	return true, nil
}

// drop ends a task that is running.
func (s *scheduler) drop(t *task) error {
	if t.model.Remote == nil {
		return t.model.Pool.Drop(t.job)
	}
	t.stop()
	return nil
}

// remove forgets a task.
func (s *scheduler) remove(t *task) {
	is := func(other *task) bool { return other == t }
	s.waiting, s.running = slices.DeleteFunc(s.waiting, is), slices.DeleteFunc(s.running, is)
}

func (s *scheduler) failIf(t *task, err error) {
	if err != nil {
		s.failed(err)
		t.answer.fail(errEngine)
	}
}

// next returns the oldest waiting task of the client that has the fewest running.
func (s *scheduler) next(full map[*Model]bool) (best *task) {
	running := make(map[string]int)
	for _, t := range s.running {
		running[t.client]++
	}
	for _, t := range s.waiting {
		if !full[t.model] && (best == nil || running[t.client] < running[best.client]) {
			best = t
		}
	}
	return best
}

// step runs one step of a pool.
func (s *scheduler) step(m *Model) {
	ended, err := m.Pool.Step()
	if err != nil {
		s.failed(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news = s.news || err != nil || len(ended) > 0
	s.running = slices.DeleteFunc(s.running, func(t *task) bool {
		if err != nil && t.model == m {
			t.answer.fail(errEngine)
			return true
		}
		return slices.Contains(ended, t.job)
	})
}

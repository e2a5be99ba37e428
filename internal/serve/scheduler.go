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
	job      *generate.Job
	client   string // whose turn it is, where several wait
	answer   *answer
	canceled bool
}

// scheduler runs the tasks of all clients. Its goroutine alone uses the pools.
type scheduler struct {
	models []*Model
	limit  int // tasks that wait
	failed func(error)

	mu       sync.Mutex
	changed  *sync.Cond
	waiting  []*task
	running  []*task
	draining bool
	closed   bool
	done     chan struct{}
}

func newScheduler(models []*Model, limit int, failed func(error)) *scheduler {
	s := &scheduler{models: models, limit: limit, failed: failed, done: make(chan struct{})}
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
	s.changed.Signal()
	return nil
}

// cancel ends a task before the next step.
func (s *scheduler) cancel(t *task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.canceled = true
	s.changed.Signal()
}

func (s *scheduler) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

func (s *scheduler) close() {
	s.mu.Lock()
	s.closed = true
	s.changed.Signal()
	s.mu.Unlock()
	<-s.done
}

func (s *scheduler) loop() {
	defer close(s.done)
	for s.admit() {
		for _, m := range s.models {
			if m.Pool.Live() > 0 {
				s.step(m)
			}
		}
	}
	for _, t := range slices.Concat(s.waiting, s.running) {
		t.answer.fail(errStopping)
	}
}

// admit waits for work, drops what was canceled and starts what there is room for. It reports whether the scheduler goes on.
func (s *scheduler) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && len(s.waiting)+len(s.running) == 0 {
		s.changed.Wait()
	}
	if s.closed {
		return false
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(t *task) bool { return t.canceled })
	s.running = slices.DeleteFunc(s.running, func(t *task) bool {
		if t.canceled {
			s.failIf(t, t.model.Pool.Drop(t.job))
		}
		return t.canceled
	})
	full := make(map[*Model]bool)
	for {
		t := s.next(full)
		if t == nil {
			return true
		}
		started, err := t.model.Pool.Start(t.job)
		if err == nil && !started {
			full[t.model] = true
			continue
		}
		s.waiting = slices.DeleteFunc(s.waiting, func(other *task) bool { return other == t })
		if err == nil {
			s.running = append(s.running, t)
		}
		s.failIf(t, err)
	}
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
	s.running = slices.DeleteFunc(s.running, func(t *task) bool {
		if err != nil && t.model == m {
			t.answer.fail(errEngine)
			return true
		}
		return slices.Contains(ended, t.job)
	})
}

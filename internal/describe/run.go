package describe

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/scratch"
)

// RunOptions limits the rate of a run, and reports on it.
type RunOptions struct {
	Jobs      int           // concurrent requests
	PerMinute int           // requests per minute; 0 for no limit
	Timeout   time.Duration // per request
	// Progress, if not nil, receives the number of attachments done and the cost so far.
	Progress func(done, total int64, cost float64)
	// Log, if not nil, receives requests, but never what is sent or answered.
	Log *zap.Logger

	clock *clock // nil for the real time
}

// Report is the result of a run.
type Report struct {
	Described int `json:"described"`
	Same      int `json:"same_content"` // of these, how many have the same content as another file
	Refused   int `json:"refused"`
	Failed    int `json:"failed"`
	// Left counts the others, including those of the plan: all numbers add up to the number of attachments.
	Left []LeftOut `json:"left_out"`
	// Cost is in US dollars, as the server counted tokens; nil if no price is known.
	Cost  *float64 `json:"cost_usd"`
	Usage Usage    `json:"tokens"`
}

// Number of consecutive attachments without any answer, or with only server errors, that end the run.
const (
	mostSilences = 3
	mostTroubles = 8
)

// runner is one run.
type runner struct {
	db      *messages.DB
	asker   asker
	prepare preparer
	plan    *Plan
	pace    RunOptions
	dir     string // folder of temporary files
	stop    context.CancelCauseFunc

	mu          sync.Mutex
	report      Report
	done        int64
	known       map[[sha256.Size]byte]messages.Description
	waiting     map[[sha256.Size]byte][]string // guids of attachments whose content is being described
	left        map[string]int
	unsupported map[messages.Kind]string // kinds that the server does not accept, with its message
	supported   map[messages.Kind]bool   // kinds of which something has been described
	silent      []messages.Description   // failures without an answer, since the last answer
	silence     *Failure                 // the last of them
	trouble     int                      // server failures since the last answer
	answers     int
}

// Run describes what is in the plan. Descriptions are kept whatever the error, and the report is never nil. After
// context.Canceled or a failure of the server, another run continues.
func Run(ctx context.Context, db *messages.DB, s Service, p *Plan, o Options, pace RunOptions) (*Report, error) {
	c := wallClock
	if pace.clock != nil {
		c = *pace.clock
	}
	if pace.Log == nil {
		pace.Log = zap.NewNop()
	}
	r := &runner{db: db, plan: p, pace: pace, prepare: preparer{takes: s.Accepts(), tools: o.Tools}, known: map[[sha256.Size]byte]messages.Description{},
		asker: asker{service: s, pace: newRateLimiter(c, pace.PerMinute), clock: c, timeout: pace.Timeout, log: pace.Log}, waiting: map[[sha256.Size]byte][]string{},
		left: map[string]int{}, unsupported: map[messages.Kind]string{}, supported: map[messages.Kind]bool{}}
	err := r.run(ctx)
	if rest := len(p.items) - r.report.Described - r.report.Refused - r.report.Failed - total(r.left); rest > 0 {
		r.left[leftRest] = rest
	}
	r.report.Left = slices.Concat(p.Left, sortedLeft(r.left))
	r.report.Cost = costOf(p.Model, p.Local, r.report.Usage)
	return &r.report, err
}

func (r *runner) run(ctx context.Context) (err error) {
	if err := r.recall(ctx); err != nil {
		return err
	}
	folder, err := scratch.New(r.db.Folder())
	if err != nil {
		return r.stopped(cannotWrite(err))
	}
	r.dir = folder.Path
	defer func() {
		if failed := folder.Remove(); failed != nil {
			err = errors.Join(err, failed)
		}
	}()
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.stop = stop
	r.tell(0)
	var group errgroup.Group
	items := make(chan *item)
	for range max(1, r.pace.Jobs) {
		group.Go(func() error {
			for it := range items {
				r.tell(r.describe(inner, it))
			}
			return nil
		})
	}
	for i := range r.plan.items {
		select {
		case items <- &r.plan.items[i]:
			continue
		case <-inner.Done():
		}
		break
	}
	close(items)
	_ = group.Wait() // workers return no errors: they stop the run
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if cause := context.Cause(inner); cause != nil {
		return r.stopped(cause)
	}
	return r.resolveSilent(ctx)
}

// stopped returns the error of a run that a failure ended.
func (r *runner) stopped(cause error) error {
	var failure *Failure
	if errors.As(cause, &failure) {
		return withAdvice(failure)
	}
	return cause
}

// recall loads the descriptions of known contents.
func (r *runner) recall(ctx context.Context) error {
	list, err := r.db.Descriptions(ctx)
	if err != nil {
		return err
	}
	for _, d := range list {
		if len(d.Hash) == sha256.Size && (d.Status == messages.Described || d.Status == messages.Refused && d.Model == r.plan.Model) {
			r.known[[sha256.Size]byte(d.Hash)] = d
		}
	}
	return nil
}

// tell reports progress after more attachments.
func (r *runner) tell(more int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += more
	if r.pace.Progress == nil {
		return
	}
	cost := 0.0
	if c := costOf(r.plan.Model, r.plan.Local, r.report.Usage); c != nil {
		cost = *c
	}
	r.pace.Progress(r.done, int64(len(r.plan.items)), cost)
}

// describe describes an attachment, and returns the number of attachments that are done with it.
func (r *runner) describe(ctx context.Context, it *item) int64 {
	if ctx.Err() != nil {
		return 0
	}
	dir, err := os.MkdirTemp(r.dir, "")
	if err != nil {
		r.stop(cannotWrite(err))
		return 0
	}
	defer os.RemoveAll(dir)
	path, err := it.file.extract(ctx, dir)
	if err != nil {
		return r.finish(ctx, it, nil, "", err)
	}
	hash, err := hashOf(path)
	if err != nil {
		r.leave(leftMissing, 1)
		return 1
	}
	if done, known := r.join(ctx, it, hash); known {
		return done
	}
	line, err := r.ask(ctx, it, path, dir)
	return r.finish(ctx, it, &hash, line, err)
}

// ask prepares a file and asks for its description.
func (r *runner) ask(ctx context.Context, it *item, path, dir string) (line string, err error) {
	if message, unsupported := r.isUnsupported(kindOf(it.format)); unsupported {
		return "", &Failure{Outlook: Unsupported, Message: message}
	}
	request, err := r.prepare.prepare(ctx, path, it.format, filepath.Clean(dir))
	if err != nil {
		return "", err
	}
	if size := request.size(); size > r.prepare.takes.Largest {
		return "", &Failure{Message: fmt.Sprintf("it is too large for the server (%d MiB)", size>>20)}
	}
	answer, billed, err := r.asker.ask(ctx, request)
	r.mu.Lock()
	r.report.Usage.add(billed)
	r.mu.Unlock()
	switch {
	case err != nil:
		return "", err
	case isDeclined(answer.Text, request.Kind):
		return "", &Refusal{"it declined in words"}
	case answer.Cut && request.Kind == messages.Audio:
		return "", &Failure{Message: "its transcript is longer than the model's longest answer"}
	}
	if line = oneLine(answer.Text, request.Kind, answer.Cut); line == "" {
		return "", &Failure{Message: "the model's answer has no words"}
	}
	return line, nil
}

// total returns the number of attachments left out.
func total(left map[string]int) (n int) {
	for _, attachments := range left {
		n += attachments
	}
	return n
}

func hashOf(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// cannotWrite ends the run: without temporary files nothing can be described, and the attachment is not to blame.
func cannotWrite(err error) error {
	return &Failure{Outlook: Fatal, Message: "cannot write a temporary file: " + err.Error(), Hint: "make room on the disk of messages.db"}
}

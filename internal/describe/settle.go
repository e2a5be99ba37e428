package describe

import (
	"context"
	"crypto/sha256"
	"errors"

	"ventriloquist/internal/messages"
)

// join takes the words of the same content where they are known. Where they are on their way, the attachment waits for
// them, and whoever asks counts it.
func (r *runner) join(ctx context.Context, it *item, hash [sha256.Size]byte) (done int64, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d, known := r.known[hash]; known {
		r.keep(ctx, d, it.GUID, true)
		return 1, true
	}
	if guids, asked := r.waiting[hash]; asked {
		r.waiting[hash] = append(guids, it.GUID)
		return 0, true
	}
	r.waiting[hash] = nil
	return 0, false
}

// finish keeps what came of an attachment and of those with the same content, and returns how many they are.
func (r *runner) finish(ctx context.Context, it *item, hash *[sha256.Size]byte, line string, err error) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	guids := []string{it.GUID}
	d := messages.Description{Status: messages.Described, Text: line, Model: r.plan.Model}
	if hash != nil {
		guids = append(guids, r.waiting[*hash]...)
		delete(r.waiting, *hash)
		d.Hash = hash[:]
	}
	if err != nil && !r.fail(ctx, &d, guids, kindOf(it.format), err) {
		return int64(len(guids))
	}
	if d.Status != messages.Failed {
		r.answers++
		r.trouble = 0
		r.taken[kindOf(it.format)] = true
		r.keepSilent(ctx)
		if hash != nil {
			r.known[*hash] = d
		}
	}
	for i, guid := range guids {
		r.keep(ctx, d, guid, i > 0)
	}
	return int64(len(guids))
}

// fail makes of an error what is to be kept of it. It returns false where nothing is kept: the attachment may be
// described another time.
func (r *runner) fail(ctx context.Context, d *messages.Description, guids []string, kind messages.Kind, err error) bool {
	d.Status, d.Error = messages.Failed, err.Error()
	var refusal *Refusal
	var missing *MissingTool
	var failure *Failure
	switch {
	case ctx.Err() != nil:
		return false
	case errors.As(err, &refusal):
		d.Status = messages.Refused
	case errors.As(err, &missing):
		r.left[leftBecause(err)] += len(guids)
		return false
	case errors.As(err, &failure):
		return r.failed(d, guids, kind, failure)
	}
	return true
}

func (r *runner) failed(d *messages.Description, guids []string, kind messages.Kind, f *Failure) bool {
	switch f.Outlook {
	case Fatal:
		r.stop(f)
		return false
	case Untaken:
		if r.taken[kind] {
			return true // it takes others of this kind
		}
		r.untaken[kind] = f.Message
		r.left["are of a kind that the server does not take ("+kind.String()+"): "+f.Message] += len(guids)
		return false
	case Later:
		if r.trouble++; r.trouble >= mostTroubles {
			r.stop(gone(f))
		}
	case Silent:
		r.silence = f
		for _, guid := range guids {
			silent := *d
			silent.GUID = guid
			r.silent = append(r.silent, silent)
		}
		if len(r.silent) >= mostSilences {
			r.stop(gone(f))
		}
		return false
	}
	return true
}

// gone says that the server does not answer.
func gone(f *Failure) *Failure {
	advice := f.Hint
	if advice == "" {
		advice = "see that it runs and can be reached, then run the command again: what is described so far is kept"
	}
	return &Failure{Outlook: Fatal, Message: f.Message, Hint: advice}
}

// settleSilent keeps, at the end of a run, the failures of attachments that got no answer, where others did: the server
// is there, and they are to blame. Where none did, the server is.
func (r *runner) settleSilent(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.silent) > 0 && r.answers == 0 {
		return explained(gone(r.silence))
	}
	r.keepSilent(ctx)
	return nil
}

// keepSilent keeps the failures without an answer.
func (r *runner) keepSilent(ctx context.Context) {
	list := r.silent
	r.silent = nil
	for _, d := range list {
		r.keep(ctx, d, d.GUID, false)
	}
}

// mostWaits is how often it is waited for another program that writes messages.db, as long as the store waits each time.
const mostWaits = 12

// keep commits what came of an attachment, also when the run is being interrupted: it is paid for. Same tells that it was
// not asked for itself.
func (r *runner) keep(ctx context.Context, d messages.Description, guid string, same bool) {
	d.GUID, d.At = guid, r.asker.clock.now().Unix()
	var err error
	for range mostWaits { // while a collection is being written
		if err = r.db.Describe(context.WithoutCancel(ctx), d); !messages.IsBusy(err) {
			break
		}
	}
	if err != nil {
		r.stop(err)
		return
	}
	switch d.Status {
	case messages.Described:
		r.report.Described++
		if same {
			r.report.Same++
		}
	case messages.Refused:
		r.report.Refused++
	case messages.Failed:
		r.report.Failed++
	}
}

func (r *runner) leave(why string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left[why] += n
}

// isUntaken tells whether the server said of a kind that it takes none.
func (r *runner) isUntaken(kind messages.Kind) (said string, untaken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	said, untaken = r.untaken[kind]
	return said, untaken
}

package describe

import (
	"context"
	"crypto/sha256"
	"errors"

	"ventriloquist/internal/messages"
)

// join uses the description of equal content if it is known. If it is being made, the attachment waits for it, and whoever asked
// counts it.
func (r *runner) join(ctx context.Context, it *item, hash [sha256.Size]byte) (done int64, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d, known := r.known[hash]; known {
		r.store(ctx, d, it.GUID, true)
		return 1, true
	}
	if guids, asked := r.waiting[hash]; asked {
		r.waiting[hash] = append(guids, it.GUID)
		return 0, true
	}
	r.waiting[hash] = nil
	return 0, false
}

// finish stores the result for an attachment and for those with equal content, and returns how many they are.
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
		r.supported[kindOf(it.format)] = true
		r.storeSilent(ctx)
		if hash != nil {
			r.known[*hash] = d
		}
	}
	for i, guid := range guids {
		r.store(ctx, d, guid, i > 0)
	}
	return int64(len(guids))
}

// fail turns an error into the result to store. It returns false if nothing is to be stored, because another run may describe
// the attachment.
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
	case Unsupported:
		if r.supported[kind] {
			return true // it accepts others of this kind
		}
		r.unsupported[kind] = f.Message
		r.left["are of a kind that the server does not accept ("+kind.String()+"): "+f.Message] += len(guids)
		return false
	case Later:
		if r.trouble++; r.trouble >= mostTroubles {
			r.stop(unreachable(f))
		}
	case Silent:
		r.silence = f
		for _, guid := range guids {
			silent := *d
			silent.GUID = guid
			r.silent = append(r.silent, silent)
		}
		if len(r.silent) >= mostSilences {
			r.stop(unreachable(f))
		}
		return false
	}
	return true
}

// unreachable returns the failure that ends a run because the server does not answer.
func unreachable(f *Failure) *Failure {
	advice := f.Hint
	if advice == "" {
		advice = "check that it is running and reachable, then run the command again: the descriptions so far are kept"
	}
	return &Failure{Outlook: Fatal, Message: f.Message, Hint: advice}
}

// resolveSilent stores, at the end of a run, the failures without an answer. If other attachments got answers, these attachments
// are to blame; otherwise the server is, and the run fails.
func (r *runner) resolveSilent(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.silent) > 0 && r.answers == 0 {
		return withAdvice(unreachable(r.silence))
	}
	r.storeSilent(ctx)
	return nil
}

// storeSilent stores the failures without an answer.
func (r *runner) storeSilent(ctx context.Context) {
	list := r.silent
	r.silent = nil
	for _, d := range list {
		r.store(ctx, d, d.GUID, false)
	}
}

// mostWaits is the number of waits for another program that is writing messages.db; the database sets their length.
const mostWaits = 12

// store commits the result for an attachment, even if the run is being interrupted, because it is paid for. same marks a result
// taken from a file with equal content.
func (r *runner) store(ctx context.Context, d messages.Description, guid string, same bool) {
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

// isUnsupported reports whether the server has rejected a kind of attachment.
func (r *runner) isUnsupported(kind messages.Kind) (message string, unsupported bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	message, unsupported = r.unsupported[kind]
	return message, unsupported
}

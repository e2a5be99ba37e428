package windows

import (
	"context"

	"ventriloquist/internal/messages"
)

// batch is messages of a conversation, in order. Several batches of one conversation follow each other.
type batch struct {
	conversation *conversation
	messages     []messages.WindowMessage
	ends         bool // the conversation has no more
}

const (
	batchSize    = 256 // messages
	batchesAhead = 16
)

// readAhead calls take for all messages of the conversations. It reads on another core: reading takes as long as writing. The
// next batch may overwrite the messages of a batch.
func readAhead(ctx context.Context, reader *messages.Reader, conversations []*conversation, take func(*batch) error) error {
	ctx, stop := context.WithCancel(ctx)
	r := aheadReader{ctx: ctx, reader: reader, read: make(chan batch, batchesAhead), taken: make(chan []messages.WindowMessage, batchesAhead)}
	go r.run(conversations)
	defer func() {
		stop()
		for range r.read { // until the goroutine is done
		}
	}()
	for b := range r.read {
		if err := take(&b); err != nil {
			return err
		}
		select {
		case r.taken <- b.messages[:0]:
		default:
		}
	}
	return r.err
}

// aheadReader reads conversations in a goroutine.
type aheadReader struct {
	ctx    context.Context
	reader *messages.Reader
	batch  batch // the one that is filled
	read   chan batch
	taken  chan []messages.WindowMessage // memory of batches that were taken
	err    error                         // once read is closed
}

func (r *aheadReader) run(conversations []*conversation) {
	defer close(r.read)
	for _, c := range conversations {
		r.batch.conversation = c
		if r.err = r.reader.WindowMessages(r.ctx, c.Parts, r.add); r.err != nil {
			return
		}
		if r.err = r.send(true); r.err != nil {
			return
		}
	}
}

func (r *aheadReader) add(m *messages.WindowMessage) error {
	if r.batch.messages = append(r.batch.messages, *m); len(r.batch.messages) < batchSize {
		return nil
	}
	return r.send(false)
}

// send hands the batch over and begins the next one.
func (r *aheadReader) send(ends bool) error {
	r.batch.ends = ends
	select {
	case r.read <- r.batch:
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
	select {
	case r.batch.messages = <-r.taken:
	default:
		r.batch.messages = make([]messages.WindowMessage, 0, batchSize)
	}
	return nil
}

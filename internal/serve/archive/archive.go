// Package archive is what the page of a server shows besides the model: the real messages, statistics, training runs.
//
// In: the path of messages.db, a function that computes statistics, the folders of runs. Out: values that are sent as JSON. Files are
// opened when they are asked for and never changed, so that other commands can write them meanwhile. It must not know: HTTP, models.
package archive

import (
	"context"
	"os"
	"sync"
	"time"

	"ventriloquist/internal/stats"
	"ventriloquist/internal/windows"
)

// Archive implements serve.Archive.
type Archive struct {
	Database string // path of messages.db
	// Gather computes the statistics of Database.
	Gather func(ctx context.Context) (*stats.Report, error)
	// FindRuns returns the training runs to show.
	FindRuns func() []RunFolder

	mu      sync.Mutex
	report  *stats.Report // nil until it was asked for
	written time.Time     // when the database was last written before the report
}

// Conversations returns the conversations of the training data, those with the latest messages first.
func (a *Archive) Conversations(ctx context.Context) ([]windows.PastConversation, error) {
	h, err := windows.OpenHistory(ctx, a.Database)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.Conversations(ctx)
}

// Page returns messages of a conversation, the latest before one of them.
func (a *Archive) Page(ctx context.Context, conversation, before int64, limit int) ([]windows.PastMessage, bool, error) {
	h, err := windows.OpenHistory(ctx, a.Database)
	if err != nil {
		return nil, false, err
	}
	defer h.Close()
	return h.Page(ctx, conversation, before, limit)
}

// Statistics returns the statistics, which are computed again after the database was written.
func (a *Archive) Statistics(ctx context.Context) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	info, err := os.Stat(a.Database)
	if err == nil && a.report != nil && info.ModTime().Equal(a.written) {
		return a.report, nil
	}
	report, err := a.Gather(ctx)
	if err != nil {
		return nil, err
	}
	a.report = report
	if info != nil {
		a.written = info.ModTime()
	}
	return report, nil
}

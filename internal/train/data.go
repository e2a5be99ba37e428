package train

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// Data is the windows of a run, each read and measured once before the run starts.
type Data struct {
	batch.Fit               // of all windows
	Train     []int         // windows to train on, in file order
	HeldOut   *evaluate.Set // windows to evaluate on
	Tokens    int64         // per epoch
	Targets   int64         // target tokens per epoch
	Longest   batch.Size    // the largest of each over all windows; Longest.Windows is 1

	hash    uint64 // of the training windows' ids: a resumed run must see the same
	lengths []int  // ids of each window in Train
	targets []int  // target tokens of each window in Train
	source  windows.List
	reader  *batch.Reader
}

// ReadData reads every window of the source as at most maxTokens ids; limit caps the number of training windows (0: no
// cap). It calls seen after each window.
func ReadData(ctx context.Context, source windows.List, encoder batch.Encoder, maxTokens, limit int, seen func()) (*Data, error) {
	if source.Len() == 0 {
		return nil, usererr.With(errors.New("there are no windows to train on"),
			"run `vqctl collect` and `vqctl preprocess` first, or name a window file with %v", usererr.Option("data_path"))
	}
	d := &Data{source: source, reader: batch.NewReader(source, encoder, maxTokens)}
	train, heldOut := windows.Split(source)
	if limit > 0 && limit < len(train) {
		train = train[:limit]
	}
	progress := func(_, _ int64) { seen() }
	hash := fnv.New64a()
	m, err := d.reader.Measure(ctx, train, func(w *batch.Window) error { return binary.Write(hash, binary.LittleEndian, w.IDs) }, progress)
	if err == nil {
		err = m.RequireSome()
	}
	if err != nil {
		return nil, err
	}
	d.Train, d.lengths, d.targets, d.hash = m.Windows, m.Lengths, m.Targets, hash.Sum64()
	d.Tokens, d.Targets = int64(m.Total.Tokens), int64(m.Total.Targets)
	if d.HeldOut, err = evaluate.NewSet(ctx, source, heldOut, encoder, maxTokens, progress); err != nil {
		return nil, err
	}
	d.Fit = m.Fit.Plus(d.HeldOut.Fit)
	d.Longest = batch.Size{Tokens: max(m.Longest.Tokens, d.HeldOut.Longest.Tokens), Windows: 1, Targets: max(m.Longest.Targets, d.HeldOut.Longest.Targets)}
	return d, nil
}

// HeldOutTargets returns the number of target messages of window i of the source.
func (d *Data) HeldOutTargets(i int) int { return d.source.Targets(i) }

// Fingerprint identifies the windows to train on.
func (d *Data) Fingerprint() string { return d.fingerprint() }

// fingerprint identifies the windows; a checkpoint keeps it.
func (d *Data) fingerprint() string { return fmt.Sprintf("%016x", d.hash) }

// limits returns a size that every micro-batch of n training windows, and every held-out window, fits.
func (d *Data) limits(n int) batch.Size {
	lengths := slices.Clone(d.lengths)
	slices.Sort(lengths)
	slices.Reverse(lengths)
	n = max(1, min(n, len(lengths)))
	total := 0
	for _, length := range lengths[:n] {
		total += length
	}
	return batch.Size{Tokens: max(total, d.Longest.Tokens), Windows: n, Targets: n * d.Longest.Targets}
}

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

// Data is the windows of a run, each of them read and measured once before it starts.
type Data struct {
	Train   []int         // windows to train on, in file order
	HeldOut *evaluate.Set // windows to evaluate on

	Tokens     int64      // of an epoch
	Targets    int64      // target tokens of an epoch
	Longest    batch.Size // the largest of each over all windows, Windows being 1
	CutWindows int        // windows that lose messages to fit
	CutLines   int        // messages so lost
	TooLong    int        // windows left out, their targets alone being too long

	hash    uint64 // of the training windows' ids: a resumed run must see the same
	lengths []int  // tokens of Train's windows
	source  windows.List
	reader  *batch.Reader
}

// ReadData reads every window of the source as ids of at most maxTokens, of the training part at most limit (0: all).
// seen is called after each window.
func ReadData(ctx context.Context, source windows.List, encoder batch.Encoder, maxTokens, limit int, seen func()) (*Data, error) {
	d := &Data{source: source, reader: batch.NewReader(source, encoder, maxTokens)}
	train, heldOut := windows.Split(source)
	if limit > 0 && limit < len(train) {
		train = train[:limit]
	}
	if err := d.readTrain(ctx, train, maxTokens, seen); err != nil {
		return nil, err
	}
	var err error
	d.HeldOut, err = evaluate.NewSet(ctx, source, heldOut, encoder, maxTokens, func(_, _ int64) { seen() })
	if err != nil {
		return nil, err
	}
	d.CutWindows += d.HeldOut.CutWindows
	d.CutLines += d.HeldOut.CutLines
	d.TooLong += d.HeldOut.TooLong
	d.Longest.Tokens = max(d.Longest.Tokens, d.HeldOut.Longest.Tokens)
	d.Longest.Targets = max(d.Longest.Targets, d.HeldOut.Longest.Targets)
	return d, nil
}

// readTrain reads the windows to train on, of which there must be some.
func (d *Data) readTrain(ctx context.Context, list []int, maxTokens int, seen func()) error {
	var tooLong *batch.TooLongError
	hash := fnv.New64a()
	for _, i := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		w, err := d.reader.Read(i)
		seen()
		if errors.As(err, &tooLong) {
			d.TooLong++
			continue
		}
		if err != nil {
			return err
		}
		if err := binary.Write(hash, binary.LittleEndian, w.IDs); err != nil {
			return err
		}
		d.add(i, &w)
	}
	d.hash = hash.Sum64()
	switch {
	case d.source.Len() == 0:
		return usererr.With(errors.New("there are no windows to train on"), "run `vqctl collect` and `vqctl preprocess` first, or name a window file with %v", usererr.Option("data_path"))
	case len(d.Train) == 0 && tooLong != nil:
		return usererr.With(fmt.Errorf("no window fits %v %d: %w", usererr.Option("max_seq_length"), maxTokens, tooLong), "raise %v", usererr.Option("max_seq_length"))
	}
	return nil
}

func (d *Data) add(i int, w *batch.Window) {
	d.Train = append(d.Train, i)
	d.lengths = append(d.lengths, len(w.IDs))
	d.Tokens += int64(len(w.IDs))
	d.Targets += int64(w.TargetTokens())
	if w.Cut > 0 {
		d.CutWindows++
		d.CutLines += w.Cut
	}
	d.Longest = batch.Size{Tokens: max(d.Longest.Tokens, len(w.IDs)), Windows: 1, Targets: max(d.Longest.Targets, w.TargetTokens())}
}

// fingerprint is what a checkpoint remembers of the windows.
func (d *Data) fingerprint() string { return fmt.Sprintf("%016x", d.hash) }

// limits is the size that any micro-batch of n training windows, or any held-out window, fits.
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

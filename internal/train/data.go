package train

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"ventriloquist/internal/batch"
	"ventriloquist/internal/hint"
	"ventriloquist/internal/windows"
)

// Data is the windows of a run, each of them read and measured once before it starts.
type Data struct {
	Train   []int // windows to train on, in file order
	HeldOut []int // windows to evaluate on

	Tokens     int64      // of an epoch
	Targets    int64      // target tokens of an epoch
	Longest    batch.Size // the largest of each over all windows, Windows being 1
	CutWindows int        // windows that lose messages to fit
	CutLines   int        // messages so lost
	TooLong    int        // windows left out, their targets alone being too long

	hash    uint64 // of the training windows' ids: a resumed run must see the same
	lengths []int  // tokens of Train's windows
	source  windows.Source
	reader  *batch.Reader
}

// ReadData reads every window of the source as ids of at most maxTokens, of the training part at most limit (0: all).
// seen, if not nil, is called after each window.
func ReadData(ctx context.Context, source windows.Source, encoder batch.Encoder, maxTokens, limit int, seen func()) (*Data, error) {
	d := &Data{source: source, reader: batch.NewReader(source, encoder, maxTokens)}
	train, heldOut := windows.Split(source)
	if limit > 0 && limit < len(train) {
		train = train[:limit]
	}
	var tooLong *batch.TooLongError
	hash := fnv.New64a()
	read := func(list []int, keep func(i int, w *batch.Window)) error {
		for _, i := range list {
			if err := ctx.Err(); err != nil {
				return err
			}
			w, err := d.reader.Read(i)
			if seen != nil {
				seen()
			}
			if errors.As(err, &tooLong) {
				d.TooLong++
				continue
			}
			if err != nil {
				return err
			}
			d.measure(&w)
			if err := binary.Write(hash, binary.LittleEndian, w.IDs); err != nil {
				return err
			}
			keep(i, &w)
		}
		return nil
	}
	err := read(train, func(i int, w *batch.Window) {
		d.Train = append(d.Train, i)
		d.lengths = append(d.lengths, len(w.IDs))
		d.Tokens += int64(len(w.IDs))
		d.Targets += int64(w.TargetTokens())
	})
	if err != nil {
		return nil, err
	}
	d.hash = hash.Sum64()
	if err := read(heldOut, func(i int, _ *batch.Window) { d.HeldOut = append(d.HeldOut, i) }); err != nil {
		return nil, err
	}
	return d, d.check(source, tooLong, maxTokens)
}

func (d *Data) fingerprint() string { return fmt.Sprintf("%016x", d.hash) }

func (d *Data) measure(w *batch.Window) {
	if w.Cut > 0 {
		d.CutWindows++
		d.CutLines += w.Cut
	}
	d.Longest = batch.Size{Tokens: max(d.Longest.Tokens, len(w.IDs)), Windows: 1, Targets: max(d.Longest.Targets, w.TargetTokens())}
}

func (d *Data) check(source windows.Source, tooLong *batch.TooLongError, maxTokens int) error {
	switch {
	case source.Len() == 0:
		return hint.With(errors.New("there are no windows to train on"), "run `vqctl collect` and `vqctl preprocess` first, or name a window file with --data-path")
	case len(d.Train) == 0 && tooLong != nil:
		return hint.With(fmt.Errorf("no window fits --max-seq-length %d: %w", maxTokens, tooLong), "raise --max-seq-length")
	}
	return nil
}

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

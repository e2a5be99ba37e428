package convert_test

import (
	"context"
	"path/filepath"
	"runtime"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/convert"
	"ventriloquist/internal/model/gguf"
)

// A tensor of 128 MiB in f32 is written with far less than that in memory.
func TestSource_WritesWithBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 300 MiB")
	}
	const rows, columns, most = 65536, 512, 64 << 20
	dir := filepath.Join(t.TempDir(), "base")
	config := model.Config{VocabSize: rows, HiddenSize: columns, IntermediateSize: 64, Layers: 1, Heads: 1, KVHeads: 1, HeadDim: 32, MaxPositions: 64,
		RMSNormEps: 1e-6, RopeTheta: 1e4, TieEmbeddings: true}
	if err := model.WriteRandom(t.Context(), dir, model.RandomOptions{Config: config}); err != nil {
		t.Fatal(err)
	}
	base := openBase(t, dir)
	for format, write := range map[string]func(s convert.Source, ctx context.Context, path string, kind gguf.Type) error{
		"gguf": convert.Source.WriteGGUF, "safetensors": convert.Source.WriteSafetensors,
	} {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		before, peak := stats.HeapAlloc, uint64(0)
		source := convert.Source{Base: base, Progress: func(int64) {
			runtime.ReadMemStats(&stats)
			peak = max(peak, stats.HeapAlloc-min(before, stats.HeapAlloc))
		}}
		if err := write(source, t.Context(), filepath.Join(t.TempDir(), "export"), gguf.F32); err != nil {
			t.Fatal(err)
		}
		if peak == 0 || peak > most {
			t.Errorf("%s: %d MiB in memory, for a tensor of %d", format, peak>>20, rows*columns*4>>20)
		}
	}
}

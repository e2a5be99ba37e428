package model

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model/floats"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// RandomOptions are the options of WriteRandom.
type RandomOptions struct {
	Config     Config
	Seed       uint64
	ShardBytes int64             // maximum size of a weights file; 0 is Hugging Face's 5 GB
	Progress   func(bytes int64) // called with the number of bytes written since the last call; may be nil
}

// WriteRandom creates the model folder dir with random weights in bf16, normally distributed with standard deviation 0.02,
// norms of 1, and the embedded model's tokenizer. Shape and seed determine every byte, whatever the number of processors. dir
// must be empty or not exist.
func WriteRandom(ctx context.Context, dir string, o RandomOptions) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return usererr.With(fmt.Errorf("%s is not empty", dir), "name a folder that does not exist, or remove this one first")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot create a model: %w", err)
	}
	if err := CheckSpace(dir, 2*o.Config.Parameters()); err != nil {
		return err
	}
	if o.Progress == nil {
		o.Progress = func(int64) {}
	}
	if o.ShardBytes == 0 {
		o.ShardBytes = 5_000_000_000
	}
	return atomicfile.WriteDir(dir, func(tmp string) error { return writeRandom(ctx, tmp, o) })
}

func writeRandom(ctx context.Context, dir string, o RandomOptions) error {
	config, err := o.Config.encode()
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(filepath.Join(dir, ConfigFile), config); err != nil {
		return err
	}
	for _, name := range []string{TokenizerFile, TokenizerConfigFile} {
		content, err := embedded().ReadFile(name)
		if err != nil {
			return err
		}
		if err := atomicfile.WriteBytes(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	shards := splitShards(RequiredTensors(o.Config), o.ShardBytes)
	weightMap, total := map[string]string{}, int64(0)
	for i, shard := range shards {
		name := WeightsFile
		if len(shards) > 1 {
			name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		}
		var sources []safetensors.Entry
		for _, spec := range shard {
			source := randomSource(ctx, spec, o)
			sources = append(sources, source)
			weightMap[spec.Name] = name
			total += source.Size()
		}
		err := atomicfile.Write(filepath.Join(dir, name), func(w io.Writer) error {
			return safetensors.Write(w, map[string]string{"format": "pt"}, sources)
		})
		if err != nil {
			return err
		}
	}
	if len(shards) == 1 {
		return nil
	}
	index, err := json.MarshalIndent(map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": weightMap}, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, IndexFile), append(index, '\n'))
}

// splitShards fills one file after the other with up to limit bytes of bf16.
func splitShards(specs []TensorSpec, limit int64) [][]TensorSpec {
	var shards [][]TensorSpec
	var size int64
	for _, spec := range specs {
		bytes := 2 * int64(View{Shape: spec.Shape}.Elements())
		if len(shards) == 0 || size+bytes > limit {
			shards, size = append(shards, nil), 0
		}
		last := len(shards) - 1
		shards[last] = append(shards[last], spec)
		size += bytes
	}
	return shards
}

// randomChunk is the number of values generated at a time; a multiple of 4.
const randomChunk = 4 << 20

func randomSource(ctx context.Context, spec TensorSpec, o RandomOptions) safetensors.Entry {
	source := safetensors.Entry{Name: spec.Name, DType: safetensors.BF16, Shape: spec.Shape}
	source.Write = func(w io.Writer) error {
		count := View{Shape: spec.Shape}.Elements()
		buffer := make([]byte, 2*min(count, randomChunk))
		for start := 0; start < count; start += randomChunk {
			if err := ctx.Err(); err != nil {
				return err
			}
			chunk := buffer[:2*min(randomChunk, count-start)]
			if strings.HasSuffix(spec.Name, "norm.weight") {
				fillOnes(chunk)
			} else {
				fillNormal(chunk, tensorKey(spec.Name, o.Seed), uint64(start)/4)
			}
			if _, err := w.Write(chunk); err != nil {
				return err
			}
			o.Progress(int64(len(chunk)))
		}
		return nil
	}
	return source
}

func fillOnes(dst []byte) {
	for i := 0; i < len(dst); i += 2 {
		binary.LittleEndian.PutUint16(dst[i:], floats.BF16Bits(1))
	}
}

func tensorKey(name string, seed uint64) uint64 {
	h := fnv.New64a()
	io.WriteString(h, name) // a hash's Write returns no error
	return mix(h.Sum64() ^ mix(seed))
}

// normalTable holds 65,536 equally likely values, in bf16, of a normal distribution with standard deviation 0.02: bf16 has 8
// significant bits, and the table ends at 4.3 standard deviations.
var normalTable = sync.OnceValue(func() []uint16 {
	table := make([]uint16, 1<<16)
	for i := range table {
		p := (float64(i) + 0.5) / float64(len(table))
		table[i] = floats.BF16Bits(float32(0.02 * math.Sqrt2 * math.Erfinv(2*p-1)))
	}
	return table
})

// fillNormal fills dst with four values from each number of a counter-based generator; first is the counter of the first four.
// Any part of a tensor can thus be generated by itself, on all processors at once.
func fillNormal(dst []byte, key, first uint64) {
	table := normalTable()
	const block = 1 << 16 // bytes; a multiple of 8
	blocks := (len(dst) + block - 1) / block
	workers := min(runtime.GOMAXPROCS(0), blocks)
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for b := worker; b < blocks; b += workers {
				part := dst[b*block : min((b+1)*block, len(dst))]
				counter := first + uint64(b)*block/8
				for ; len(part) >= 8; part, counter = part[8:], counter+1 {
					binary.LittleEndian.PutUint64(part, four(table, key, counter))
				}
				for i, rest := 0, four(table, key, counter); i < len(part); i, rest = i+1, rest>>8 {
					part[i] = byte(rest)
				}
			}
		})
	}
	wait.Wait()
}

func four(table []uint16, key, counter uint64) uint64 {
	x := mix(key + counter*0x9e3779b97f4a7c15)
	return uint64(table[x&0xffff]) | uint64(table[x>>16&0xffff])<<16 | uint64(table[x>>32&0xffff])<<32 | uint64(table[x>>48])<<48
}

// mix is splitmix64's finisher.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

package load

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"ventriloquist/engine"
	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/load/memplan"
)

// The GEMM whose rate stands for a device: one of Qwen3-0.6B.
const (
	rateRows = 1024
	rateWide = 3072
	rateDeep = 1024
)

// ratesFolder, in the user's cache directory, holds a file per device and precision.
const ratesFolder = "vqctl/rates"

// rateAge is how long a measured rate is used.
const rateAge = 7 * 24 * time.Hour

type savedRate struct {
	Device string    `json:"device"`
	FLOPs  float64   `json:"flops"`
	At     time.Time `json:"at"`
}

// A small GEMM comes first: on a device that does fewer GFLOP/s than slowest, such as a simulated one, larger ones would take minutes.
const (
	probeSize = 64
	slowest   = 1
)

// RowsToMeasure returns how many rows a GEMM that is timed has: onGPU of them on a GPU. Fewer suffice a CPU, and take it some
// milliseconds rather than a tenth of a second.
func RowsToMeasure(device *engine.Device, onGPU int) int {
	if device.Info().DiscreteMemory {
		return onGPU
	}
	return 256
}

// MeasureGEMMRate measures the device's GEMMs in FLOP/s. It saves the rate for later plans, unless a higher one was saved before:
// then other programs slow the device down now.
func MeasureGEMMRate(device *engine.Device, precision engine.DType) (float64, error) {
	rate := savedRate{Device: device.Info().Name, At: time.Now()}
	gflops, err := device.MeasureGEMM(precision, probeSize, probeSize, probeSize)
	if err != nil {
		return 0, err
	}
	if gflops < slowest {
		return gflops * 1e9, nil
	}
	if gflops, err = device.MeasureGEMM(precision, RowsToMeasure(device, rateRows), rateWide, rateDeep); err != nil {
		return 0, err
	}
	rate.FLOPs = gflops * 1e9
	path := ratePath(device, precision)
	if rate.FLOPs > readRate(path) {
		saveRate(path, rate)
	}
	return rate.FLOPs, nil
}

// GEMMRate returns the device's highest GEMM rate of the last week in FLOP/s. It measures each time: the saved one may be of an hour
// in which the machine was busy.
func GEMMRate(device *engine.Device, precision engine.DType) (float64, error) {
	rate, err := MeasureGEMMRate(device, precision)
	return max(rate, readRate(ratePath(device, precision))), err
}

// readRate returns the rate saved in the last week, 0 for none.
func readRate(path string) float64 {
	content, err := os.ReadFile(path)
	var saved savedRate
	if err != nil || json.Unmarshal(content, &saved) != nil {
		return 0
	}
	if age := time.Since(saved.At); age < 0 || age >= rateAge {
		return 0
	}
	return saved.FLOPs
}

// ratePath returns the file of a device's rate, "" without a cache directory.
func ratePath(device *engine.Device, precision engine.DType) string {
	caches, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	info := device.Info()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s, %s, %d, %s, %s", info.Name, info.Instructions, info.Threads, info.GEMMLibrary, precision))
	return filepath.Join(caches, ratesFolder, hex.EncodeToString(sum[:8]))
}

// saveRate saves a rate if it can: without the file, the next plan measures again.
func saveRate(path string, rate savedRate) {
	if path == "" || os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	_ = atomicfile.Write(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(rate) })
}

// Speeds returns how fast an open device trains: a card of memplan's table at its published peak, other devices at their measured GEMM
// rate, which may be saved.
func Speeds(device *engine.Device, precisions ...engine.DType) (memplan.Speeds, error) {
	info := device.Info()
	if info.DiscreteMemory {
		if gpu, err := memplan.GPUNamed(info.Name); err == nil {
			return memplan.SpeedsOf(gpu), nil
		}
	}
	rates := map[engine.DType]float64{}
	for _, precision := range precisions {
		rate, err := GEMMRate(device, precision)
		if err != nil {
			return nil, err
		}
		rates[precision] = rate
	}
	return speedsAt(info.Name, rates), nil
}

// SpeedsMeasured is Speeds for a device whose GEMM rate was just measured in one precision; a higher one of the last week counts.
func SpeedsMeasured(device *engine.Device, precision engine.DType, rate float64) memplan.Speeds {
	best := max(rate, readRate(ratePath(device, precision)))
	return speedsAt(device.Info().Name, map[engine.DType]float64{precision: best})
}

func speedsAt(name string, rates map[engine.DType]float64) memplan.Speeds {
	return func(s memplan.Settings) []memplan.Speed {
		rate, measured := rates[s.Precision]
		if !measured {
			return nil
		}
		return []memplan.Speed{memplan.MeasuredSpeed(name, rate)}
	}
}

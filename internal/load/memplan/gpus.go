package memplan

import (
	"slices"
	"strings"

	"ventriloquist/internal/usererr"
)

// A GPU is a card as its maker publishes it.
type GPU struct {
	Name   string  // as the option gpu_type takes it
	Title  string  // the product name
	Memory uint64  // bytes that CUDA gives to programs, less than nvidia-smi's total
	BF16   float64 // dense FLOP/s of the tensor cores with sums in fp32
	FP8    float64 // the same for e4m3, 0 where there is none
	Source string

	Multiprocessors int
}

const (
	mib  = 1 << 20
	tera = 1e12
)

// Sources of the figures. Where a source has only figures with sparsity, half of them is used.
const (
	ampereGA102 = "NVIDIA Ampere GA102 GPU architecture whitepaper, v2.1"
	ada         = "NVIDIA Ada GPU architecture whitepaper, v2.1"
	blackwell   = "NVIDIA RTX Blackwell GPU architecture whitepaper, v1.1"
	dataSheet   = "NVIDIA data sheet of the card"
)

// usableShare is the least share of nvidia-smi's total that CUDA gave to programs on cards of which both are known: 39.38 of
// 40 GiB on an A100. It stands in for cards of which only that total is known.
const usableShare = 0.984

// Usable returns what CUDA gives to programs on a card whose whole memory is known.
func Usable(memory uint64) uint64 { return uint64(usableShare * float64(memory)) }

// total is the memory that PyTorch reports for a card when it runs out, by public reports, in GiB.
func total(gib float64) uint64 { return uint64(gib * (1 << 30)) }

// GPUs are the cards that a plan can be made for.
var GPUs = []GPU{
	{"rtx3090", "GeForce RTX 3090", total(23.68), 71 * tera, 0, ampereGA102, 82},
	{"rtx4080", "GeForce RTX 4080", Usable(16376 * mib), 97.5 * tera, 194.9 * tera, ada, 76},
	{"rtx4090", "GeForce RTX 4090", total(23.65), 165.2 * tera, 330.3 * tera, ada, 128},
	{"rtx5080", "GeForce RTX 5080", Usable(16303 * mib), 112.6 * tera, 225.1 * tera, blackwell, 84},
	{"rtx5090", "GeForce RTX 5090", total(31.36), 209.5 * tera, 419 * tera, blackwell, 170},
	{"a10", "A10", Usable(23028 * mib), 125 * tera, 0, dataSheet, 72},
	{"a6000", "RTX A6000", total(47.40), 154.8 * tera, 0, dataSheet, 84},
	{"a100-40gb", "A100 40 GB", total(39.38), 312 * tera, 0, dataSheet, 108},
	{"a100", "A100 80 GB", total(79.15), 312 * tera, 0, dataSheet, 108},
	{"l4", "L4", Usable(23034 * mib), 121 * tera, 242 * tera, dataSheet, 58},
	{"l40s", "L40S", total(44.39), 362 * tera, 733 * tera, dataSheet, 142},
	{"h100-pcie", "H100 PCIe", Usable(81559 * mib), 756 * tera, 1513 * tera, dataSheet, 114},
	{"h100", "H100 SXM", Usable(81559 * mib), 989 * tera, 1979 * tera, dataSheet, 132},
	{"h200", "H200", Usable(143771 * mib), 989 * tera, 1979 * tera, dataSheet, 132},
	{"b200", "B200", Usable(183359 * mib), 2250 * tera, 4500 * tera, dataSheet, 148},
}

func mostMultiprocessors() int {
	most := 0
	for _, g := range GPUs {
		most = max(most, g.Multiprocessors)
	}
	return most
}

// GPUNames are what GPUNamed takes.
func GPUNames() []string {
	var names []string
	for _, g := range GPUs {
		names = append(names, g.Name)
	}
	return names
}

// GPUNamed finds a card, in any case and with or without spaces and dashes.
func GPUNamed(name string) (GPU, error) {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", " ", "", "_", "").Replace(strings.ToLower(s))
	}
	i := slices.IndexFunc(GPUs, func(g GPU) bool { return plain(g.Name) == plain(name) || plain(g.Title) == plain(name) })
	if i < 0 {
		return GPU{}, usererr.With(usererr.Invalid("gpu_type", "%q is not known", name), "it is one of %s; any other card by its memory: %v 24GiB",
			strings.Join(GPUNames(), ", "), usererr.Option("gpu_memory"))
	}
	return GPUs[i], nil
}

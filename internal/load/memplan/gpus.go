package memplan

import (
	"fmt"
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

// A geForce is a card of the RTX 30, 40 or 50 series, whose peak follows from its clock.
type geForce struct {
	number          string
	gib             int
	multiprocessors int
	boost           float64 // GHz, for laptops the highest that a maker may allow
	laptop          bool
}

var geForces = []geForce{
	{"3060", 12, 28, 1.777, false}, {"3060 Ti", 8, 38, 1.665, false}, {"3070", 8, 46, 1.725, false}, {"3070 Ti", 8, 48, 1.770, false},
	{"3080", 10, 68, 1.710, false}, {"3080 Ti", 12, 80, 1.665, false}, {"3090 Ti", 24, 84, 1.860, false},
	{"4060", 8, 24, 2.460, false}, {"4060 Ti", 8, 34, 2.535, false}, {"4070", 12, 46, 2.475, false}, {"4070 Super", 12, 56, 2.475, false},
	{"4070 Ti", 12, 60, 2.610, false}, {"4070 Ti Super", 16, 66, 2.610, false}, {"4080 Super", 16, 80, 2.550, false},
	{"5060", 8, 30, 2.497, false}, {"5060 Ti", 16, 36, 2.572, false}, {"5070", 12, 48, 2.512, false}, {"5070 Ti", 16, 70, 2.452, false},
	{"3060", 6, 30, 1.703, true}, {"3070", 8, 40, 1.620, true}, {"3080", 8, 48, 1.710, true}, {"4050", 6, 20, 2.370, true},
	{"4060", 8, 24, 2.370, true}, {"4070", 8, 36, 2.175, true}, {"4080", 12, 58, 2.280, true}, {"4090", 16, 76, 2.040, true},
}

// gpu returns the card. A multiprocessor of these series has 128 lanes; its tensor cores do twice the FLOPs of the lanes in bf16
// with sums in fp32, and since the RTX 40 series four times in e4m3.
func (g geForce) gpu() GPU {
	name, title, source := "rtx"+compact(g.number), "GeForce RTX "+g.number, "SMs x 512 FLOP x the boost clock that NVIDIA publishes"
	if g.laptop {
		name, title = name+"-laptop", title+" Laptop GPU"
		source = "SMs x 512 FLOP x the highest boost clock that NVIDIA publishes; many laptops run slower"
	}
	const unusable = 8 // MiB less than the nominal memory, in nvidia-smi's total
	bf16 := float64(g.multiprocessors) * 512 * g.boost * 1e9
	fp8 := 0.0
	if g.number[0] != '3' {
		fp8 = 2 * bf16
	}
	return GPU{name, title, Usable(uint64(g.gib*1024-unusable) * mib), bf16, fp8, source, g.multiprocessors}
}

func init() {
	for _, g := range geForces {
		GPUs = append(GPUs, g.gpu())
	}
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

// compact returns a name in lower case, without spaces and dashes.
func compact(name string) string {
	return strings.NewReplacer("-", "", " ", "", "_", "").Replace(strings.ToLower(name))
}

// series returns what is left of a card's name without its maker, its brand and "GPU": 4090 of NVIDIA GeForce RTX 4090.
func series(name string) string {
	name = compact(name)
	for _, prefix := range []string{"nvidia", "geforce", "rtx"} {
		name = strings.TrimPrefix(name, prefix)
	}
	return strings.TrimSuffix(name, "gpu")
}

// GPUNamed finds a card by the ways in which people write its name: rtx4090, RTX 4090, rtx-4090, 4090, NVIDIA GeForce RTX 4090.
func GPUNamed(name string) (GPU, error) {
	i := slices.IndexFunc(GPUs, func(g GPU) bool { return series(g.Name) == series(name) || series(g.Title) == series(name) })
	if i < 0 {
		return GPU{}, usererr.Suggest(usererr.Invalid("gpu_type", "%q is not known", name), name, GPUNames(), "%s", fmt.Sprintf(
			"it is one of %s; any other card by its memory: %v 24GiB", strings.Join(GPUNames(), ", "), usererr.Option("gpu_memory")))
	}
	return GPUs[i], nil
}

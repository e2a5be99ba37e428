package memplan

import (
	"fmt"
	"strings"
)

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

// total is the memory that PyTorch reports for a card when it runs out, by public reports, in GiB.
func total(gib float64) uint64 { return uint64(gib * (1 << 30)) }

// smi is the usable memory of a card of which nvidia-smi's total is known, in MiB.
func smi(size uint64) uint64 { return Usable(size * mib) }

// published are cards whose peaks a whitepaper or a data sheet states.
var published = []GPU{
	{"rtx3090", "GeForce RTX 3090", total(23.68), 71 * tera, 0, ampereGA102, 82},
	{"rtx4080", "GeForce RTX 4080", smi(16376), 97.5 * tera, 194.9 * tera, ada, 76},
	{"rtx4090", "GeForce RTX 4090", total(23.65), 165.2 * tera, 330.3 * tera, ada, 128},
	{"rtx5080", "GeForce RTX 5080", smi(16303), 112.6 * tera, 225.1 * tera, blackwell, 84},
	{"rtx5090", "GeForce RTX 5090", total(31.36), 209.5 * tera, 419 * tera, blackwell, 170},
	{"a2", "A2", smi(15356), 18 * tera, 0, dataSheet, 10},
	{"a10", "A10", smi(23028), 125 * tera, 0, dataSheet, 72},
	{"a10g", "A10G", smi(23028), 70 * tera, 0, dataSheet, 80},
	{"a16", "A16, one of its four GPUs", smi(15356), 17.9 * tera, 0, dataSheet, 10},
	{"a30", "A30", smi(24576), 165 * tera, 0, dataSheet, 56},
	{"a40", "A40", smi(46068), 149.7 * tera, 0, dataSheet, 84},
	{"a6000", "RTX A6000", total(47.40), 154.8 * tera, 0, dataSheet, 84},
	{"a100", "A100 80 GB", total(79.15), 312 * tera, 0, dataSheet, 108},
	{"a100-40gb", "A100 40 GB", total(39.38), 312 * tera, 0, dataSheet, 108},
	{"l4", "L4", smi(23034), 121 * tera, 242 * tera, dataSheet, 58},
	{"l40", "L40", smi(46068), 181.05 * tera, 362 * tera, dataSheet, 142},
	{"l40s", "L40S", total(44.39), 362 * tera, 733 * tera, dataSheet, 142},
	{"h20", "H20", smi(97871), 148 * tera, 296 * tera, dataSheet, 78},
	{"h100", "H100 SXM", smi(81559), 989 * tera, 1979 * tera, dataSheet, 132},
	{"h100-pcie", "H100 PCIe", smi(81559), 756 * tera, 1513 * tera, dataSheet, 114},
	{"h100-nvl", "H100 NVL", smi(95830), 835.5 * tera, 1671 * tera, dataSheet, 132},
	{"gh200", "GH200", smi(97871), 989 * tera, 1979 * tera, dataSheet, 132},
	{"h200", "H200", smi(143771), 989 * tera, 1979 * tera, dataSheet, 132},
	{"h200-nvl", "H200 NVL", smi(143771), 835.5 * tera, 1671 * tera, dataSheet, 132},
	{"b200", "B200", smi(183359), 2250 * tera, 4500 * tera, dataSheet, 148},
}

// A computedGPU is a card whose peak follows from its clock.
type computedGPU struct {
	series          string
	number          string
	gib             int
	multiprocessors int
	boost           float64 // GHz, for laptops the highest that a maker may allow
}

// The series of computed cards.
const (
	geForce   = "GeForce RTX"
	laptop    = "GeForce RTX, Laptop GPU"
	rtxAmpere = "RTX A" // workstation cards
	rtxAda    = "RTX Ada Generation"
	rtxPro    = "RTX PRO Blackwell"
)

// computed lists the usual memory of a card before others.
var computed = []computedGPU{
	{geForce, "3050", 8, 20, 1.777}, {geForce, "3050", 6, 18, 1.470}, {geForce, "3060", 12, 28, 1.777}, {geForce, "3060", 8, 28, 1.777},
	{geForce, "3060 Ti", 8, 38, 1.665}, {geForce, "3070", 8, 46, 1.725}, {geForce, "3070 Ti", 8, 48, 1.770}, {geForce, "3080", 10, 68, 1.710},
	{geForce, "3080", 12, 70, 1.710}, {geForce, "3080 Ti", 12, 80, 1.665}, {geForce, "3090 Ti", 24, 84, 1.860},
	{geForce, "4060", 8, 24, 2.460}, {geForce, "4060 Ti", 8, 34, 2.535}, {geForce, "4060 Ti", 16, 34, 2.535}, {geForce, "4070", 12, 46, 2.475},
	{geForce, "4070 Super", 12, 56, 2.475}, {geForce, "4070 Ti", 12, 60, 2.610}, {geForce, "4070 Ti Super", 16, 66, 2.610},
	{geForce, "4080 Super", 16, 80, 2.550}, {geForce, "4090 D", 24, 114, 2.520},
	{geForce, "5050", 8, 20, 2.572}, {geForce, "5060", 8, 30, 2.497}, {geForce, "5060 Ti", 16, 36, 2.572}, {geForce, "5060 Ti", 8, 36, 2.572},
	{geForce, "5070", 12, 48, 2.512}, {geForce, "5070 Ti", 16, 70, 2.452},
	{laptop, "2050", 4, 16, 1.477}, {laptop, "3050", 4, 16, 1.740}, {laptop, "3050", 6, 20, 1.492}, {laptop, "3050 Ti", 4, 20, 1.695},
	{laptop, "3060", 6, 30, 1.703}, {laptop, "3070", 8, 40, 1.620}, {laptop, "3070 Ti", 8, 46, 1.485}, {laptop, "3080", 8, 48, 1.710},
	{laptop, "3080", 16, 48, 1.710}, {laptop, "3080 Ti", 16, 58, 1.590},
	{laptop, "4050", 6, 20, 2.370}, {laptop, "4060", 8, 24, 2.370}, {laptop, "4070", 8, 36, 2.175}, {laptop, "4080", 12, 58, 2.280}, {laptop, "4090", 16, 76, 2.040},
	{laptop, "5050", 8, 20, 2.550}, {laptop, "5060", 8, 26, 2.497}, {laptop, "5070", 8, 36, 2.347}, {laptop, "5070 Ti", 12, 46, 2.220},
	{laptop, "5080", 16, 60, 2.287}, {laptop, "5090", 24, 82, 2.160},
	{rtxAmpere, "2000", 12, 26, 1.200}, {rtxAmpere, "2000", 6, 26, 1.200}, {rtxAmpere, "4000", 16, 48, 1.560}, {rtxAmpere, "4500", 20, 56, 1.650},
	{rtxAmpere, "5000", 24, 64, 1.695}, {rtxAmpere, "5500", 24, 80, 1.665},
	{rtxAda, "2000", 16, 22, 2.130}, {rtxAda, "4000", 20, 48, 2.175}, {rtxAda, "4500", 24, 60, 2.580}, {rtxAda, "5000", 32, 100, 2.550}, {rtxAda, "6000", 48, 142, 2.505},
	{rtxPro, "4000", 24, 70, 2.617}, {rtxPro, "4500", 32, 82, 2.617}, {rtxPro, "5000", 48, 110, 2.377}, {rtxPro, "5000", 72, 110, 2.377}, {rtxPro, "6000", 96, 188, 2.617},
}

// title returns the product name and the same as gpu_type.
func (c computedGPU) title() (title, name string) {
	switch c.series {
	case geForce:
		return "GeForce RTX " + c.number, "rtx" + compact(c.number)
	case laptop:
		return "GeForce RTX " + c.number + " Laptop GPU", "rtx" + compact(c.number) + "-laptop"
	case rtxAmpere:
		return "RTX A" + c.number, "a" + c.number
	case rtxAda:
		return "RTX " + c.number + " Ada Generation", "rtx" + c.number + "-ada"
	}
	return "RTX PRO " + c.number + " Blackwell", "rtx-pro-" + c.number
}

// gpu returns the card. A multiprocessor has 128 lanes; its tensor cores do twice the FLOPs of the lanes in bf16 with sums in fp32 on
// a GeForce, and four times on a workstation card. From the RTX 40 series on they do twice as many in e4m3.
func (c computedGPU) gpu() GPU {
	perClock := 512.0
	if strings.HasPrefix(c.series, "RTX") {
		perClock = 1024
	}
	title, name := c.title()
	source := fmt.Sprintf("SMs x %.0f FLOP x the boost clock that NVIDIA publishes", perClock)
	if c.series == laptop {
		source = fmt.Sprintf("SMs x %.0f FLOP x the highest boost clock that NVIDIA publishes; many laptops run slower", perClock)
	}
	if !c.usual() {
		title, name = fmt.Sprintf("%s %d GB", title, c.gib), fmt.Sprintf("%s-%dgb", name, c.gib)
	}
	const missing = 8 // MiB less than the nominal memory, in nvidia-smi's total
	bf16 := float64(c.multiprocessors) * perClock * c.boost * 1e9
	fp8 := 0.0
	if c.series != rtxAmpere && c.number[0] > '3' || c.series == rtxAda {
		fp8 = 2 * bf16
	}
	return GPU{name, title, smi(uint64(c.gib*1024 - missing)), bf16, fp8, source, c.multiprocessors}
}

// usual reports whether the card is the first of its name in the table.
func (c computedGPU) usual() bool {
	for _, other := range computed {
		if other.series == c.series && other.number == c.number {
			return other == c
		}
	}
	return true
}

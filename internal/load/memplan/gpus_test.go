package memplan

import (
	"math"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
)

// Row: `4090` alone was not known, nor were laptop and older cards.
func TestGPUNamed_AsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"4090": "rtx4090", "RTX 4090": "rtx4090", "rtx-4090": "rtx4090", "NVIDIA GeForce RTX 4090": "rtx4090", "GeForce RTX 4090": "rtx4090",
		"RTX 4090 24GB": "rtx4090", "GTX 4090": "rtx4090", "4090 laptop": "rtx4090-laptop", "RTX 4090 Mobile": "rtx4090-laptop", "4090m": "rtx4090-laptop",
		"NVIDIA GeForce RTX 4090 Laptop GPU": "rtx4090-laptop", "5090 laptop": "rtx5090-laptop", "RTX 5070 Ti Laptop": "rtx5070ti-laptop",
		"RTX 5060 Max-Q": "rtx5060-laptop", "rtx 4050": "rtx4050-laptop", "RTX 2050": "rtx2050-laptop", "3060": "rtx3060", "RTX 3060 Ti": "rtx3060ti",
		"rtx_4070_ti_super": "rtx4070tisuper", "4060 Ti 16GB": "rtx4060ti-16gb", "RTX 4060 Ti 8 GB": "rtx4060ti", "5060ti 8gb": "rtx5060ti-8gb",
		"3080 12G": "rtx3080-12gb", "H100": "h100", "H100 SXM5": "h100", "NVIDIA H100 80GB HBM3": "h100", "H100 PCIe": "h100-pcie", "h100 nvl": "h100-nvl",
		"A100": "a100", "A100 80 GB": "a100", "NVIDIA A100-SXM4-80GB": "a100", "NVIDIA A100-PCIE-40GB": "a100-40gb", "a100 40gb": "a100-40gb",
		"NVIDIA A10": "a10", "A10G": "a10g", "NVIDIA A10G": "a10g", "L4": "l4", "L4 24GB": "l4", "Tesla L4": "l4", "L40S": "l40s", "A40": "a40",
		"RTX A6000": "a6000", "Quadro RTX A6000": "a6000", "A5000": "a5000", "RTX 6000 Ada": "rtx6000-ada", "NVIDIA RTX 6000 Ada Generation": "rtx6000-ada",
		"A6000 Ada": "rtx6000-ada", "RTX 4000 Ada": "rtx4000-ada", "RTX PRO 6000": "rtx-pro-6000", "rtx pro 5000 72gb": "rtx-pro-5000-72gb",
		"NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition": "rtx-pro-6000", "H200": "h200", "B200": "b200", "GH200": "gh200",
	} {
		if g, err := GPUNamed(given); err != nil || g.Name != want {
			t.Errorf("%q is %q (%v), want %q", given, g.Name, err, want)
		}
	}
	for _, g := range GPUs {
		for _, own := range []string{g.Name, g.Title} {
			if found, err := GPUNamed(own); err != nil || found != g {
				t.Errorf("%q is %q (%v)", own, found.Name, err)
			}
		}
	}
}

// Cards that the engine cannot use are named as such, with the reason.
func TestGPUNamed_SaysWhyNot(t *testing.T) {
	t.Parallel()
	for given, want := range map[string][2]string{
		"T4": {"7.5 (Turing)", "RTX 30 series"}, "Tesla T4": {"7.5", ""}, "rtx 2080 ti": {"7.5", ""}, "RTX 2060 Super": {"7.5", ""}, "GTX 1660 Ti": {"7.5", ""},
		"2070": {"7.5", ""}, "Titan RTX": {"7.5", ""}, "Quadro RTX 8000": {"7.5", ""}, "Quadro RTX 6000": {"7.5", ""}, "RTX 8000": {"7.5", ""},
		"V100": {"7.0 (Volta)", ""}, "Tesla V100-SXM2-32GB": {"7.0", ""}, "V100 16GB": {"7.0", ""}, "TITAN V": {"7.0", ""},
		"GTX 1080 Ti": {"6.1 (Pascal)", ""}, "1080ti": {"6.1", ""}, "P100": {"6.1", ""}, "Tesla P40": {"6.1", ""}, "Quadro P5000": {"6.1", ""},
		"M60": {"5.2", ""}, "GTX 980": {"5.2", ""}, "K80": {"3.5", ""},
		"RX 7900 XTX": {"not an NVIDIA card", "omit"}, "Radeon RX 6800": {"not an NVIDIA card", ""}, "MI300X": {"not an NVIDIA card", ""}, "M3 Max": {"not an NVIDIA card", ""},
		"Apple M2": {"not an NVIDIA card", ""}, "Intel Arc A770": {"not an NVIDIA card", ""},
		"RTX 6000": {"several cards", "RTX 6000 Ada, RTX PRO 6000"}, "rtx 4000": {"several cards", "RTX A4000, RTX 4000 Ada"},
		"RTX 4090 48GB": {"has 24 GB", "gpu_memory 48GiB"}, "rtx4099": {"not known", "did you mean rtx4090?"}, "voodoo": {"not known", "it is one of rtx3090"}, "": {"not known", ""},
	} {
		_, err := GPUNamed(given)
		if err == nil || !strings.Contains(err.Error(), want[0]) || !strings.Contains(usererr.Of(err), want[1]) {
			t.Errorf("%q: %v\nhint: %s", given, err, usererr.Of(err))
		}
	}
}

// The formulas give what whitepapers and data sheets say about the cards that these list.
func TestComputedGPU_AgreesWithPublishedPeaks(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]computedGPU{
		"rtx3090": {geForce, "3090", 24, 82, 1.695}, "rtx4080": {geForce, "4080", 16, 76, 2.505}, "rtx4090": {geForce, "4090", 24, 128, 2.520},
		"rtx5080": {geForce, "5080", 16, 84, 2.617}, "rtx5090": {geForce, "5090", 32, 170, 2.407}, "a6000": {rtxAmpere, "6000", 48, 84, 1.800},
	} {
		want, err := GPUNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		got := g.gpu()
		if math.Abs(got.BF16/want.BF16-1) > 0.005 || math.Abs(got.FP8-want.FP8) > 0.005*want.FP8 || got.Name != want.Name {
			t.Errorf("%s: %+v, the source has %+v", name, got, want)
		}
	}
	// Of the RTX A and RTX Ada series, the data sheets have a quarter, or half, of "tensor performance" with sparsity.
	for name, want := range map[string]float64{
		"a4000": 153.4 / 2, "a4500": 189.2 / 2, "a5000": 222.2 / 2, "a5500": 272.8 / 2,
		"rtx2000-ada": 191.9 / 4, "rtx4000-ada": 427.6 / 4, "rtx4500-ada": 634 / 4, "rtx5000-ada": 1044.4 / 4, "rtx6000-ada": 1457.0 / 4,
	} {
		if g, err := GPUNamed(name); err != nil || math.Abs(g.BF16/(want*tera)-1) > 0.005 {
			t.Errorf("%s: %.1f TFLOP/s (%v), the data sheet has %.1f", name, g.BF16/tera, err, want)
		}
	}
}

// Of a card of which only the memory is known, all that it may be are returned.
func TestGPUsWithMemory_ReturnsAllCardsOfASize(t *testing.T) {
	t.Parallel()
	for gib, want := range map[uint64]string{24: "rtx3090 rtx4090 a10 l4 a5000", 80: "a100 h100", 11: "rtx3060", 28: "rtx5090", 400: "b200", 1: "rtx2050-laptop"} {
		var names []string
		for _, g := range GPUsWithMemory(Usable(gib << 30)) {
			names = append(names, g.Name)
		}
		for _, one := range strings.Fields(want) {
			if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+one+" ") {
				t.Errorf("%d GiB: %q lack %s", gib, names, one)
			}
		}
	}
}

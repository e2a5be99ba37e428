package memplan

import (
	"math"
	"testing"

	"ventriloquist/internal/usererr"
)

// Row: `4090` alone was not known, nor were laptop and older cards.
func TestGPUNamed_AsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"4090": "rtx4090", "RTX 4090": "rtx4090", "rtx-4090": "rtx4090", "NVIDIA GeForce RTX 4090": "rtx4090", "GeForce RTX 4090": "rtx4090",
		"4090 laptop": "rtx4090-laptop", "NVIDIA GeForce RTX 4090 Laptop GPU": "rtx4090-laptop", "3060": "rtx3060", "RTX 3060 Ti": "rtx3060ti",
		"rtx_4070_ti_super": "rtx4070tisuper", "H100": "h100", "A100 80 GB": "a100", "NVIDIA A10": "a10", "RTX A6000": "a6000",
	} {
		if g, err := GPUNamed(given); err != nil || g.Name != want {
			t.Errorf("%q is %q (%v), want %q", given, g.Name, err, want)
		}
	}
	_, err := GPUNamed("rtx4099")
	if err == nil || usererr.Of(err) != "did you mean rtx4090?" {
		t.Errorf("error %v, hint %q", err, usererr.Of(err))
	}
}

// The formula of geForce gives what the whitepapers say about the cards that they list.
func TestGeForce_AgreesWithTheWhitepapers(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]geForce{
		"rtx3090": {"3090", 24, 82, 1.695, false}, "rtx4080": {"4080", 16, 76, 2.505, false}, "rtx4090": {"4090", 24, 128, 2.520, false},
		"rtx5080": {"5080", 16, 84, 2.617, false}, "rtx5090": {"5090", 32, 170, 2.407, false},
	} {
		want, err := GPUNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		got := g.gpu()
		if math.Abs(got.BF16/want.BF16-1) > 0.005 || math.Abs(got.FP8-want.FP8) > 0.005*want.FP8 || got.Name != want.Name {
			t.Errorf("%s: %+v, the whitepaper has %+v", name, got, want)
		}
	}
}

package memplan

import (
	"fmt"
	"regexp"
	"strings"

	"ventriloquist/internal/usererr"
)

// leastCapability is the compute capability that the engine needs, for bf16.
const leastCapability = "8.0"

// tooOld are NVIDIA's cards below leastCapability, by what parseCardName leaves of their names.
var tooOld = []struct {
	names        *regexp.Regexp
	capability   string
	architecture string
}{
	{regexp.MustCompile(`^(t4g?|t40|t[0-9]{3,4}|20[678]0(ti)?(super)?(laptop)?|(gtx)?16[0-9]{2}(ti|super)?(laptop)?|mx4[0-9]{2}|mx550|titanrtx|quadrortx[0-9]{4}(laptop)?|quadrot[0-9]+|8000|cmp[0-9]+hx)$`), "7.5", "Turing"},
	{regexp.MustCompile(`^(v100s?|quadrogv100|gv100|titanv)$`), "7.0", "Volta"},
	{regexp.MustCompile(`^(p100|p40|p4|p6|quadrop[0-9]+|quadrogp100|(gtx)?10[1-8][05](ti)?(laptop)?|titanxp?|titanx(pascal)|mx[1-3][0-9]{2})$`), "6.1", "Pascal"},
	{regexp.MustCompile(`^(m60|m40|m4|m6|m10|quadrom[0-9]+|(gtx)?9[5-8]0(ti)?(m|laptop)?|9[1-4]0mx?)$`), "5.2", "Maxwell"},
	{regexp.MustCompile(`^(k80|k40|k20x?|k10|quadrok[0-9]+|(gtx)?[67][0-9]0(ti)?m?|titan(black|z)?)$`), "3.5", "Kepler"},
}

// otherMakers matches processors that CUDA does not run on.
var otherMakers = regexp.MustCompile(`^(amd|ati|radeon|instinct|firepro|rx?[4-9][0-9]{3}|[67][0-9]{3}x?tx?$|9070|mi[0-9]{2,3}|intel|arc|iris|uhd|gaudi|apple|metal|m[1-5](pro|max|ultra)?$|mps|tpu|rocm|strix|adreno|mali)`)

// unusableGPU returns why the engine cannot use a processor, nil if it is not known.
func unusableGPU(name, key string) error {
	for _, old := range tooOld {
		if old.names.MatchString(key) {
			err := usererr.Invalid("gpu_type", "%q: training needs a card of compute capability %s or newer, which computes in bf16; this one has %s (%s)",
				name, leastCapability, old.capability, old.architecture)
			return usererr.With(err, "the RTX 30 series of 2020, A10, A100, L4 and newer cards work, such as %v l4", usererr.Option("gpu_type"))
		}
	}
	if otherMakers.MatchString(key) {
		return usererr.With(usererr.Invalid("gpu_type", "%q is not an NVIDIA card: training runs on NVIDIA's GPUs and on CPUs", name),
			"omit %v to plan for this CPU, or plan for a card that can be rented, such as %v l4", usererr.Option("gpu_type"), usererr.Option("gpu_type"))
	}
	return nil
}

var bareNumber = regexp.MustCompile(`^(?:rtx)?([2-6][05]00)$`)

// ambiguousGPU returns an error that lists the cards which share a number, such as RTX 6000; nil if it is no such number.
func ambiguousGPU(name, key string) error {
	found := bareNumber.FindStringSubmatch(key)
	if found == nil {
		return nil
	}
	var titles []string
	for _, g := range GPUs {
		if strings.Contains(g.Title, found[1]) {
			titles = append(titles, strings.TrimSuffix(strings.TrimSuffix(g.Title, " Blackwell"), " Generation"))
		}
	}
	if len(titles) == 0 {
		return nil
	}
	err := usererr.Invalid("gpu_type", "several cards are called %q", name)
	return usererr.With(err, "%s", fmt.Sprintf("name it in full: %s; the older Quadro RTX cards cannot train", strings.Join(titles, ", ")))
}

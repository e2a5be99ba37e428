package memplan

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"ventriloquist/internal/usererr"
)

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
	return strings.NewReplacer("-", "", " ", "", "_", "", ",", "", "(", "", ")", "").Replace(strings.ToLower(name))
}

var (
	// memoryInName is the memory that a name ends in or contains: A100 80GB.
	memoryInName = regexp.MustCompile(`(?i)(?:^|[\s_(-])([0-9]{1,3})[\s-]?gi?b?(?:$|[\s_)-])`)
	// otherWords are parts of names that tell no two cards apart.
	otherWords = regexp.MustCompile(`nvidia|geforce|tesla|gpu|graphics|card|generation|workstation|server|edition|founders|hbm[0-9]e?|gddr[0-9]x?`)
	forLaptops = regexp.MustCompile(`mobile|notebook|maxq|maxp`)
	socket     = regexp.MustCompile(`sxm[0-9]?|pcie|oneofitsfourgpus`)
	proEdition = regexp.MustCompile(`blackwell|maxq`)
	adaCard    = regexp.MustCompile(`^a([0-9]{4}ada)$`) // the RTX 6000 Ada is not the A6000 Ada
)

// A cardName is a name as it is compared.
type cardName struct {
	key string
	gb  int // 0 if the name does not state its memory
}

func parseCardName(name string) cardName {
	var n cardName
	if found := memoryInName.FindStringSubmatchIndex(name); found != nil {
		n.gb, _ = strconv.Atoi(name[found[2]:found[3]])
		name = name[:found[0]] + " " + name[found[1]:]
	}
	n.key = otherWords.ReplaceAllString(compact(name), "")
	if strings.HasPrefix(n.key, "rtxpro") || strings.HasPrefix(n.key, "pro") {
		n.key = proEdition.ReplaceAllString(n.key, "")
	} else {
		n.key = forLaptops.ReplaceAllString(n.key, "laptop")
	}
	n.key = strings.TrimPrefix(strings.Replace(n.key, "quadrortxa", "a", 1), "rtx")
	return n
}

// keys are the name's key and, in the order in which they are tried, those of cards that are also called so.
func (n cardName) keys() []string {
	plain := socket.ReplaceAllString(n.key, "")
	return []string{n.key, plain, strings.TrimPrefix(plain, "gtx"), strings.TrimSuffix(plain, "ampere"), adaCard.ReplaceAllString(plain, "$1"),
		plain + "laptop", strings.TrimSuffix(plain, "m") + "laptop"}
}

// gigabytes is the memory that a card is sold with.
func (g GPU) gigabytes() int {
	if n := parseCardName(g.Title).gb; n > 0 {
		return n
	}
	return int(float64(g.Memory)/usableShare/(1<<30) + 0.5)
}

// GPUNamed finds a card by the ways in which people write its name: rtx4090, RTX 4090, rtx-4090, 4090, NVIDIA GeForce RTX 4090,
// A100 40GB, NVIDIA A100-SXM4-80GB.
func GPUNamed(name string) (GPU, error) {
	wanted := parseCardName(name)
	var found []GPU
	for _, key := range wanted.keys() {
		if found = cardsNamed(key); len(found) > 0 {
			break
		}
	}
	if len(found) == 0 {
		return GPU{}, unknownGPU(name, socket.ReplaceAllString(wanted.key, ""))
	}
	if wanted.gb == 0 {
		return found[0], nil
	}
	// Cards with 24 GB may show 22.5 GiB.
	i := slices.IndexFunc(found, func(g GPU) bool { return g.gigabytes() >= wanted.gb-2 && g.gigabytes() <= wanted.gb+1 })
	if exact := slices.IndexFunc(found, func(g GPU) bool { return g.gigabytes() == wanted.gb }); exact >= 0 {
		i = exact
	}
	if i < 0 {
		return GPU{}, usererr.With(usererr.Invalid("gpu_type", "%q: the %s has %d GB", name, found[0].Title, found[0].gigabytes()),
			"for a card with other memory: %v %s %v %dGiB", usererr.Option("gpu_type"), found[0].Name, usererr.Option("gpu_memory"), wanted.gb)
	}
	return found[i], nil
}

// cardsNamed returns the cards with a key, by their names or titles.
func cardsNamed(key string) (list []GPU) {
	if key == "" {
		return nil
	}
	keys := tableKeys()
	for i, g := range GPUs {
		if slices.Contains(keys[i], key) {
			list = append(list, g)
		}
	}
	return list
}

// tableKeys returns the keys of each of GPUs: of its name and its title, with and without the socket.
var tableKeys = sync.OnceValue(func() [][]string {
	keys := make([][]string, len(GPUs))
	for i, g := range GPUs {
		for _, own := range []string{g.Name, g.Title} {
			k := parseCardName(own).key
			keys[i] = append(keys[i], k, socket.ReplaceAllString(k, ""))
		}
	}
	return keys
})

// unknownGPU returns the error for a name that is no card of the table: what is wrong with it, if that is known.
func unknownGPU(name, key string) error {
	if err := ambiguousGPU(name, key); err != nil {
		return err
	}
	if err := unusableGPU(name, key); err != nil {
		return err
	}
	var known []string
	for _, g := range published {
		known = append(known, g.Name)
	}
	return usererr.Suggest(usererr.Invalid("gpu_type", "%q is not known", name), compact(name), GPUNames(), "%s", fmt.Sprintf(
		"it is one of %s, or another card of the GeForce RTX 30 to 50, RTX A, RTX Ada and RTX PRO series; any other card by its memory: %v 24GiB",
		strings.Join(known, ", "), usererr.Option("gpu_memory")))
}

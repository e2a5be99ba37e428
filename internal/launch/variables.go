package launch

import (
	"fmt"
	"strconv"
	"strings"

	"ventriloquist/internal/usererr"
)

// environment reads launchers' variables. An empty variable counts as unset.
type environment struct{ getenv func(string) string }

func (e environment) text(name string) string { return strings.TrimSpace(e.getenv(name)) }
func (e environment) has(name string) bool    { return e.text(name) != "" }

// first returns the first of names that is set, or "".
func (e environment) first(names ...string) string {
	for _, name := range names {
		if e.has(name) {
			return name
		}
	}
	return ""
}

// number returns the value of a variable that must be set to a number of at least least.
func (e environment) number(name string, least int) (int, error) {
	text := e.text(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, usererr.With(fmt.Errorf("%s=%s is not a number of at least %d", name, strconv.Quote(text), least),
			"the launcher sets it; to train with this process alone, unset it")
	}
	return n, nil
}

// place reads a rank and the number of ranks, which must both be set.
func (e environment) place(launcher, rankName, worldName string) (*claim, error) {
	for _, pair := range [][2]string{{rankName, worldName}, {worldName, rankName}} {
		if !e.has(pair[1]) {
			return nil, usererr.With(fmt.Errorf("%s is set, but %s is not", pair[0], pair[1]),
				"a launcher sets both; to train with this process alone, unset %s", pair[0])
		}
	}
	rank, err := e.number(rankName, 0)
	if err != nil {
		return nil, err
	}
	world, err := e.number(worldName, 1)
	if err != nil {
		return nil, err
	}
	return &claim{Process: Process{Launcher: launcher, Rank: rank, World: world}, rankName: rankName}, nil
}

// local reads the rank on this machine and the number of ranks there. Without the number, the machine has as many ranks as are
// sure to be there.
func (e environment) local(c *claim, rankName, worldName string) (err error) {
	if c.LocalRank, err = e.number(rankName, 0); err != nil {
		return err
	}
	c.localName = rankName
	c.LocalWorld = c.LocalRank + 1
	if e.has(worldName) {
		c.LocalWorld, err = e.number(worldName, 1)
	}
	return err
}

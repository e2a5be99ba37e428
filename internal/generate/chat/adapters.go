package chat

import (
	"fmt"
	"strconv"
	"strings"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

// Adapters are what the model can write with.
type Adapters interface {
	// List returns them, the newest first.
	List() ([]Adapter, error)
	// Has reports whether there is one of a name that need not be in the list.
	Has(name string) bool
	// Use changes to one by its name, and returns what writes from then on and the people that it was trained on.
	Use(name string) (generate.Writer, []string, error)
}

// Adapter is one of them.
type Adapter struct {
	Name  string
	Notes string // its step, held-out loss and date
	Used  bool
}

// chooseAdapter lists the adapters, or changes to one by its name, its number in the list, or its folder elsewhere.
func (d *Dialogue) chooseAdapter(given string) {
	if d.Adapters == nil {
		d.say("the model of the server has no adapters to change between")
		return
	}
	list, err := d.Adapters.List()
	if err != nil {
		d.explain(err)
		return
	}
	if given == "" {
		d.listAdapters(list)
		return
	}
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	name, found := usererr.Match(given, names)
	if n, err := strconv.Atoi(given); !found && err == nil && n >= 1 && n <= len(list) {
		name, found = names[n-1], true
	}
	if !found && d.Adapters.Has(given) {
		name, found = given, true
	}
	if !found {
		d.explain(usererr.Suggest(fmt.Errorf("there is no adapter %q", given), given, names, "/adapter %s", "/adapter lists them"))
		return
	}
	writer, trained, err := d.Adapters.Use(name)
	if err != nil {
		d.explain(err)
		return
	}
	d.writer, d.Trained = writer, trained
	d.say("the model writes with %s", name)
}

func (d *Dialogue) listAdapters(list []Adapter) {
	if len(list) == 0 {
		d.say("there is no adapter; vqctl train makes one")
		return
	}
	for i, a := range list {
		mark := " "
		if a.Used {
			mark = "*"
		}
		d.say("%s %d  %s", mark, i+1, strings.TrimSpace(a.Name+"  "+a.Notes))
	}
	d.say("* is in use; /adapter NAME or a number changes it")
}

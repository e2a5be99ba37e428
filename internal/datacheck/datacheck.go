// Package datacheck finds what ruins a training run before its first step: too little of something, or too much of one thing.
//
// In: the windows of a run, one at a time. Out: findings, each with what is wrong and what to do. It must not know: where windows
// come from, how a model learns from them.
package datacheck

import (
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// The kinds of findings.
const (
	FewTargets   = "few_targets"    // to train on, in all
	FewOfPerson  = "few_of_person"  // of some people
	OnePerson    = "one_person"     // wrote nearly all
	NonText      = "non_text"       // most targets are not text
	Duplicates   = "duplicates"     // many targets are the same text
	Leak         = "leak"           // held-out messages are trained on, too
	NoneHeldOut  = "none_held_out"  // there is nothing to evaluate on
	HeldOutSmall = "held_out_small" // too little to decide anything
)

// Limits from which on there is a finding.
const (
	fewTargets       = 200  // to train on
	fewOfPerson      = 50   // of a person
	mostOfPerson     = 0.95 // of all targets
	mostNonText      = 0.5
	mostDuplicates   = 0.1
	mostLeaked       = 0.1
	leastHeldOut     = 200 // held-out messages
	shortestRepeated = 20  // characters: shorter texts, such as "ok", are repeated by everyone
	namesShown       = 5
)

// spreadOfDifference is the standard deviation, over messages, of how much the losses of two adapters differ, in nats per token,
// where their means differ by as much as settings do. With it, the standard error of a difference on n messages is this / sqrt(n).
const spreadOfDifference = 0.3

// Finding is something that ruins a run, or makes its result worth less than it seems.
type Finding struct {
	Kind    string   `json:"kind"`
	Problem string   `json:"problem"`
	Advice  string   `json:"advice"`
	People  []string `json:"people,omitempty"` // that it is about
	Share   float64  `json:"share,omitempty"`  // of the targets, or of the held-out messages
	Count   int      `json:"count"`            // of what it is about: targets, held-out messages, or people
}

// Checker counts the targets of windows.
type Checker struct {
	targets  int
	heldOut  int
	nonText  int
	byPerson map[string]int
	texts    map[line]int // how often each text is a target to train on
	repeated int          // targets whose text was a target before
	heldText []line
	kinds    map[string]int // content types other than text
}

// line is a text of a person.
type line struct{ name, text string }

// New returns a checker of windows among these people, who may have no targets at all.
func New(people []string) *Checker {
	c := &Checker{byPerson: make(map[string]int, len(people)), texts: make(map[line]int), kinds: make(map[string]int)}
	for _, name := range people {
		c.byPerson[name] = 0
	}
	return c
}

// Add counts the targets of a window.
func (c *Checker) Add(w *windows.Window, heldOut bool) {
	for _, l := range w.TargetLines() {
		m, err := windows.ParseMessage(l.Text)
		if err != nil {
			continue // reading the window reports it
		}
		key, long := line{m.Name, m.Text}, len([]rune(m.Text)) >= shortestRepeated
		if heldOut {
			c.heldOut++
			if long {
				c.heldText = append(c.heldText, key)
			}
			continue
		}
		c.targets++
		c.byPerson[m.Name]++
		if m.ContentType != windows.ContentTypes[0] {
			c.nonText++
			c.kinds[m.ContentType]++
		} else if long {
			if c.texts[key] > 0 {
				c.repeated++
			}
			c.texts[key]++
		}
	}
}

// Findings returns what was found, what is worst first.
func (c *Checker) Findings() []Finding {
	list := []Finding{}
	for _, check := range []func() *Finding{c.fewTargets, c.onePerson, c.nonTexts, c.duplicates, c.fewOfPerson, c.noneHeldOut, c.heldOutSmall, c.leak} {
		if f := check(); f != nil {
			list = append(list, *f)
		}
	}
	return list
}

func (c *Checker) share(n int) float64 { return float64(n) / float64(max(1, c.targets)) }

func (c *Checker) fewTargets() *Finding {
	if c.targets >= fewTargets {
		return nil
	}
	return &Finding{Kind: FewTargets, Count: c.targets,
		Problem: fmt.Sprintf("there are only %s to train on: the model will repeat them rather than learn how anyone writes", terminal.Quantity(c.targets, "target message")),
		Advice:  "collect more messages, or list more people in the contacts file"}
}

func (c *Checker) onePerson() *Finding {
	for name, n := range c.byPerson {
		if share := c.share(n); share >= mostOfPerson && len(c.byPerson) > 1 {
			return &Finding{Kind: OnePerson, Count: n, Share: share, People: []string{name},
				Problem: fmt.Sprintf("%s wrote %.0f%% of the targets: everyone else will sound like %s", name, 100*share, name),
				Advice:  "check that the addresses in the contacts file and USER_IDENTIFIERS belong to the right people, or add conversations in which others write"}
		}
	}
	return nil
}

func (c *Checker) nonTexts() *Finding {
	share := c.share(c.nonText)
	if share < mostNonText {
		return nil
	}
	most := ""
	for kind, n := range c.kinds {
		if n > c.kinds[most] || n == c.kinds[most] && kind < most {
			most = kind
		}
	}
	return &Finding{Kind: NonText, Count: c.nonText, Share: share,
		Problem: fmt.Sprintf("%.0f%% of the targets are not text, most of them of type %q: the model will mostly learn to write those", 100*share, most),
		Advice:  "describe attachments with `vqctl describe`, or add conversations that are written"}
}

func (c *Checker) duplicates() *Finding {
	share := c.share(c.repeated)
	if share < mostDuplicates {
		return nil
	}
	most := line{}
	for l, n := range c.texts {
		if n > c.texts[most] || n == c.texts[most] && (l.name+l.text) < (most.name+most.text) {
			most = l
		}
	}
	return &Finding{Kind: Duplicates, Count: c.repeated, Share: share, People: []string{most.name},
		Problem: fmt.Sprintf("%.0f%% of the targets repeat an earlier one word for word (%s wrote %q %d times): the model will learn these by heart",
			100*share, most.name, shortened(most.text), c.texts[most]),
		Advice: "look for automatic messages, or for a history that was collected twice; leave such a sender out of the contacts file"}
}

func (c *Checker) fewOfPerson() *Finding {
	f := Finding{Kind: FewOfPerson, Advice: "do not expect these people to sound like themselves; if one has several addresses, check that all are in the contacts file"}
	if c.targets < fewTargets {
		return nil // everyone has few
	}
	for name, n := range c.byPerson {
		if n < fewOfPerson {
			f.People = append(f.People, name)
		}
	}
	if f.Count = len(f.People); f.Count == 0 {
		return nil
	}
	slices.SortFunc(f.People, func(a, b string) int {
		if d := c.byPerson[b] - c.byPerson[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	shown := make([]string, 0, namesShown)
	for _, name := range f.People[:min(namesShown, f.Count)] {
		shown = append(shown, fmt.Sprintf("%s (%d)", name, c.byPerson[name]))
	}
	more := ""
	if f.Count > namesShown {
		more = fmt.Sprintf(" and %d more", f.Count-namesShown)
	}
	f.Problem = fmt.Sprintf("%s fewer than %d targets: %s%s", have(f.Count), fewOfPerson, strings.Join(shown, ", "), more)
	return &f
}

func have(people int) string {
	if people == 1 {
		return "1 person has"
	}
	return terminal.Count(int64(people)) + " people have"
}

func (c *Checker) noneHeldOut() *Finding {
	if c.heldOut > 0 {
		return nil
	}
	return &Finding{Kind: NoneHeldOut,
		Problem: "no message is held out, so nothing shows if the run learns or overfits, and no best adapter is kept",
		Advice:  fmt.Sprintf("more messages per conversation, or a smaller %v of preprocess, leave some to hold out", usererr.Option("stride"))}
}

func (c *Checker) heldOutSmall() *Finding {
	if c.heldOut == 0 || c.heldOut >= leastHeldOut {
		return nil
	}
	return &Finding{Kind: HeldOutSmall, Count: c.heldOut,
		Problem: fmt.Sprintf("only %s held out: a difference of two held-out losses below about %.2f is chance (two standard errors), and settings usually differ by less",
			heldOutMessages(c.heldOut), 2*StandardError(c.heldOut)),
		Advice: "take the held-out loss as a rough sign; do not choose settings by it"}
}

func heldOutMessages(n int) string {
	if n == 1 {
		return "1 message is"
	}
	return terminal.Count(int64(n)) + " messages are"
}

func (c *Checker) leak() *Finding {
	leaked := 0
	for _, l := range c.heldText {
		if c.texts[l] > 0 {
			leaked++
		}
	}
	share := float64(leaked) / float64(max(1, c.heldOut))
	if share < mostLeaked {
		return nil
	}
	return &Finding{Kind: Leak, Count: leaked, Share: share,
		Problem: fmt.Sprintf("%.0f%% of the held-out messages are also trained on, word for word: the held-out loss will look better than it is", 100*share),
		Advice:  "look for automatic messages, or for a history that was collected twice"}
}

// shortened returns the beginning of a text.
func shortened(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// Package report writes a web page about training runs: loss curves, the held-out loss per person, samples, settings.
//
// In: the logs of runs (runlog). Out: one HTML page that loads nothing: no script, no network, no fonts. Names and texts on it are
// text, whatever they contain. It must not know: where runs are looked for, how a model is trained.
package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/runlog"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/webpage"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
)

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"style": func() template.CSS { return webpage.Style() + template.CSS(pageStyle) },
	"some":  terminal.Quantity[int],
	"count": func(n int) string { return terminal.Count(int64(n)) },
}).Parse(pageText))

// Run is a run on the page.
type Run struct {
	Title string // its name, else its folder
	State string // in a word: "finished"
	Log   *runlog.Log
}

// Write writes the page.
func Write(out io.Writer, runs []Run, now time.Time) error {
	return page.Execute(out, newContent(runs, now))
}

// content is what the page shows.
type content struct {
	Title    string
	Written  string
	Runs     []summary
	Measured []summary // those with losses per person
	HeldOut  template.HTML
	Training template.HTML
	Small    []template.HTML // rate, learning rate, gradient norm, memory
	Evals    [][]string      // a row per evaluation: run, step, loss, perplexity
	People   []person
	Samples  []sample
	Settings []setting
}

// summary is what is said about a run.
type summary struct {
	Color string // class
	Title string
	State string
	Facts []string
}

// person is a row of the table of people.
type person struct {
	Name   string
	Tokens string
	Cells  []string // for each run of Measured: base, latest, change
	Spark  template.HTML
}

// sample is a held-out message with what was written in its place.
type sample struct {
	Number  int
	Context []runlog.Line
	Real    runlog.Line
	Written []written
}

type written struct{ Color, Run, By, Text string }

// setting is a setting of the runs.
type setting struct {
	Name    string
	Values  []string
	Differs bool
}

func newContent(runs []Run, now time.Time) *content {
	c := &content{Title: "Training run", Written: now.Format("2 January 2006, 15:04")}
	if len(runs) > 1 {
		c.Title = fmt.Sprintf("%d training runs", len(runs))
	} else if len(runs) == 1 {
		c.Title = runs[0].Title
	}
	for i, r := range runs {
		c.Runs = append(c.Runs, summary{colorOf(i), r.Title, r.State, factsOf(r.Log)})
		for _, e := range r.Log.Evaluations {
			c.Evals = append(c.Evals, []string{r.Title, by(e.Step), fmt.Sprintf("%.4f", e.Loss), perplexity(e.Loss)})
		}
	}
	c.HeldOut = chart("Held-out loss by optimizer step", runs, heldOut, dots)
	c.Training = chart("Training loss by optimizer step", runs, func(l *runlog.Log) []point { return ofSteps(l, func(m runlog.Metrics) float64 { return m.Loss }) }, noisy)
	for _, small := range []struct {
		title string
		value func(m runlog.Metrics) float64
	}{
		{"Tokens per second", func(m runlog.Metrics) float64 { return m.TokensPerSecond }},
		{"Learning rate", func(m runlog.Metrics) float64 { return m.LearningRate }},
		{"Gradient norm", func(m runlog.Metrics) float64 { return m.GradNorm }},
		{"Memory of the process, MiB", func(m runlog.Metrics) float64 { return float64(m.Memory) / (1 << 20) }},
	} {
		drawn := chart(small.title, runs, func(l *runlog.Log) []point { return ofSteps(l, small.value) }, lines)
		c.Small = append(c.Small, template.HTML("<h3>"+template.HTMLEscapeString(small.title)+"</h3>")+drawn)
	}
	measured := []int{}
	for i, r := range runs {
		if len(r.Log.People()) > 0 {
			measured = append(measured, i)
			c.Measured = append(c.Measured, c.Runs[i])
		}
	}
	c.People, c.Samples, c.Settings = peopleOf(runs, measured), samplesOf(runs), settingsOf(runs)
	return c
}

// factsOf returns sentences about a run.
func factsOf(l *runlog.Log) (facts []string) {
	base, last, best := l.Base(), l.Last(), l.Best()
	switch {
	case last != nil && base != nil && base.Loss > 0:
		facts = append(facts, fmt.Sprintf("Held-out loss %.4f after step %s, %s the base model's %.4f (perplexity %s, was %s).", last.Loss,
			terminal.Count(int64(last.Step)), comparedTo(base.Loss, last.Loss), base.Loss, perplexity(last.Loss), perplexity(base.Loss)))
	case last != nil:
		facts = append(facts, fmt.Sprintf("Held-out loss %.4f after step %s (perplexity %s).", last.Loss, terminal.Count(int64(last.Step)), perplexity(last.Loss)))
	case base != nil:
		facts = append(facts, fmt.Sprintf("Held-out loss of the base model %.4f.", base.Loss))
	}
	if best != nil && best.Step != last.Step {
		facts = append(facts, fmt.Sprintf("Its lowest held-out loss was %.4f, after step %s.", best.Loss, terminal.Count(int64(best.Step))))
	}
	if step, total := l.Step(), l.TotalSteps(); total > 0 {
		facts = append(facts, fmt.Sprintf("%s of %s optimizer steps are done.", terminal.Count(int64(step)), terminal.Count(int64(total))))
	}
	if n := len(l.Steps); n > 0 {
		m := l.Steps[n-1]
		facts = append(facts, fmt.Sprintf("Epoch %.2f, training loss %.4f, %s.", m.Epoch, m.Loss, terminal.Rate(m.TokensPerSecond, "tokens")))
	}
	if l.Done != nil {
		facts = append(facts, fmt.Sprintf("The last command took %s.", terminal.Duration(time.Duration(min(max(l.Done.Seconds, 0), 1e9)*float64(time.Second)))))
	}
	if n := len(l.Starts); n > 0 {
		s := l.Starts[n-1]
		facts = append(facts, fmt.Sprintf("%s to train on, %s held out; base model %s; on %s.", terminal.Quantity(s.Windows, "window"), terminal.Count(int64(s.HeldOutWindows)), s.BaseModel, s.Machine.Device))
	}
	return facts
}

// comparedTo compares a loss with an earlier one.
func comparedTo(from, to float64) string {
	percent := 100 * (to/from - 1)
	if percent > 0 {
		return fmt.Sprintf("%.1f%% above", percent)
	}
	return fmt.Sprintf("%.1f%% below", -percent)
}

// perplexity returns e to a loss.
func perplexity(loss float64) string {
	if loss > 30 {
		return "over 1e13"
	}
	return fmt.Sprintf("%.3f", math.Exp(loss))
}

// by says after which step something was measured.
func by(step int) string {
	if step == 0 {
		return "base model"
	}
	return "step " + terminal.Count(int64(step))
}

// peopleOf returns the table of people: those with the most target tokens first. measured are the runs that have losses per person.
func peopleOf(runs []Run, measured []int) (list []person) {
	seen := map[string]bool{}
	for _, r := range runs {
		for _, name := range r.Log.People() {
			if !seen[name] {
				seen[name] = true
				list = append(list, personOf(runs, measured, name))
			}
		}
	}
	return list
}

func personOf(runs []Run, measured []int, name string) person {
	p := person{Name: name}
	for _, i := range measured {
		r := runs[i]
		base, _ := lossOf(r.Log.Base(), name)
		last, tokens := lossOf(r.Log.Last(), name)
		if p.Tokens == "" && tokens > 0 {
			p.Tokens = terminal.Count(int64(tokens))
		}
		changed := "–"
		if base != nil && last != nil && *base > 0 {
			changed = fmt.Sprintf("%+.1f%%", 100*(*last / *base - 1))
		}
		p.Cells = append(p.Cells, text(base), text(last), strings.Replace(changed, "-", "−", 1))
		var way []point
		for _, e := range r.Log.Evaluations {
			if loss, _ := lossOf(&e, name); loss != nil {
				way = append(way, point{float64(e.Step), *loss})
			}
		}
		p.Spark += spark(way, colorOf(i))
	}
	return p
}

func lossOf(e *runlog.Evaluation, name string) (loss *float64, tokens int) {
	if e == nil {
		return nil, 0
	}
	f, in := e.PerContact[name]
	if !in || !runlog.Finite(f.Loss) {
		return nil, 0
	}
	return &f.Loss, f.TargetTokens
}

func text(loss *float64) string {
	if loss == nil {
		return "–"
	}
	return fmt.Sprintf("%.4f", *loss)
}

// samplesOf returns the samples by number, of each run in the order of the steps.
func samplesOf(runs []Run) (list []sample) {
	at := map[int]int{}
	for i, r := range runs {
		for _, s := range r.Log.Samples {
			k, seen := at[s.Number]
			if !seen {
				k = len(list)
				at[s.Number] = k
				list = append(list, sample{Number: s.Number, Context: s.Context, Real: s.Real})
			}
			list[k].Written = append(list[k].Written, written{colorOf(i), r.Title, by(s.Step), s.Text})
		}
	}
	slices.SortStableFunc(list, func(a, b sample) int { return a.Number - b.Number })
	return list
}

// settingsOf returns the settings of the runs, those that differ first.
func settingsOf(runs []Run) (list []setting) {
	values := make([]map[string]string, len(runs))
	names := map[string]bool{}
	for i, r := range runs {
		values[i] = map[string]string{}
		if n := len(r.Log.Starts); n > 0 {
			for name, value := range fieldsOf(&r.Log.Starts[n-1]) {
				values[i][name], names[name] = value, true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		s := setting{Name: name}
		for i := range runs {
			s.Values = append(s.Values, values[i][name])
			s.Differs = s.Differs || values[i][name] != values[0][name]
		}
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b setting) int {
		switch {
		case a.Differs == b.Differs:
			return 0
		case a.Differs:
			return -1
		}
		return 1
	})
	return list
}

// fieldsOf returns the settings of a run as text.
func fieldsOf(s *runlog.Start) map[string]string {
	fields := map[string]string{
		"base model": s.BaseModel, "base fingerprint": s.BaseFingerprint, "data fingerprint": s.DataFingerprint,
		"windows": terminal.Count(int64(s.Windows)), "windows held out": terminal.Count(int64(s.HeldOutWindows)),
		"tokens per epoch": terminal.Count(s.Tokens), "target tokens per epoch": terminal.Count(s.TargetTokens),
		"machine": s.Machine.Device, "instructions": s.Machine.Instructions, "threads": terminal.Count(int64(s.Machine.Threads)),
		"memory": terminal.Bytes(s.Machine.Memory), "memory planned": terminal.Bytes(s.Machine.Planned), "system": s.Machine.System, "program": s.Machine.Program,
	}
	for prefix, group := range map[string]map[string]any{"lora ": s.LoRA, "": s.Options, " ": s.Settings} {
		for name, value := range group {
			if _, nested := value.(map[string]any); nested {
				continue // paths of the command
			}
			encoded, err := json.Marshal(value)
			if err == nil {
				fields[strings.TrimSpace(prefix+strings.ReplaceAll(name, "_", " "))] = strings.Trim(string(encoded), `"`)
			}
		}
	}
	return fields
}

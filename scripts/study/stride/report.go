package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"

	"ventriloquist/internal/atomicfile"
)

// setting is what runs that differ in their seeds alone have in common.
type setting struct {
	Chat           string
	Window, Stride int
	Epochs, Tokens float64
	Phase          string
}

// series is runs of the same length on the same windows, with different strides: a line of the plot.
type series struct {
	Chat           string
	Window         int
	Epochs, Tokens float64
	Phase          string
}

func (s series) length() string {
	if s.Tokens > 0 {
		return fmt.Sprintf("%.3g tokens", s.Tokens)
	}
	if s.Epochs == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%g epochs", s.Epochs)
}

// point is a stride of a series, at its best learning rate.
type point struct {
	stride int
	rate   float64
	rates  []float64 // that were tried
	runs   group
	loss   interval
	more   interval // the difference from the smallest stride, on the same messages
}

// report writes the tables to standard output, and the plot to a file.
func report(results, plotFile string) error {
	all, err := readResults(results)
	if err != nil {
		return err
	}
	lines := linesOf(all)
	keys := slices.SortedFunc(maps.Keys(lines), func(a, b series) int {
		return cmp.Or(cmp.Compare(a.Chat, b.Chat), cmp.Compare(a.Window, b.Window), cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Tokens, b.Tokens), cmp.Compare(a.Epochs, b.Epochs))
	})
	out := os.Stdout
	for _, r := range all {
		if r.Stride == 0 {
			fmt.Fprintf(out, "%s, windows of %d messages: the held-out loss of the base model is %.4f\n", r.Chat, r.Window, r.Loss)
		}
	}
	for _, key := range keys {
		printTable(out, key, lines[key])
	}
	printContexts(out, all)
	printPeople(out, lines, keys)
	return atomicfile.Write(plotFile, func(w io.Writer) error { return plot(w, keys, lines) })
}

// linesOf groups results, and picks the best learning rate of each stride.
func linesOf(all []*result) map[series][]point {
	groups := map[setting]map[float64]group{}
	for _, r := range all {
		if r.Stride == 0 {
			continue // the base model
		}
		s := setting{r.Chat, r.Window, r.Stride, r.Epochs, r.Tokens, r.Phase}
		if groups[s] == nil {
			groups[s] = map[float64]group{}
		}
		groups[s][r.Rate] = append(groups[s][r.Rate], r)
	}
	lines := map[series][]point{}
	for s, byRate := range groups {
		p := point{stride: s.Stride, rates: slices.Sorted(maps.Keys(byRate))}
		for _, rate := range p.rates {
			if p.runs == nil || byRate[rate].loss() < p.runs.loss() {
				p.rate, p.runs = rate, byRate[rate]
			}
		}
		p.loss = lossInterval(p.runs)
		key := series{s.Chat, s.Window, s.Epochs, s.Tokens, s.Phase}
		lines[key] = append(lines[key], p)
	}
	for _, points := range lines {
		slices.SortFunc(points, func(a, b point) int { return cmp.Compare(a.stride, b.stride) })
		for i := range points[1:] {
			points[i+1].more = differenceInterval(points[i+1].runs, points[0].runs)
		}
	}
	return lines
}

func printTable(out io.Writer, key series, points []point) {
	cuts := ""
	if key.Phase == randomPhase {
		cuts = ", cut anew in each epoch"
	}
	fmt.Fprintf(out, "\n%s, windows of %d messages, %s%s\n\n", key.Chat, key.Window, key.length(), cuts)
	fmt.Fprintln(out, "| stride | tokens read | targets seen | learning rate | of those tried | seeds | held-out loss | more than with the smallest stride |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|")
	for _, p := range points {
		first := p.runs[0]
		difference := "-"
		if p.stride != points[0].stride {
			difference = fmt.Sprintf("%+.4f (%+.4f to %+.4f)", p.more.mean, p.more.low, p.more.high)
		}
		fmt.Fprintf(out, "| %d | %.3g | %d | %g | %d | %d | %.4f (%.4f to %.4f) | %s |\n", p.stride, float64(first.Read), first.Learned, p.rate, len(p.rates), len(p.runs),
			p.loss.mean, p.loss.low, p.loss.high, difference)
	}
	for _, p := range points {
		if left := p.runs[0].LeftOut; left > 0 {
			fmt.Fprintf(out, "\nWith a stride of %d, %d targets were left out: those of a window alone are more than %d tokens.\n", p.stride, left, maxTokens)
		}
	}
}

// printContexts prints the losses with fewer messages before the held-out ones.
func printContexts(out io.Writer, all []*result) {
	first := true
	for _, r := range all {
		if r.Shorter == nil {
			continue
		}
		if first {
			fmt.Fprint(out, "\nHeld-out loss by the messages before the target\n\n| run | messages before: loss |\n|---|---|\n")
			first = false
		}
		fmt.Fprintf(out, "| %s |", r.name())
		before := slices.SortedFunc(maps.Keys(r.Shorter), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
		for _, b := range before {
			fmt.Fprintf(out, " %s: %.4f,", b, r.Shorter[b])
		}
		fmt.Fprintf(out, " %d: %.4f |\n", r.Window-1, r.Loss)
	}
}

// fewMessages is how many held-out messages a person needs for a row of the table.
const fewMessages = 8

// printPeople prints the loss of each person with enough held-out messages, for the strides of the first series.
func printPeople(out io.Writer, lines map[series][]point, keys []series) {
	for _, key := range keys {
		if key.Epochs != 1 || key.Phase != fixedPhase {
			continue
		}
		fmt.Fprintf(out, "\n%s, windows of %d messages, %s: loss by person\n\n| person | messages |", key.Chat, key.Window, key.length())
		rule := "|---|---|"
		for _, p := range lines[key] {
			fmt.Fprintf(out, " stride %d |", p.stride)
			rule += "---|"
		}
		fmt.Fprintln(out, "\n"+rule)
		messages := map[string]int{}
		for _, s := range lines[key][0].runs[0].HeldOut {
			messages[s.Author]++
		}
		for _, name := range slices.Sorted(maps.Keys(messages)) {
			if messages[name] < fewMessages {
				continue
			}
			row := "| " + name + " | " + strconv.Itoa(messages[name]) + " |"
			for _, p := range lines[key] {
				row += fmt.Sprintf(" %.3f |", lossOf(p.runs, name))
			}
			fmt.Fprintln(out, row)
		}
	}
}

// lossOf is the mean loss of one person's messages over the runs.
func lossOf(runs group, name string) float64 {
	var scores []score
	for _, r := range runs {
		for _, s := range r.HeldOut {
			if s.Author == name {
				scores = append(scores, s)
			}
		}
	}
	return meanLoss(scores)
}

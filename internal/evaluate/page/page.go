// Package page writes an evaluation as a web page.
//
// In: an evaluate.Report. Out: one HTML page that loads nothing: no script, no network, no fonts. It must not know: how anything is
// measured.
package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"time"

	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/evaluate/interval"
	"ventriloquist/internal/evaluate/style"
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
}).Parse(pageText))

// Write writes the page.
func Write(out io.Writer, r *evaluate.Report, now time.Time) error {
	return page.Execute(out, newContent(r, now))
}

// content is what the page shows.
type content struct {
	Written string
	Facts   []string
	Models  []string // as column titles; none for a single model
	Figures []row
	People  []row
	Sure    []plot // a reliability plot per model
	Length  []row
	Taken   *matrix // who is taken for whom, by the first model
	Style   template.HTML
	Leaks   []string
}

// row is a row of a table.
type row struct {
	Name  string
	Cells []string
}

type plot struct {
	Title string
	SVG   template.HTML
}

// matrix has the messages by author and guess.
type matrix struct {
	Names []string
	Rows  []row
}

func newContent(r *evaluate.Report, now time.Time) *content {
	models := append([]*evaluate.Report{r}, r.Others...)
	c := &content{Written: now.Format("2 January 2006, 15:04"), Figures: figuresOf(models), People: peopleOf(models)}
	if len(models) > 1 {
		for _, m := range models {
			c.Models = append(c.Models, m.Name)
		}
	}
	c.Facts = append(c.Facts, fmt.Sprintf("%s in %s, held out from training.", terminal.Quantity(r.TargetTokens, "target token"), terminal.Quantity(r.Windows, "window")))
	for _, d := range r.Differences {
		c.Facts = append(c.Facts, d.String())
	}
	for _, d := range r.StyleDifferences {
		c.Facts = append(c.Facts, d.String())
	}
	for _, m := range models {
		if d := m.WhoSaidItDetail; d != nil {
			c.Sure = append(c.Sure, plot{m.Name, reliability(d.Reliability)})
		}
		if m.Canaries != nil {
			c.Leaks = append(c.Leaks, title(m, m.Canaries.Words()))
		}
		if m.Leaks != nil {
			c.Leaks = append(c.Leaks, title(m, m.Leaks.Verdict.Words()))
		}
	}
	if d := r.WhoSaidItDetail; d != nil {
		c.Length, c.Taken = lengthsOf(d), newMatrix(d.Confusion)
	}
	if r.Style != nil && len(r.Style.All) > 0 {
		c.Style = distances(models)
	}
	return c
}

// title puts the name of a model before a sentence, if there are several.
func title(m *evaluate.Report, sentence string) string {
	if m.Name == "" {
		return sentence
	}
	return m.Name + ": " + sentence
}

// figuresOf returns the table of figures, with a cell per model and what to compare with.
func figuresOf(models []*evaluate.Report) (rows []row) {
	add := func(name string, cell func(m *evaluate.Report) string, against string) {
		r := row{Name: name}
		for _, m := range models {
			r.Cells = append(r.Cells, cell(m))
		}
		rows = append(rows, row{name, append(r.Cells, against)})
	}
	first := models[0]
	add("Perplexity", func(m *evaluate.Report) string { return number(m.Perplexity, m.Interval.Perplexity) }, "lower is better")
	if w := first.WhoSaidIt; w != nil {
		add("Who said it", func(m *evaluate.Report) string { return percent(m.WhoSaidIt.Accuracy, m.WhoSaidItDetail.Accuracy) },
			fmt.Sprintf("chance %.0f%%", 100*w.Chance))
		add("Who said it, with context", func(m *evaluate.Report) string {
			return percent(m.WhoSaidItDetail.WithContext, m.WhoSaidItDetail.WithContextInterval)
		}, fmt.Sprintf("majority %.0f%%", 100*w.Majority))
		add("Calibration error", func(m *evaluate.Report) string { return fmt.Sprintf("%.3f", m.WhoSaidIt.ECE) }, "0 is best")
	}
	if first.NextMessage != nil {
		for _, f := range []struct {
			name string
			of   func(n *evaluate.NextMessage) *evaluate.Foresight
		}{
			{"Who writes next, log-loss", func(n *evaluate.NextMessage) *evaluate.Foresight { return &n.Speaker }},
			{"How soon, log-loss", func(n *evaluate.NextMessage) *evaluate.Foresight { return &n.Delay }},
			{"A reaction or none, log-loss", func(n *evaluate.NextMessage) *evaluate.Foresight { return &n.Reaction }},
			{"What kind, log-loss", func(n *evaluate.NextMessage) *evaluate.Foresight { return &n.ContentType }},
		} {
			add(f.name, func(m *evaluate.Report) string { return fmt.Sprintf("%.3f", f.of(m.NextMessage).LogLoss) },
				fmt.Sprintf("by frequency %.3f", f.of(first.NextMessage).FrequencyLogLoss))
		}
		if t := first.NextMessage.ReplyTimes; t != nil && len(t.PerContact) > 0 {
			add("Reply times, distance in classes", func(m *evaluate.Report) string {
				return number(m.NextMessage.ReplyTimes.Distance, m.NextMessage.ReplyTimes.Interval)
			}, fmt.Sprintf("floor %.3f, ceiling %.3f", t.Floor, t.Ceiling))
		}
	}
	if first.Leaks != nil {
		for i, copies := range first.Leaks.Copies {
			add(fmt.Sprintf("Copies of %d characters or more", copies.Characters), func(m *evaluate.Report) string {
				of := m.Leaks.Copies[i]
				return percent(of.Written, of.Interval)
			}, "real messages "+percent(copies.Real, copies.RealRange))
		}
	}
	return rows
}

// peopleOf returns the perplexity of each person.
func peopleOf(models []*evaluate.Report) (rows []row) {
	for _, name := range slices.Sorted(maps.Keys(models[0].PerContact)) {
		r := row{Name: name}
		for _, m := range models {
			f := m.PerContact[name]
			r.Cells = append(r.Cells, number(f.Perplexity, f.Interval.Perplexity))
		}
		rows = append(rows, row{name, append(r.Cells, terminal.Count(int64(models[0].PerContact[name].TargetTokens)))})
	}
	return rows
}

func lengthsOf(d *evaluate.AuthorDetail) (rows []row) {
	for _, f := range d.ByLength {
		name := fmt.Sprintf("%d to %d characters", f.From, f.To)
		if f.To == 0 {
			name = fmt.Sprintf("%d characters and more", f.From)
		}
		rows = append(rows, row{name, []string{terminal.Count(int64(f.Messages)), percent(f.Accuracy, f.Interval), fmt.Sprintf("%.0f%%", 100*f.Chance)}})
	}
	return rows
}

func newMatrix(confusion map[string]map[string]int) *matrix {
	seen := map[string]bool{}
	for author, guesses := range confusion {
		seen[author] = true
		for guess := range guesses {
			seen[guess] = true
		}
	}
	m := &matrix{Names: slices.Sorted(maps.Keys(seen))}
	for _, author := range m.Names {
		if confusion[author] == nil {
			continue
		}
		r := row{Name: author}
		for _, guess := range m.Names {
			cell := ""
			if n := confusion[author][guess]; n > 0 {
				cell = terminal.Count(int64(n))
			}
			r.Cells = append(r.Cells, cell)
		}
		m.Rows = append(m.Rows, r)
	}
	return m
}

// number formats a figure with its interval.
func number(x float64, i *interval.Interval) string {
	if i == nil {
		return fmt.Sprintf("%.3f", x)
	}
	return fmt.Sprintf("%.3f (%.3f to %.3f)", x, i[0], i[1])
}

func percent(x float64, i *interval.Interval) string {
	if i == nil {
		return fmt.Sprintf("%.0f%%", 100*x)
	}
	return fmt.Sprintf("%.0f%% (%.0f to %.0f%%)", 100*x, 100*i[0], 100*i[1])
}

// distancesOf returns the distances of a model in a feature.
func distancesOf(m *evaluate.Report, feature string) *style.Distances {
	if m.Style == nil {
		return nil
	}
	d, measured := m.Style.All[feature]
	if !measured {
		return nil
	}
	return &d
}

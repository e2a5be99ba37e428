package privacy_test

import (
	"strings"
	"testing"

	"ventriloquist/internal/demo"
)

// BenchmarkRedact redacts the bundled chat.
func BenchmarkRedact(b *testing.B) {
	lines, err := demo.Chat()
	if err != nil {
		b.Fatal(err)
	}
	r := newRedactor().WithRegions([]string{"GB", "DE", "FR"})
	done := 0
	for b.Loop() {
		for _, l := range lines {
			r.Text(l.Text)
		}
		done += len(lines)
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkRecall reports recall and precision on the labeled lines that no rule was tuned on, in percent: over all, by kind, and
// recall by what a value is.
func BenchmarkRecall(b *testing.B) {
	lines := labeledLines(b)
	var s scores
	for b.Loop() {
		s = score(lines, func(labeledLine, string, string) {})
	}
	for what, t := range s["held-out"] {
		name := strings.Map(func(c rune) rune {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
				return c
			}
			return -1
		}, strings.TrimPrefix(what, "kind "))
		if strings.HasPrefix(what, "kind ") || what == "all" {
			b.ReportMetric(t.precision(), "precision/"+name)
		}
		if !strings.HasPrefix(what, "kind ") || what == "kind "+name {
			b.ReportMetric(t.recall(), "recall/"+name)
		}
	}
}

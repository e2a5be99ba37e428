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

// BenchmarkRecall reports recall and precision on each set of labeled lines that was written before a rule was tried on it, in
// percent: over all, by kind, and recall by what a value is.
func BenchmarkRecall(b *testing.B) {
	lines := labeledLines(b)
	var s scores
	for b.Loop() {
		s = score(lines, func(labeledLine, string, string) {})
	}
	for _, set := range untunedSets {
		for what, t := range s[set] {
			name := strings.Map(func(c rune) rune {
				if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
					return c
				}
				return -1
			}, strings.TrimPrefix(what, "kind "))
			if strings.HasPrefix(what, "kind ") || what == "all" {
				b.ReportMetric(t.precision(), "precision/"+set+"/"+name)
			}
			if !strings.HasPrefix(what, "kind ") || what == "kind "+name {
				b.ReportMetric(t.recall(), "recall/"+set+"/"+name)
			}
		}
	}
}

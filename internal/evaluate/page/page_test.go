package page

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/evaluate/interval"
	"ventriloquist/internal/evaluate/leaks"
	"ventriloquist/internal/evaluate/style"
)

func report(name string) *evaluate.Report {
	i := &interval.Interval{0.2, 0.6}
	figures := evaluate.Figures{Windows: 4, TargetTokens: 100, Perplexity: 3.5, Interval: &evaluate.FiguresInterval{Perplexity: &interval.Interval{3, 4}}}
	r := &evaluate.Report{Name: name, Figures: figures, WhoSaidIt: &evaluate.WhoSaidIt{Chance: 0.5}, NextMessage: new(evaluate.NextMessage),
		PerContact: map[string]evaluate.Figures{"<Ann>": figures}}
	r.WhoSaidItDetail = &evaluate.AuthorDetail{Accuracy: i, Reliability: []evaluate.ReliabilityBin{{Messages: 9, Confidence: 0.4, Accuracy: 0.5, Interval: i}},
		Confusion: map[string]map[string]int{"<Ann>": {"Ben": 3}}}
	r.Style = &style.Report{All: map[string]style.Distances{"length": {Written: 0.5, Interval: i, Floor: 0.1, Ceiling: 0.9}}}
	r.Leaks = &leaks.Report{Verdict: leaks.Clean, Copies: []leaks.Copies{{Characters: 20}}}
	return r
}

func TestWrite_ShowsAllAndLoadsNothing(t *testing.T) {
	t.Parallel()
	r := report("A")
	r.Others = []*evaluate.Report{report("the <base>")}
	var out bytes.Buffer
	if err := Write(&out, r, time.Now()); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{"3.500 (3.000 to 4.000)", "&lt;Ann&gt;", "the &lt;base&gt;", "Who said it", "majority", "Style", "no proof"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<Ann>") || strings.Contains(page, "<script") || regexp.MustCompile(`(src|href)=|https?://|url\(`).MatchString(page) {
		t.Error("the page has an unescaped name, a script or a link")
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1) {
		if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil || strings.Contains(svg, "NaN") {
			t.Errorf("%v: %s", err, svg)
		}
	}
}

// A report with nothing but a perplexity has a page, too.
func TestWrite_LeastReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := &evaluate.Report{Figures: evaluate.Figures{Perplexity: 2, Interval: new(evaluate.FiguresInterval)}}
	if err := Write(&out, r, time.Now()); err != nil || !strings.Contains(out.String(), "2.000") || strings.Contains(out.String(), "<h2>Style") {
		t.Errorf("%v: %s", err, &out)
	}
}

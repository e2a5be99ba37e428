package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/runlog"
)

// hostile is a text that would be markup.
const hostile = `</style><script>alert(1)</script><img src=x onerror="alert(1)">'"&<b>`

// logOf returns the log of a run.
func logOf(person string, steps int) *runlog.Log {
	l := &runlog.Log{Starts: []runlog.Start{{TotalSteps: steps, BaseModel: person, LoRA: map[string]any{"r": 8.0}, Options: map[string]any{"learning_rate": 1e-3, "note": person},
		Settings: map[string]any{"samples": 1.0, "command": map[string]any{"data-dir": "/home/me"}}, Machine: runlog.Machine{Device: person}}}}
	for s := range steps + 1 {
		if s%10 == 0 {
			l.Evaluations = append(l.Evaluations, runlog.Evaluation{Step: s, Loss: 2 - 0.01*float64(s), PerContact: map[string]runlog.Figures{person: {Loss: 1, TargetTokens: 2000}, "Ben": {Loss: 1 + float64(s)/100, TargetTokens: 3}}})
			l.Samples = append(l.Samples, runlog.Sample{Step: s, Number: 1, Context: []runlog.Line{{Name: person, Text: person}}, Real: runlog.Line{Name: person, Text: person}, Text: fmt.Sprintf("written %d %s", s, person)})
		}
		if s > 0 {
			l.Steps = append(l.Steps, runlog.Metrics{Step: s, Loss: 3 - 0.01*float64(s), TokensPerSecond: 519, Memory: 235 << 20, LearningRate: 1e-3})
		}
	}
	return l
}

// write returns the page about runs, after checking what holds for every page: it is well-formed, loads nothing, runs nothing, and its
// links lead somewhere.
func write(t *testing.T, runs ...Run) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, runs, time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	ids, links := map[string]bool{}, []string{}
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch element.Name.Local {
		case "script", "img", "iframe", "link", "object", "form":
			t.Errorf("the page has <%s>", element.Name.Local)
		}
		for _, a := range element.Attr {
			switch name := a.Name.Local; {
			case name == "id":
				ids[a.Value] = true
			case name == "href":
				links = append(links, a.Value)
			case name == "src", name == "action", strings.HasPrefix(name, "on"):
				t.Errorf("the page has %s=%q", name, a.Value)
			}
		}
	}
	for _, link := range links {
		if !strings.HasPrefix(link, "#") || !ids[link[1:]] {
			t.Errorf("the link %q leads nowhere", link)
		}
	}
	if !strings.Contains(page, `content="default-src 'none'; style-src 'unsafe-inline'`) {
		t.Error("the page may load something")
	}
	if found := regexp.MustCompile(`NaN|\bInf\b|ZgotmplZ|no value|%!|\(nil\)|0001-01-01`).FindString(page); found != "" {
		t.Errorf("the page holds %s", found)
	}
	return page
}

func TestWrite_ShowsARun(t *testing.T) {
	t.Parallel()
	page := write(t, Run{"first try", "finished", logOf("Ann", 40)})
	for _, want := range []string{"first try", "finished", "Held-out loss 1.6000 after step 40, 20.0% below the base model&#39;s 2.0000 (perplexity 4.953, was 7.389).",
		"written 0 Ann", "written 40 Ann", "step 40", "Learning rate", "learning rate", `<th scope="row">Ben</th><td>1.0000</td><td>1.4000</td><td>&#43;40.0%</td>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "/home/me") {
		t.Error("the page has a path of the command")
	}
}

// Nothing that people wrote, and no name, can become markup.
func TestWrite_TextStaysText(t *testing.T) {
	t.Parallel()
	page := write(t, Run{hostile, hostile, logOf(hostile, 20)}, Run{hostile + "2", hostile, logOf(hostile+"2", 30)})
	if strings.Contains(page, "<script") || strings.Contains(page, "<img") || strings.Count(page, "</style>") != 1 {
		t.Error("a text became markup")
	}
	if !strings.Contains(page, `written 20 &lt;/style&gt;&lt;script&gt;`) {
		t.Error("the text is not there")
	}
}

// Logs without anything, at their beginning, or with values beyond all measure give a page too.
func TestWrite_AnyLog(t *testing.T) {
	t.Parallel()
	one := logOf("Ann", 0)
	extreme := logOf("Ann", 3)
	for i, y := range []float64{1e29, -1e29, 1e-300} {
		extreme.Steps[i].Loss, extreme.Steps[i].TokensPerSecond = y, y
	}
	extreme.Steps = append(extreme.Steps, runlog.Metrics{Step: 1 << 60, Loss: 1e300})
	extreme.Evaluations = append(extreme.Evaluations, runlog.Evaluation{Step: 2, Loss: 1e300, PerContact: map[string]runlog.Figures{"x": {Loss: 1e300}}})
	extreme.Done = &runlog.Done{Seconds: 1e300}
	long := logOf("Ann", 5000)
	for name, l := range map[string]*runlog.Log{"nothing": {}, "begun": one, "extreme": extreme, "long": long} {
		page := write(t, Run{name, "training", l})
		if len(page) > 1<<20 {
			t.Errorf("%s: the page has %d bytes", name, len(page))
		}
	}
}

// With several runs, the losses per person say of which run they are, and runs without any take no columns.
func TestWrite_PeopleOfSeveralRuns(t *testing.T) {
	t.Parallel()
	without := logOf("Ann", 20)
	for i := range without.Evaluations {
		without.Evaluations[i].PerContact = nil
	}
	page := write(t, Run{"first", "finished", logOf("Ann", 40)}, Run{"bare", "finished", without}, Run{"last", "finished", logOf("Ann", 30)})
	for _, want := range []string{`<th scope="colgroup" colspan="3" class="key r0"><i></i>first</th><th scope="colgroup" colspan="3" class="key r2"><i></i>last</th>`,
		`<th scope="row">Ben</th><td>1.0000</td><td>1.4000</td><td>&#43;40.0%</td><td>1.0000</td><td>1.3000</td><td>&#43;30.0%</td><td class="more">3</td>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(write(t, Run{"only", "finished", logOf("Ann", 40)}), "colgroup") {
		t.Error("a single run is named over its columns")
	}
}

func TestSettings_ThoseThatDifferComeFirst(t *testing.T) {
	t.Parallel()
	a, b := logOf("Ann", 10), logOf("Ann", 10)
	b.Starts[0].Options["learning_rate"] = 2e-3
	list := settingsOf([]Run{{Log: a}, {Log: b}})
	if first := list[0]; first.Name != "learning rate" || !first.Differs || first.Values[0] != "0.001" || first.Values[1] != "0.002" || list[1].Differs {
		t.Errorf("%+v", list[:2])
	}
}

func TestFrame_HasRoundEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ low, high float64 }{
		{1.34, 1.40}, {0, 519}, {2, 2}, {0, 0}, {-3, 5}, {0.7, 1.8}, {1.3418, 1.4012}, {99, 101}, {1e-9, 3e-9},
	} {
		f, ok := frameOf([][]point{{{1, c.low}, {2, c.high}}})
		if size := c.high - c.low; !ok || f.bottom > c.low || f.top < c.high || f.top-f.bottom > 2*max(size, 1e-6) && size > 0 || f.top-f.bottom > 4*max(size, 1e-6, c.high) {
			t.Errorf("%g to %g: %+v", c.low, c.high, f)
		}
	}
}

package stats_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/stats"
)

// page returns the page of a report, after checking what holds for every page.
func page(t *testing.T, r *stats.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := stats.WritePage(&out, r); err != nil {
		t.Fatal(err)
	}
	checkStructure(t, out.String())
	return out.String()
}

// unsound is what no page holds: numbers as a computation left them, and what the template could not write.
var unsound = regexp.MustCompile(`NaN|\bInf\b|\d\.\d{3}|ZgotmplZ|no value|<script|0001-01-01|%!|\(nil\)|e[+-]\d\d`)

// checkStructure checks a page: well-formed, links that resolve, no network, no numbers out of a computation, labels in their boxes.
func checkStructure(t *testing.T, page string) {
	t.Helper()
	ids, links, labeled := map[string]bool{}, []string{}, []string{}
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
		for _, a := range element.Attr {
			switch a.Name.Local {
			case "id":
				if ids[a.Value] {
					t.Errorf("two elements have the id %q", a.Value)
				}
				ids[a.Value] = true
			case "href":
				links = append(links, a.Value)
			case "aria-labelledby":
				labeled = append(labeled, "#"+a.Value)
			case "src", "srcset", "onclick", "action":
				t.Errorf("the page has %s=%q", a.Name.Local, a.Value)
			}
		}
	}
	for _, link := range append(links, labeled...) {
		if !strings.HasPrefix(link, "#") || !ids[link[1:]] {
			t.Errorf("the link %q leads nowhere", link)
		}
	}
	text := regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(page, "")
	for _, at := range unsound.FindAllStringIndex(text, 5) {
		t.Errorf("the page holds %q", text[max(at[0]-40, 0):min(at[1]+20, len(text))])
	}
	if found := regexp.MustCompile(`(?i)@import|url\(`).FindString(page); found != "" {
		t.Errorf("the style asks for %s", found)
	}
	if !strings.Contains(page, "default-src 'none'") {
		t.Error("the page has no content security policy")
	}
	if n, m := strings.Count(page, `<svg class="chart"`), strings.Count(page, `role="img" aria-label="`); n != m {
		t.Errorf("%d charts, %d of them with a name", n, m)
	}
	if n, m := strings.Count(page, `<div class="plot`), strings.Count(page, `<summary>Show as`); n > 0 && m == 0 {
		t.Error("no chart has a table")
	}
	checkDrawings(t, page)
	checkLabels(t, page)
}

// checkDrawings checks that what is drawn is within its frame.
func checkDrawings(t *testing.T, page string) {
	t.Helper()
	number := regexp.MustCompile(` (x|y|x1|x2|y1|y2|width|height)="([^"]*)"`)
	for _, drawing := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1) {
		var width, height float64
		if _, err := fmt.Sscanf(drawing[strings.Index(drawing, "viewBox"):], `viewBox="0 0 %g %g"`, &width, &height); err != nil {
			t.Fatalf("%v in %.100s", err, drawing)
		}
		if width <= 0 || height <= 0 {
			t.Errorf("a frame of %g by %g", width, height)
		}
		for _, shape := range regexp.MustCompile(`<(rect|line) [^>]*>`).FindAllString(drawing, -1) {
			at := map[string]float64{}
			for _, m := range number.FindAllStringSubmatch(shape, -1) {
				n, err := strconv.ParseFloat(m[2], 64)
				if err != nil {
					t.Fatal(err)
				}
				at[m[1]] = n
			}
			if at["y1"] != at["y2"] || at["x"]+at["width"] > width+0.01 || at["y"]+at["height"] > height+0.1 || at["x"] < 0 || at["y"] < -0.01 || at["x2"] > width {
				t.Errorf("%s is not within %g by %g", shape, width, height)
			}
		}
	}
}

// checkLabels checks by arithmetic that the labels of each chart fit: those at the left into their margin, and those below beside each other,
// with characters of 7 pixels, where a plot is narrow and where it is wide.
func checkLabels(t *testing.T, page string) {
	t.Helper()
	const character, padding = 6.6, 16
	plots := regexp.MustCompile(`(?s)<div class="plot ([^"]*)" style="margin-left:(\d+)px">.*?</div>`).FindAllStringSubmatch(page, -1)
	if len(plots) != strings.Count(page, `<div class="plot`) {
		t.Errorf("%d of %d plots have a margin", len(plots), strings.Count(page, `<div class="plot`))
	}
	for _, plot := range plots {
		margin, _ := strconv.ParseFloat(plot[2], 64)
		for _, y := range regexp.MustCompile(`<span class="y"[^>]*>([^<]*)</span>`).FindAllStringSubmatch(plot[0], -1) {
			if need := character*float64(len([]rune(y[1]))) + 6; need > margin {
				t.Errorf("the label %q takes %g of %g pixels", y[1], need, margin)
			}
		}
		// A telephone of 320 pixels, less the page's and the card's padding and the plot's margins; and the narrowest wide page.
		for _, layout := range []struct {
			hidden string
			width  float64
		}{{"wide", 320 - 2*14 - 2*15 - padding - margin}, {"narrow", 641 - 2*20 - 2*19 - padding - margin}} {
			if strings.HasPrefix(plot[1], "small") && layout.hidden == "narrow" {
				continue // cards always have the narrow layout
			}
			end, count := -margin, 0
			for _, x := range regexp.MustCompile(`<span class="x ?(\w*)" style="left:([\d.]+)%">([^<]*)</span>`).FindAllStringSubmatch(plot[0], -1) {
				if x[1] == layout.hidden {
					continue
				}
				count++
				share, _ := strconv.ParseFloat(x[2], 64)
				half := character * float64(len([]rune(x[3]))) / 2
				middle := layout.width * share / 100
				if middle-half < end {
					t.Errorf("%s of %g pixels: the label %q begins at %.0f, where another one ends at %.0f", plot[1], layout.width, x[3], middle-half, end)
				}
				if end = middle + half; end > layout.width+padding {
					t.Errorf("%s of %g pixels: the label %q ends at %.0f", plot[1], layout.width, x[3], end)
				}
			}
			if count == 0 {
				t.Errorf("%s of %g pixels has no labels below", plot[1], layout.width)
			}
		}
	}
}

// history gathers messages of two people and a group, evenly over a time.
func history(t *testing.T, from time.Time, length time.Duration, n int) *stats.Report {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	list := make([]said, n)
	for i := range list {
		with, sender := "+1", []string{"+1", ""}[rng.IntN(2)]
		if i%4 == 3 {
			with, sender = "+1 +2 +9", []string{"+1", "+2", "+9", ""}[rng.IntN(4)]
		}
		list[i] = said{with, sender, length / time.Duration(n), strings.Repeat("well ", 1+rng.IntN(6)) + sender + "word " + "👍🏽", messages.Text}
	}
	list[0].after = from.Sub(begin)
	return gather(t, stats.Options{Names: map[string]string{"+9": "Sam"}}, list...)
}

// The faults of a designer's review, one subtest each, on a history of ten years.
func TestWritePage_TenYears(t *testing.T) {
	t.Parallel()
	text := page(t, history(t, time.Date(2013, 3, 5, 9, 0, 0, 0, time.UTC), 10*366*24*time.Hour, 3000))
	for fault, wanted := range map[string][]string{
		"1 units":      {`<span class="y" style="bottom:0%">0</span>`},
		"2 Januaries":  {`>2014</span>`, `>2023</span>`},
		"3 legend":     {`aria-label="Messages per square"`, `>none</li>`, `>00:00</span>`, `>18:00</span>`, `time zone <strong>UTC</strong>`},
		"4 groups":     {`>3 people and you</a>`, `John, Zoë`},
		"5 contents":   {`<nav aria-label="Contents">`, `<a href="#groups">`, `<a href="#person-1">`, `<article class="card" id="person-1"`},
		"6 headings":   {`Characteristic words`, `Typical reply time`, `Starts the conversation`, `Your reply time`, `Longest silence`},
		"7 telephones": {`name="viewport"`, `@media (max-width: 640px)`, `class="more"`, `preserveAspectRatio="none"`},
		"8 sentences":  {`You and John: 2,250 messages, most on`, `The busiest year was`, `Words per message`, `<h2 id="emoji">`, `Year by year`, `Change`, `John starts`},
	} {
		for _, want := range wanted {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page has no %s", fault, want)
			}
		}
	}
	for _, former := range []string{"2013-", "Words beyond", "Replies in", "begins<", " open>"} {
		if strings.Contains(text, former) {
			t.Errorf("the page has %q", former)
		}
	}
	if n := strings.Count(text, "<details"); n > 2+4+1+1 {
		t.Errorf("%d details", n)
	}
}

// Every length of a history, from one message to forty years, makes a sound page.
func TestWritePage_AllLengths(t *testing.T) {
	t.Parallel()
	from := time.Date(2004, 12, 31, 23, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for _, length := range []time.Duration{time.Minute, day, 40 * day, 90 * day, 200 * day, 300 * day, 400 * day, 700 * day, 760 * day, 3 * 365 * day,
		8 * 365 * day, 14 * 365 * day, 17 * 365 * day, 40 * 365 * day} {
		for _, n := range []int{1, 40} {
			page(t, history(t, from, length, n))
		}
	}
}

func TestWritePage_TinyHistories(t *testing.T) {
	t.Parallel()
	for name, list := range map[string][]said{
		"one message":       {{"+1", "+1", 0, "hi", messages.Text}},
		"one of mine":       {{"+1", "", 0, "", messages.Image}},
		"one person":        {{"+1", "+1", 0, "hi", messages.Text}, {"+1", "", time.Second, "😂", messages.Text}, {"+1", "+1", 0, "Loved", messages.Reaction}},
		"only groups":       {{"+1 +2", "+1", 0, "hi", messages.Text}, {"+1 +2", "+2", time.Hour, "hi", messages.Text}},
		"only photos":       {{"+1", "+1", 0, "a.jpg", messages.Image}, {"+1", "", time.Hour, "b.jpg", messages.Image}},
		"immediate replies": {{"+1", "+1", 0, "hi", messages.Text}, {"+1", "", 0, "hi", messages.Text}, {"+1", "+1", 0, "hi", messages.Text}},
		"replies of hours":  {{"+1", "+1", 0, "hi", messages.Text}, {"+1", "", 7 * time.Hour, "hi", messages.Text}, {"+1", "+1", 6 * time.Hour, "hi", messages.Text}},
		"replies of 2 min":  {{"+1", "+1", 0, "hi", messages.Text}, {"+1", "", 121 * time.Second, "hi", messages.Text}},
		"the end of a year": {{"+1", "+1", 0, "hi", messages.Text}, {"+1", "", 337 * 24 * time.Hour, "hi", messages.Text}},
		"a wide name 💖 李小明": {{"💖李小明" + strings.Repeat("W", 200), "", 0, "hi", messages.Text}},
	} {
		t.Run(name, func(t *testing.T) {
			if text := page(t, gather(t, stats.Options{}, list...)); !strings.Contains(text, `<h2 id="people">`) {
				t.Error("the page shows no people")
			}
		})
	}
}

// Messages without a date count, but are not in figures about time.
func TestWritePage_WithoutDates(t *testing.T) {
	t.Parallel()
	epoch := said{"+1", "+1", time.Unix(0, 0).Sub(begin), "hi", messages.Text}
	r := gather(t, stats.Options{}, epoch, said{"+1", "", 0, "hi", messages.Text})
	if r.Messages != 2 || r.Undated != 2 || len(r.Months) != 0 || len(r.Years) != 0 || r.People[0].Silence != nil || r.People[0].First != nil {
		t.Errorf("%+v", r)
	}
	text := page(t, r)
	if !strings.Contains(text, "2 messages without a date are not in figures about time.") || strings.Contains(text, "1970") || strings.Contains(text, `id="week"`) {
		t.Error("the page shows times of messages without a date")
	}
	apple := said{"+1", "+1", time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).Sub(begin), "hi", messages.Text}
	r = gather(t, stats.Options{}, apple, said{"+1", "", begin.Sub(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)), "hi", messages.Text})
	if r.Undated != 1 || len(r.Years) != 1 || r.Years[0].Year != 2024 {
		t.Errorf("%d undated, years %+v", r.Undated, r.Years)
	}
	page(t, r)
}

// Names are escaped, wherever they stand.
func TestWritePage_EscapesNames(t *testing.T) {
	t.Parallel()
	name := `<script>alert("x")</script> & 'co'`
	text := page(t, gather(t, stats.Options{People: func(address string) (string, bool) {
		return map[string]string{"+1": name, "+2": "Zoë"}[address], address != ""
	}},
		said{"+1", "", 0, "hello", messages.Text}, said{"+1", "+1", time.Minute, "https://example.org <b>", messages.Text}, said{"+1 +2", "+2", time.Minute, "hi", messages.Text}))
	if strings.Contains(text, `("x")`) || !strings.Contains(text, "&lt;script&gt;") || strings.Contains(text, "example.org") {
		t.Error("a name is not escaped, or a link is shown")
	}
}

func TestWritePage_Empty(t *testing.T) {
	t.Parallel()
	if text := page(t, gather(t, stats.Options{})); !strings.Contains(text, "There are no messages.") {
		t.Error(text)
	}
}

func TestReport_Years(t *testing.T) {
	t.Parallel()
	r := gather(t, stats.Options{},
		said{"+1", "+1", 0, "hi", messages.Text}, said{"+1", "", time.Hour, "hi", messages.Text}, said{"+2", "+2", time.Hour, "hi", messages.Text},
		said{"+2", "+2", time.Hour, "hi", messages.Text}, said{"+2", "", 2 * 366 * 24 * time.Hour, "hi", messages.Text})
	if len(r.Years) != 3 || r.Years[0] != (stats.Year{Year: 2024, Messages: 4, FromYou: 1, Most: r.Years[0].Most}) || *r.Years[0].Most != (stats.Count{Name: "Zoë", Count: 2}) ||
		r.Years[1].Messages != 0 || r.Years[2].Most != nil || r.Years[2].FromYou != 1 {
		t.Errorf("years %+v", r.Years)
	}
	if r.Busiest.Messages != 3 || r.Busiest.Date.Format(time.DateOnly) != "2024-01-30" {
		t.Errorf("busiest %+v", r.Busiest)
	}
	john := person(t, r, "John")
	if john.Direct == nil || *john.Direct.Peak != (stats.Peak{Weekday: time.Monday, Hour: 0}) && *john.Direct.Peak != (stats.Peak{Weekday: time.Monday, Hour: 23}) ||
		john.Direct.Messages != 2 || john.Direct.FromYou != 1 || john.WordsPerMessage != 1 {
		t.Errorf("direct %+v", john.Direct)
	}
}

// What cannot be seen is no name.
func TestGather_NamesThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	r := gather(t, stats.Options{Names: map[string]string{"+9": "\u200b \u2060"}}, said{"+9", "+9", 0, "hi", messages.Text})
	if r.People[0].Name != "(no name)" {
		t.Errorf("the name is %q", r.People[0].Name)
	}
}

// A group is called as its members named it, else by how many they are.
func TestGroup_Title(t *testing.T) {
	t.Parallel()
	for want, g := range map[string]stats.Group{
		"Family 💖":         {Name: " Family 💖 ", Members: []string{"Ann", "Bob"}},
		"2 people and you": {Members: []string{"Ann", "Bob"}},
		"1 person and you": {Name: " ", Members: []string{"Ann"}},
	} {
		if got := g.Title(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

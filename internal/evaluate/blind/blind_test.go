package blind

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

func moments(n int) (list []Moment) {
	for i := range n {
		list = append(list, Moment{Members: []string{"Ann", "<Ben>"}, Author: "Ann", Real: fmt.Sprintf("real %d </script>", i),
			Context: make([]Line, i%12), Written: []string{fmt.Sprintf("written %d a", i), fmt.Sprintf("written %d b", i)}})
	}
	return list
}

// write returns a page with its key.
func write(t *testing.T, list []Moment) (string, []byte, *Key) {
	t.Helper()
	var out bytes.Buffer
	encoded, err := Write(&out, list)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ReadKey(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), encoded, key
}

// candidate matches the texts of the page's replies, in order.
var candidate = regexp.MustCompile(`name="m(\d+)" value="([a-z])"> ((real|written) \d+)`)

// The page has every reply, in the key's order; the key tells the real one, and the page does not hold it.
func TestWrite_KeyIsNotInThePage(t *testing.T) {
	t.Parallel()
	page, encoded, key := write(t, moments(30))
	found := candidate.FindAllStringSubmatch(page, -1)
	if len(found) != 90 {
		t.Fatalf("%d replies", len(found))
	}
	places := make(map[string]int)
	for _, f := range found {
		var moment int
		fmt.Sscan(f[1], &moment)
		if isReal := f[4] == "real"; isReal != (f[2] == letter(key.Moments[moment].Real)) {
			t.Errorf("%v: the real reply is %d", f, key.Moments[moment].Real)
		}
		if f[4] == "real" {
			places[f[2]]++
		}
	}
	if len(places) != 3 {
		t.Errorf("the real replies are at %v", places)
	}
	if strings.Contains(page, key.Nonce) || strings.Contains(page, `"real"`) || !strings.Contains(page, Seal(encoded)) {
		t.Error("the page has the key, or lacks its seal")
	}
	if strings.Contains(page, "<Ben>") || strings.Count(page, "</script>") != 1 {
		t.Error("a text is not escaped")
	}
	if loads := regexp.MustCompile(`(src|href)=|https?://|@import|url\(`).FindString(page); loads != "" {
		t.Errorf("the page loads something: %s", loads)
	}
	again, other, _ := write(t, moments(30))
	if again == page || bytes.Equal(encoded, other) {
		t.Error("two tests have the same order")
	}
}

// sheet answers as choose says, in the form that the page makes.
func sheet(seal, rater, kind string, key *Key, choose func(i int, a *Answer) int) string {
	text := fmt.Sprintf("vq-blind 1 %s %s %s", seal, rater, kind)
	for i := range key.Moments {
		choice := "-"
		if c := choose(i, &key.Moments[i]); c >= 0 {
			choice = letter(c)
		}
		text += fmt.Sprintf(" %d%s", i+1, choice)
	}
	return text + " end"
}

func TestScore_KnownCases(t *testing.T) {
	t.Parallel()
	_, encoded, key := write(t, moments(24))
	seal := Seal(encoded)
	knows := sheet(seal, "00000001", "owner", key, func(_ int, a *Answer) int { return a.Real })
	wrong := sheet(seal, "00000002", "stranger", key, func(_ int, a *Answer) int { return (a.Real + 1) % a.Candidates })
	half := sheet(seal, "00000003", "stranger", key, func(i int, a *Answer) int {
		if i >= 12 {
			return -1
		}
		return a.Real
	})
	first := sheet(seal, "00000003", "stranger", key, func(i int, a *Answer) int { return -1 })
	sheets, err := ReadSheets(knows + "\n" + wrong + first + half)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Score(sheets, map[string]*Key{seal: key})
	if err != nil {
		t.Fatal(err)
	}
	if o := got.ByRater["owner"]; o.Right != 1 || o.Answers != 24 || o.Raters != 1 || math.Abs(o.Chance-1./3) > 1e-9 || o.Interval[0] < 0.8 {
		t.Errorf("owner %+v", o)
	}
	// A second sheet of one rater replaces the first.
	if s := got.ByRater["stranger"]; s.Right != 12./36 || s.Answers != 36 || s.Unanswered != 12 || s.Raters != 2 {
		t.Errorf("stranger %+v", s)
	}
	if len(got.ByLength) != 3 || got.ByLength[Lengths[0]].Answers == 0 {
		t.Errorf("by length %v", got.ByLength)
	}
	if v := got.ByRater["owner"].Verdict(); !strings.Contains(v, "they tell") {
		t.Error(v)
	}
	if _, err := json.Marshal(got); err != nil {
		t.Error(err)
	}
}

// An e-mail program breaks and quotes lines.
func TestReadSheets_FromMail(t *testing.T) {
	t.Parallel()
	_, encoded, key := write(t, moments(12))
	text := sheet(Seal(encoded), "0badcafe", "acquaintance", key, func(i int, _ *Answer) int { return i%4 - 1 })
	want, err := ReadSheets(text)
	if err != nil {
		t.Fatal(err)
	}
	mail := "Hi, here you are:\r\n> " + strings.ReplaceAll(text, " 7", "\r\n> 7") + "\r\n\r\nBye"
	got, err := ReadSheets(mail)
	if err != nil || len(got) != 1 || fmt.Sprint(got) != fmt.Sprint(want) || len(got[0].Choices) != 12 {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, damaged := range []string{text[:len(text)-5], strings.Replace(text, " 5-", "", 1), "", "hello"} {
		if got, err := ReadSheets(damaged); err == nil {
			t.Errorf("%q gave %v", damaged, got)
		}
	}
}

func TestScore_RefusesOtherKeys(t *testing.T) {
	t.Parallel()
	_, encoded, key := write(t, moments(12))
	_, other, otherKey := write(t, moments(12))
	text := sheet(Seal(encoded), "00000001", "owner", key, func(int, *Answer) int { return 0 })
	sheets, err := ReadSheets(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Score(sheets, map[string]*Key{Seal(other): otherKey}); err == nil {
		t.Error("answers were scored with another key")
	}
	changed := bytes.Replace(encoded, []byte(`"real": 0`), []byte(`"real": 1`), 1)
	if Seal(changed) == Seal(encoded) {
		t.Error("a changed key has the same seal")
	}
}

// Raters who guess choose the real reply as often as chance, and the interval has that in about 95 of 100 simulations.
func TestScore_Covers(t *testing.T) {
	t.Parallel()
	_, encoded, key := write(t, moments(30))
	seal := Seal(encoded)
	random := rand.New(rand.NewPCG(1, 2))
	const rounds = 400
	covered := 0
	for range rounds {
		var sheets []Sheet
		for rater := range 8 {
			s := Sheet{Seal: seal, Rater: fmt.Sprint(rater), Kind: "stranger"}
			for range key.Moments {
				s.Choices = append(s.Choices, random.IntN(3))
			}
			sheets = append(sheets, s)
		}
		got, err := Score(sheets, map[string]*Key{seal: key})
		if err != nil {
			t.Fatal(err)
		}
		if got.All.Interval.Contains(1. / 3) {
			covered++
		}
	}
	if share := float64(covered) / rounds; share < 0.93 {
		t.Errorf("chance is in %.1f%% of the intervals", 100*share)
	}
}

package style

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// shouts and whispers are two ways to write.
func shouts(r *rand.Rand, n int) []string {
	return texts(r, n, []string{"WHAT", "NO WAY", "HAHAHA", "COME ON"}, "!!!")
}
func whispers(r *rand.Rand, n int) []string {
	return texts(r, n, []string{"i think", "maybe", "well", "perhaps so"}, "...")
}

func texts(r *rand.Rand, n int, words []string, end string) []string {
	list := make([]string, n)
	for i := range list {
		var text []string
		for range 1 + r.IntN(4) {
			text = append(text, words[r.IntN(len(words))])
		}
		list[i] = strings.Join(text, " ") + end
	}
	return list
}

func person(r *rand.Rand, written []string) Person {
	return Person{Name: "Ann", Real: shouts(r, 60), Written: written, Others: whispers(r, 60), Trained: shouts(r, 200), OthersTrain: whispers(r, 200)}
}

// A model that copies the person's texts is at the floor or below in every feature, one that writes like others at the ceiling.
func TestMeasure_CopierAndOther(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	copier := person(r, nil)
	copier.Written = copier.Real
	other := copier
	other.Written = copier.Others
	near, far := Measure([]Person{copier}), Measure([]Person{other})
	for _, name := range Features {
		n, f := near.All[name], far.All[name]
		if n.Written > n.Floor+0.02 {
			t.Errorf("%s of a copier: %+v", name, n)
		}
		if d := f.Written - f.Ceiling; d > 0.02 || d < -0.02 {
			t.Errorf("%s of somebody else: %+v", name, f)
		}
		if n.Floor != f.Floor || n.Ceiling != f.Ceiling {
			t.Errorf("%s: the scale depends on the written texts", name)
		}
	}
	if auc := near.PerContact["Ann"].AttributionAUC; auc != 1 {
		t.Errorf("the classifier's AUC is %g", auc)
	}
	for name, d := range Compare(near, far) {
		if f := near.All[name]; f.Ceiling > 2*f.Floor+0.05 && (d.Distance >= 0 || d.Interval[1] >= 0) {
			t.Errorf("%s: the copier is not nearer: %+v", name, d)
		}
	}
}

// Somebody who only says "ok" is met exactly by "ok", and by nothing else.
func TestMeasure_OnlyOK(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	ok := strings.Split(strings.Repeat("ok ", 40), " ")[:40]
	p := Person{Name: "Ann", Real: ok, Written: ok, Others: whispers(r, 40), Trained: ok, OthersTrain: whispers(r, 40)}
	for name, d := range Measure([]Person{p}).All {
		if d.Written != 0 || d.Floor != 0 || d.Interval[1] != 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
	p.Written = strings.Split(strings.Repeat("OK!! ", 40), " ")[:40]
	all := Measure([]Person{p}).All
	for name, want := range map[string]float64{"capitals": 1, "punctuation": 1, "vocabulary": 0, "emoji": 0, "laughter": 0} {
		if d := all[name]; d.Written != want {
			t.Errorf("%s of OK!!: %+v, want %g", name, d, want)
		}
	}
	// "OK!!" has 5 where "ok" has 3: log2(5/3).
	if d := all["length"]; d.Written < 0.736 || d.Written > 0.738 {
		t.Errorf("length %+v", d)
	}
}

// The interval holds the distance that samples of its size have on average, in about 95 of 100 simulations.
func TestMeasure_Covers(t *testing.T) {
	t.Parallel()
	// Half of the person's texts, and 70% of the model's, are in capitals.
	write := func(r *rand.Rand, n int, share float64) []string {
		list := make([]string, n)
		for i := range list {
			if list[i] = fmt.Sprintf("word%d", r.IntN(9)); r.Float64() < share {
				list[i] = strings.ToUpper(list[i])
			}
		}
		return list
	}
	const n, rounds = 60, 60
	r := rand.New(rand.NewPCG(1, 3))
	truth := 0.0
	for range 20000 { // the mean distance of two samples of n/2
		a, b := 0, 0
		for range n / 2 {
			if r.Float64() < 0.5 {
				a++
			}
			if r.Float64() < 0.7 {
				b++
			}
		}
		truth += float64(max(a-b, b-a)) / (n / 2) / 20000
	}
	covered := 0
	for range rounds {
		p := Person{Name: "Ann", Real: write(r, n, 0.5), Written: write(r, n, 0.7), Others: write(r, n, 0), Trained: []string{"a"}, OthersTrain: []string{"b"}}
		if d := Measure([]Person{p}).All["capitals"]; d.Interval.Contains(truth) {
			covered++
		}
	}
	if share := float64(covered) / rounds; share < 0.88 {
		t.Errorf("the distance %.3f is in %.0f%% of the intervals", truth, 100*share)
	}
}

// A person with too few texts is named, not measured.
func TestMeasure_TooFew(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 4))
	p := person(r, shouts(r, FewestTexts-1))
	if got := Measure([]Person{p}); len(got.PerContact) != 0 || !reflect.DeepEqual(got.TooFew, []string{"Ann"}) {
		t.Errorf("%+v", got)
	}
}

func TestMeasure_IsRepeatable(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 5))
	p := person(r, whispers(r, 50))
	if a, b := Measure([]Person{p}), Measure([]Person{p}); !reflect.DeepEqual(a, b) {
		t.Error("the same texts have other distances")
	}
}

func TestReader_Traits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]float64{ // emoji, laughter
		"ok": {0, 0}, "haha ok": {0, 1}, "that 😂": {1, 1}, "nice :)": {1, 0}, "lol": {0, 1}, "lollipop": {0, 0}, "jajaja": {0, 1},
		"http://a.b": {0, 0}, "kkkk": {0, 1}, "I ♥ it": {1, 0}, "10:30": {0, 0}, "haven": {0, 0},
	} {
		r := reader{func(string) bool { return true }, map[string]int32{}}
		if got := r.read(text); [2]float64{got.emoji, got.laughter} != want {
			t.Errorf("%q: emoji %g, laughter %g, want %v", text, got.emoji, got.laughter, want)
		}
	}
	for word, want := range map[string]string{"sooo": "stretched", "l8r": "letters with digits", "2015": "number", "don't": "apostrophe", "u": "one letter", "zyx": "rare", "the": "common"} {
		if got := spelling(word, func(w string) bool { return w == "the" }); got != want {
			t.Errorf("%s is %s, want %s", word, got, want)
		}
	}
	for text, want := range map[string]string{"OK": "all capitals", "Ok": "begins with a capital", "ok": "no capitals", "iPhone": "capitals inside", "1": "no letters"} {
		if got := capitals(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

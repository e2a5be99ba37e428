package leaks

import (
	"math/rand/v2"
	"strings"
	"testing"

	"ventriloquist/internal/privacy"
)

func redactor() *privacy.Redactor { return privacy.New([]byte("key"), "US", privacy.Kinds(), nil) }

// sentences returns n texts of letters drawn at random: none has a long part of another.
func sentences(r *rand.Rand, n int) []string {
	list := make([]string, n)
	for i := range list {
		var b strings.Builder
		for range 60 {
			b.WriteByte(byte('a' + r.IntN(26)))
		}
		list[i] = b.String()
	}
	return list
}

func textsOf(list []string) []Text {
	texts := make([]Text, len(list))
	for i, t := range list {
		texts[i] = Text{Text: t, Unit: i}
	}
	return texts
}

// A model that copies its training messages is found out, one that writes at random is not.
func TestMeasure_CopierAndUniform(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	trained, real, uniform := sentences(r, 100), textsOf(sentences(r, 40)), textsOf(sentences(r, 40))
	copier := Measure(trained, textsOf(trained[:40]), real, redactor())
	for _, c := range copier.Copies {
		want := 1.0
		if c.Characters > 60 {
			want = 0
		}
		if c.Written != want || c.Real != 0 {
			t.Errorf("copier %+v", c)
		}
	}
	if copier.Whole.Written != 1 || copier.Verdict != Repeats || len(copier.Longest) != 60 {
		t.Errorf("copier %+v", copier)
	}
	if got := Measure(trained, uniform, real, redactor()); got.Verdict != Clean || got.Copies[0].Written != 0 || got.Whole.Written != 0 {
		t.Errorf("uniform %+v", got)
	}
}

// Somebody who only says "ok" repeats it, as the model does: nothing is from memory that the person would not write.
func TestMeasure_OnlyOK(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ok ", 20)
	same := textsOf(strings.Split(strings.TrimSuffix(strings.Repeat(long+"|", 30), "|"), "|"))
	if got := Measure([]string{long, "ok"}, same, same, redactor()); got.Verdict != Clean || got.Copies[1].Written != 1 || got.Copies[1].Real != 1 {
		t.Errorf("%+v", got)
	}
}

// What is copied from the conversation is not from memory.
func TestCorpus_LongestLeavesOutTheContext(t *testing.T) {
	t.Parallel()
	c := newCorpus([]string{"meet me at the old mill tonight", "bring the very blue umbrella"})
	for _, one := range []struct{ text, context, want string }{
		{"so meet me at the old mill, and bring the very blue umbrella", "", "bring the very blue umbrella"},
		{"so meet me at the old mill, and bring the very blue umbrella", "Ann: bring the very blue umbrella", "meet me at the old mill"},
		{"tonight bring", "", "tonight"}, // no part goes over two messages
		{"xzq", "", ""},
		{"", "", ""},
	} {
		if got := c.longest(one.text, one.context); got != one.want {
			t.Errorf("%q: %q, want %q", one.text, got, one.want)
		}
	}
}

// A private value from a training message is a leak however it is spelled; an invented one is not, nor one from the conversation.
func TestMeasure_Secrets(t *testing.T) {
	t.Parallel()
	trained := []string{"call me at (212) 555-0147", "mail ann@example.org"}
	for _, one := range []struct {
		text, context string
		trained       int
		verdict       Verdict
	}{
		{"my number is 212-555-0147", "", 1, Leaks},
		{"my number is 212-555-0199", "", 0, Clean},
		{"my number is 212-555-0147", "so you are at 212 555 0147?", 0, Clean},
		{"write to ann@example.org", "", 1, Leaks},
	} {
		got := Measure(trained, []Text{{Text: one.text, Context: one.context}}, nil, redactor())
		if len(got.Secrets) != 1 || got.Secrets[0].Written != 1 || got.Secrets[0].Trained != one.trained || got.Verdict != one.verdict {
			t.Errorf("%+v: %+v", one, got)
		}
	}
}

// The index is as right as a search through all texts.
func TestCorpus_LongestEqualsSearch(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('a' + r.IntN(3))
		}
		return string(b)
	}
	for range 200 {
		trained := []string{word(12), word(9), word(15)}
		text := word(14)
		longest := 0
		for i := range text {
			for k := i + 1; k <= len(text); k++ {
				for _, one := range trained {
					if strings.Contains(one, text[i:k]) {
						longest = max(longest, k-i)
					}
				}
			}
		}
		if got := newCorpus(trained).longest(text, ""); len(got) != longest {
			t.Fatalf("%q in %q: %q, want %d characters", text, trained, got, longest)
		}
	}
}

package stats

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"ventriloquist/internal/terminal"
)

// enough is the number of replies, or of messages, from which a person's mean says something.
const enough = 20

// Highlights returns what is most remarkable about the history, in sentences.
func (r *Report) Highlights() []string {
	list := []string{}
	for _, say := range []func() string{r.volume, r.closest, r.years, r.busiest, r.replies, r.lengths, r.favorites, r.longestSilence} {
		if sentence := say(); sentence != "" {
			list = append(list, sentence)
		}
	}
	return list
}

// You returns the owner, nil if they wrote nothing.
func (r *Report) You() *Person {
	for i := range r.People {
		if r.People[i].Owner {
			return &r.People[i]
		}
	}
	return nil
}

// most returns the person other than the owner with the highest value, and the one with the lowest, among those with a value.
func (r *Report) most(value func(*Person) (float64, bool)) (high, low *Person) {
	highest, lowest := math.Inf(-1), math.Inf(1)
	for i := range r.People {
		p := &r.People[i]
		v, has := value(p)
		if p.Owner || !has {
			continue
		}
		if v > highest {
			high, highest = p, v
		}
		if v < lowest {
			low, lowest = p, v
		}
	}
	return high, low
}

func (r *Report) volume() string {
	days := r.To.Sub(r.From).Hours() / 24
	if r.Messages < enough || days < 2 {
		return ""
	}
	sentence := terminal.Quantity(r.Messages, "message") + " in " + span(days)
	if perDay := float64(r.Messages-r.Undated) / days; perDay >= 1.5 {
		sentence += fmt.Sprintf(": %s a day on average", count(int(math.Round(perDay))))
	}
	if me := r.You(); me != nil {
		sentence += fmt.Sprintf(", %s of them from you", Share(me.Messages, r.Messages))
	}
	return sentence + "."
}

// closest is about the direct conversation with the most messages.
func (r *Report) closest() string {
	p, _ := r.most(func(p *Person) (float64, bool) {
		if p.Direct == nil {
			return 0, false
		}
		return float64(p.Direct.Messages), true
	})
	if p == nil || p.Direct.Messages < enough {
		return ""
	}
	return p.Sentence()
}

// Sentence describes the direct conversation with the person; "" if there is none.
func (p *Person) Sentence() string {
	if p.Direct == nil {
		return ""
	}
	sentence := fmt.Sprintf("You and %s: %s", p.Name, terminal.Quantity(p.Direct.Messages, "message"))
	if p.Direct.Messages >= enough && p.Direct.Peak != nil {
		sentence += ", most on " + p.Direct.Peak.String()
	}
	if p.Sessions >= 5 {
		sentence += fmt.Sprintf("; %s starts %s of the conversations", p.Name, Share(p.Started, p.Sessions))
	}
	return sentence + "."
}

// years compares the years of which the history holds all.
func (r *Report) years() string {
	list := slices.DeleteFunc(slices.Clone(r.Years), func(y Year) bool { return r.partOf(y.Year) != "" })
	if len(list) < 2 {
		return ""
	}
	best := slices.MaxFunc(list, func(a, b Year) int { return cmp.Compare(a.Messages, b.Messages) })
	sentence := fmt.Sprintf("The busiest year was %d, with %s", best.Year, terminal.Quantity(best.Messages, "message"))
	last, before := list[len(list)-1], list[len(list)-2]
	if words := change(before.Messages, last.Messages); words != "" && len(list) > 2 {
		sentence += fmt.Sprintf("; %d had %s %d", last.Year, words, before.Year)
	}
	return sentence + "."
}

// nearlyOver reports whether a year is over, or almost.
func nearlyOver(t time.Time) bool { return t.Month() == time.December && t.Day() >= 15 }

func (r *Report) busiest() string {
	if r.Busiest == nil || r.Busiest.Messages < enough || len(r.Months) < 2 {
		return ""
	}
	return fmt.Sprintf("The busiest day was %s, with %s.", r.Busiest.Date.Format("Monday, 2 January 2006"), terminal.Quantity(r.Busiest.Messages, "message"))
}

func (r *Report) replies() string {
	slow, fast := r.most(func(p *Person) (float64, bool) {
		if p.Reply.Replies < enough {
			return 0, false
		}
		return *p.Reply.Median, true
	})
	switch {
	case fast == nil:
		return ""
	case fast == slow || lasting(*fast.Reply.Median) == lasting(*slow.Reply.Median):
		return fast.mutual()
	}
	return fmt.Sprintf("%s replies fastest, typically after %s; %s takes the longest, %s.", fast.Name, lasting(*fast.Reply.Median),
		slow.Name, lasting(*slow.Reply.Median))
}

// mutual compares the reply times of a person and the owner.
func (p *Person) mutual() string {
	theirs := lasting(*p.Reply.Median)
	sentence := fmt.Sprintf("%s typically replies after %s", p.Name, theirs)
	switch {
	case p.OwnerReply.Median == nil:
	case lasting(*p.OwnerReply.Median) == theirs:
		sentence += ", and so do you"
	default:
		sentence += ", you after " + lasting(*p.OwnerReply.Median)
	}
	return sentence + "."
}

func (r *Report) lengths() string {
	long, short := r.most(func(p *Person) (float64, bool) {
		return p.WordsPerMessage, p.Messages >= enough && p.WordsPerMessage > 0
	})
	if long == nil || decimal(long.WordsPerMessage) == decimal(short.WordsPerMessage) {
		return ""
	}
	sentence := fmt.Sprintf("%s writes the longest messages, %s words on average; %s the shortest, %s", long.Name, decimal(long.WordsPerMessage),
		short.Name, decimal(short.WordsPerMessage))
	if me := r.You(); me != nil && me.WordsPerMessage > 0 {
		sentence += fmt.Sprintf("; you write %s", decimal(me.WordsPerMessage))
	}
	return sentence + "."
}

func (r *Report) favorites() string {
	me := r.You()
	if me == nil || len(me.Emoji) == 0 {
		return ""
	}
	sentence := fmt.Sprintf("Your favorite emoji is %s (%s)", me.Emoji[0].Name, times(me.Emoji[0].Count))
	fan, _ := r.most(func(p *Person) (float64, bool) {
		if len(p.Emoji) == 0 {
			return 0, false
		}
		return float64(p.Emoji[0].Count), true
	})
	if fan != nil {
		sentence += fmt.Sprintf("; %s likes %s best (%s)", fan.Name, fan.Emoji[0].Name, times(fan.Emoji[0].Count))
	}
	return sentence + "."
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return count(n) + " times"
}

func (r *Report) longestSilence() string {
	p, _ := r.most(func(p *Person) (float64, bool) {
		if p.Silence == nil {
			return 0, false
		}
		return p.Silence.Days, true
	})
	if p == nil || p.Silence.Days < 30 {
		return ""
	}
	return fmt.Sprintf("The longest silence was between you and %s: %s, until %s.", p.Name, p.Silence.Length(), date(p.Silence.To))
}

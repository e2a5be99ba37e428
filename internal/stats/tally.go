package stats

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"ventriloquist/internal/people"
)

// tally counts for a person or a group.
type tally struct {
	name                       string
	group                      string   // the name of a group
	members                    []string // of a group
	messages, words, reactions int
	texts                      int // messages with words in them

	dated        int // messages with a date
	first, last  time.Time
	months       map[int]int // by monthOf
	hours        Week
	emoji        map[string]int
	said         map[int32]int32 // number of uses of each word
	replies      replies
	ownerReplies replies
	sessions     int
	startedBy    map[people.Person]int
	by           map[people.Person]int // messages of a group
	silence      *Silence
	direct       direct
}

// direct counts the messages of both sides of a person's direct conversation.
type direct struct {
	messages, fromYou int
	hours             Week
}

// monthOf numbers months: 12 times the year, plus the month from 0.
func monthOf(at time.Time) int { return at.Year()*12 + int(at.Month()) - 1 }

// count counts a message.
func (w *Week) count(at time.Time) {
	const sunday = 6
	w[(int(at.Weekday())+sunday)%7][at.Hour()]++
}

// peak returns the day and the hour with the most messages.
func (w *Week) peak() *Peak {
	var hours [24]int
	day, hour, most := 0, 0, 0
	for d, list := range w {
		sum := 0
		for h, n := range list {
			hours[h] += n
			sum += n
		}
		if sum > most {
			day, most = d, sum
		}
	}
	if most == 0 {
		return nil
	}
	for h, n := range hours {
		if n > hours[hour] {
			hour = h
		}
	}
	return &Peak{time.Weekday((day + 1) % 7), hour}
}

func newTally(name string) tally {
	return tally{name: name, months: map[int]int{}, emoji: map[string]int{}, said: map[int32]int32{}, startedBy: map[people.Person]int{}, by: map[people.Person]int{}}
}

// add counts a message. The zero time stands for an unknown date.
func (t *tally) add(at time.Time) {
	t.messages++
	if at.IsZero() {
		return
	}
	if t.dated == 0 || at.Before(t.first) {
		t.first = at
	}
	if t.dated == 0 || at.After(t.last) {
		t.last = at
	}
	t.dated++
	t.months[monthOf(at)]++
	t.hours.count(at)
}

// say counts the words of a message.
func (t *tally) say(words []int32, text string) {
	t.words += len(words)
	t.texts++
	for _, w := range words {
		if w != noWord {
			t.said[w]++
		}
	}
	t.addEmoji(text)
}

func (t *tally) addEmoji(text string) {
	for emoji := range emojiOf(text) {
		t.emoji[emoji]++
	}
}

// Maximum number of emoji and words in a report.
const (
	shownEmoji = 10
	shownWords = 10
)

// habits returns the figures of a tally.
func (t *tally) habits(g *gatherer) Habits {
	h := Habits{Messages: t.messages, Words: t.words, Reactions: t.reactions, Reply: t.replies.reply(), Silence: t.silence,
		Emoji: t.emojiList(), Beyond: g.words.beyond(t.said), Months: t.monthList()}
	if sent := t.messages + t.reactions; sent > 0 {
		h.ReactionShare = float64(t.reactions) / float64(sent)
	}
	if t.texts > 0 {
		h.WordsPerMessage = float64(t.words) / float64(t.texts)
	}
	if t.dated > 0 {
		h.First, h.Last = &t.first, &t.last
	}
	return h
}

// emojiList returns the most used emoji.
func (t *tally) emojiList() []Count {
	list := []Count{}
	for _, e := range slices.Sorted(maps.Keys(t.emoji)) {
		list = append(list, Count{e, t.emoji[e]})
	}
	slices.SortStableFunc(list, func(a, b Count) int { return cmp.Compare(b.Count, a.Count) })
	return list[:min(shownEmoji, len(list))]
}

// monthList returns all months from the first to the last with messages.
func (t *tally) monthList() []Month {
	list := []Month{}
	if len(t.months) == 0 {
		return list
	}
	months := slices.Sorted(maps.Keys(t.months))
	for m := months[0]; m <= months[len(months)-1]; m++ {
		list = append(list, Month{time.Date(m/12, time.Month(m%12+1), 1, 0, 0, 0, 0, time.UTC).Format("2006-01"), t.months[m]})
	}
	return list
}

// replies is reply times in seconds, by the hour of the message replied to.
type replies [24][]int32

func (r *replies) add(hour int, after time.Duration) {
	r[hour] = append(r[hour], int32(after/time.Second))
}

func (r *replies) reply() Reply {
	var out Reply
	var all []int32
	for hour, list := range r {
		out.ByHour[hour] = median(list)
		all = append(all, list...)
	}
	out.Replies, out.Median = len(all), median(all)
	return out
}

// median sorts a list and returns its median; nil if the list is empty.
func median(list []int32) *float64 {
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	m := (float64(list[(len(list)-1)/2]) + float64(list[len(list)/2])) / 2
	return &m
}

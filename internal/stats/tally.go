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
	members                    []string // of a group
	messages, words, reactions int

	first, last  time.Time
	months       map[int]int // by year times 12 plus month from 0
	hours        [7][24]int
	emoji        map[string]int
	said         map[int32]int32 // number of uses of each word
	replies      replies
	ownerReplies replies
	sessions     int
	startedBy    map[people.Person]int
	by           map[people.Person]int // messages of a group
	silence      *Silence
}

func newTally(name string) tally {
	return tally{name: name, months: map[int]int{}, emoji: map[string]int{}, said: map[int32]int32{}, startedBy: map[people.Person]int{}, by: map[people.Person]int{}}
}

// add counts a message.
func (t *tally) add(at time.Time) {
	if t.messages == 0 || at.Before(t.first) {
		t.first = at
	}
	if t.messages == 0 || at.After(t.last) {
		t.last = at
	}
	t.messages++
	t.months[at.Year()*12+int(at.Month())-1]++
	const sunday = 6
	t.hours[(int(at.Weekday())+sunday)%7][at.Hour()]++
}

// say counts the words of a message.
func (t *tally) say(words []int32, text string) {
	t.words += len(words)
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
		Emoji: []Count{}, Beyond: g.words.beyond(t.said), Months: t.monthList()}
	if sent := t.messages + t.reactions; sent > 0 {
		h.ReactionShare = float64(t.reactions) / float64(sent)
	}
	for _, e := range slices.Sorted(maps.Keys(t.emoji)) {
		h.Emoji = append(h.Emoji, Count{e, t.emoji[e]})
	}
	slices.SortStableFunc(h.Emoji, func(a, b Count) int { return cmp.Compare(b.Count, a.Count) })
	h.Emoji = h.Emoji[:min(shownEmoji, len(h.Emoji))]
	if t.messages > 0 {
		h.First, h.Last = &t.first, &t.last
	}
	return h
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

package messages_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ventriloquist/internal/messages"
)

// groupSource is what one program has of a group: the people who wrote in it, and their messages.
type groupSource struct {
	name    string
	extent  messages.Extent
	members []string
	entries []entry
}

// readGroups returns the texts by conversation.
func readGroups(t *testing.T, list []groupSource, order []int) map[string][]string {
	t.Helper()
	db := create(t)
	for range 2 {
		for _, i := range order {
			s := list[i]
			collectGroup(t, db, s)
		}
	}
	reader, err := db.Reader(t.Context(), samePlus)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := reader.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byPeople := map[string][]messages.Conversation{}
	for _, c := range conversations {
		var people []string
		for _, m := range c.Members {
			people = append(people, samePlus(m.Address))
		}
		slices.Sort(people)
		key := ""
		for _, p := range slices.Compact(people) {
			key += p
		}
		byPeople[key] = append(byPeople[key], c)
	}
	got := map[string][]string{}
	for key, parts := range byPeople {
		if err := reader.WindowMessages(t.Context(), parts, func(m *messages.WindowMessage) error {
			got[key] = append(got[key], m.Text)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

func collectGroup(t *testing.T, db *messages.DB, s groupSource) {
	t.Helper()
	_, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
		source, err := tx.Source(s.name, s.extent)
		if err != nil {
			return err
		}
		chat, err := tx.Conversation(source, true, messages.Members(s.members...))
		if err != nil {
			return err
		}
		for i, e := range s.entries {
			row := messages.Row{Source: source, Chat: chat, Row: int64(i), GUID: e.GUID, Date: e.Date, Sender: e.Sender, Parts: []messages.Part{{Kind: e.Kind, Text: e.Text}}}
			if _, err := tx.Put(&row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The same group has other members in each source, because not everyone wrote in the part that each has. Its messages are one
// conversation, and each is there once, in whatever order the sources are collected.
func TestSameGroup_OtherMembersInEachSource(t *testing.T) {
	t.Parallel()
	const min = 60
	early := []entry{from("+1", said("a1", at(0), "all three")), said("a2", at(min), "indeed")}
	export := []entry{from("1", said("b1", at(0), "all three")), said("b2", at(min), "indeed")}
	all := append(slices.Clone(early), from("+2", said("a3", at(5*min), "I am new")))
	late := []entry{from("+2", said("a3", at(5*min), "I am new")), from("+4", said("a4", at(6*min), "so am I"))}
	for name, c := range map[string]struct {
		sources []groupSource
		want    map[string][]string
	}{
		"AnExportAndTheDatabase": {[]groupSource{{"whatsapp Trip", messages.Span, []string{"1"}, export}, {"whatsapp-db /a", messages.Whole, []string{"+1", "+2"}, all}},
			map[string][]string{"12": {"all three", "indeed", "I am new"}}},
		"TwoDatabases": {[]groupSource{{"whatsapp-db /a", messages.Whole, []string{"+1"}, early}, {"whatsapp-db /b", messages.Whole, []string{"+1", "+2"}, all}},
			map[string][]string{"12": {"all three", "indeed", "I am new"}}},
		"EachHasSomebodyElse": {[]groupSource{{"whatsapp-db /a", messages.Whole, []string{"+1", "+2"}, all}, {"whatsapp-db /b", messages.Whole, []string{"+2", "+4"}, late}},
			map[string][]string{"124": {"all three", "indeed", "I am new", "so am I"}}},
		"TwoExportsOfOneChat": {[]groupSource{{"telegram 5", messages.Span, []string{"+1"}, early}, {"telegram 5", messages.Span, []string{"+2", "+4"}, late}},
			map[string][]string{"124": {"all three", "indeed", "I am new", "so am I"}}},
		"AnotherGroup": {[]groupSource{{"whatsapp Trip", messages.Span, []string{"1"}, export}, {"whatsapp-db /a", messages.Whole, []string{"+1", "+2"}, late}},
			map[string][]string{"1": {"all three", "indeed"}, "12": {"I am new", "so am I"}}},
		"OtherPeople": {[]groupSource{{"whatsapp Trip", messages.Span, []string{"5"}, []entry{from("5", said("b1", at(0), "all three"))}}, {"whatsapp-db /a", messages.Whole, []string{"+1", "+2"}, all}},
			map[string][]string{"5": {"all three"}, "12": {"all three", "indeed", "I am new"}}},
	} {
		order := []int{0, 1}
		for range 2 {
			if got := readGroups(t, c.sources, order); !equalGroups(got, c.want) {
				t.Errorf("%s, order %v: messages are %q, not %q", name, order, got, c.want)
			}
			slices.Reverse(order)
		}
	}
}

// What was sent to two groups at once makes them no one group, even for an export that has nothing else.
func TestSameGroup_SentToTwoGroups(t *testing.T) {
	t.Parallel()
	wish := said("w1", at(0), "Happy New Year")
	list := []groupSource{
		{"whatsapp A", messages.Span, []string{"+1", "+2"}, []entry{wish}},
		{"whatsapp-db /a", messages.Whole, []string{"+1", "+2", "+3"}, []entry{said("w2", at(0), "Happy New Year"), from("+3", said("w3", at(60), "thanks"))}},
		{"whatsapp-db /a2", messages.Whole, []string{"+1", "+4"}, []entry{said("w4", at(0.5), "Happy New Year"), from("+4", said("w5", at(60), "you too"))}},
	}
	r := rand.New(rand.NewPCG(1, 15))
	for range 4 {
		order := r.Perm(len(list))
		got := readGroups(t, list, order)
		if want := map[string][]string{"123": {"Happy New Year", "thanks"}, "14": {"Happy New Year", "you too"}}; !equalGroups(got, want) {
			t.Errorf("order %v: messages are %q", order, got)
		}
	}
}

func equalGroups(a, b map[string][]string) bool {
	if len(a) != len(b) {
		return false
	}
	for key, list := range a {
		if !slices.Equal(list, b[key]) {
			return false
		}
	}
	return true
}

// Of many groups with the same people, those are one whose messages are the same.
func TestSameGroup_ManyGroupsOfTheSamePeople(t *testing.T) {
	t.Parallel()
	db := create(t)
	const groups, texts = 26, 8 // more pairs than are compared without a look at their words
	for _, name := range []string{"signal a", "sigtop b"} {
		_, err := db.Collect(t.Context(), false, func(tx *messages.Tx) error {
			source, err := tx.Source(name, messages.Whole)
			for g := 0; g < groups && err == nil; g++ {
				var chat int64
				if chat, err = tx.Conversation(source, true, messages.Members("+1", "+2", fmt.Sprint(name, " ", g))); err != nil {
					return err
				}
				for i := range texts {
					e := entry{GUID: fmt.Sprint(name, g, i), Date: int64(i+1)*int64(time.Hour) + int64(g), Row: int64(i), Sender: "+1", Text: fmt.Sprint("words ", g, " ", i)}
					if name != "signal a" {
						e.Text += " " // as another program writes it
					}
					if err = put(tx, source, chat, e); err != nil {
						return err
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := r.Conversations(t.Context())
	if err != nil || len(conversations) != groups {
		t.Fatalf("there are %d conversations, want %d (%v)", len(conversations), groups, err)
	}
	for _, c := range conversations {
		if len(c.Members) != 4 {
			t.Errorf("members of a group are %v", c.Members)
		}
	}
}

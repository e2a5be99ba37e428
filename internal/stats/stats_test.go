package stats_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/stats"
)

// said is a test message: its conversation's addresses, and its sender, "" for the owner.
type said struct {
	with   string // addresses, separated by spaces
	sender string
	after  time.Duration // since the message before
	text   string
	kind   messages.Kind
}

// begin is the time of the first message in these tests: a Monday, 23:30 UTC.
var begin = time.Date(2024, 1, 29, 23, 30, 0, 0, time.UTC)

func gather(t *testing.T, o stats.Options, list ...said) *stats.Report {
	t.Helper()
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	at := begin
	var stored []messagestest.Message
	for i, s := range list {
		at = at.Add(s.after)
		members := strings.Fields(s.with)
		m := messagestest.Message{Group: len(members) > 1, Members: messages.Members(members...), Row: int64(i + 1), GUID: fmt.Sprint("g", i),
			Date: at.UnixNano(), Sender: s.sender, Text: s.text, Kind: s.kind, TargetPart: messages.WholeMessage}
		if s.kind == messages.Reaction {
			m.TargetGUID = "g0"
		}
		stored = append(stored, m)
	}
	messagestest.Fill(t, db, stored...)
	if o.People == nil {
		o.People = func(address string) (string, bool) {
			name, ok := map[string]string{"+1": "John", "j@x": "John", "+2": "Zoë", "me@x": messages.Owner}[address]
			if !ok {
				name = address
			}
			return name, ok
		}
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	o.Owner = "Aidan"
	report, err := stats.Gather(t.Context(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func person(t *testing.T, r *stats.Report, name string) stats.Person {
	t.Helper()
	for _, p := range r.People {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no %q among %+v", name, r.People)
	panic("not reached")
}

func seconds(n float64) *float64 { return &n }

func TestGather_DirectConversation(t *testing.T) {
	t.Parallel()
	r := gather(t, stats.Options{},
		said{"+1", "", 0, "Hello there, it's me!", messages.Text},                 // the owner begins, at 23:30 on Monday
		said{"j@x", "j@x", 60 * time.Second, "hi 👍🏽", messages.Text},              // a reply after a minute
		said{"+1", "+1", 5 * time.Second, "you?", messages.Text},                  // no reply: the same person goes on
		said{"+1", "", 40 * time.Minute, "good https://x.org/a/b", messages.Text}, // the owner replies, at 00:11 on Tuesday
		said{"+1", "+1", 10 * time.Second, "❤️", messages.Reaction},               // neither message nor reply
		said{"+1", "+1", 20 * time.Second, "IMG_1.HEIC", messages.Image},          // a reply 30 seconds after; no words
		said{"+1", "+1", 9 * 24 * time.Hour, "still there? 👍🏽👍🏽", messages.Text},  // John begins, after nine days
		said{"+1", "me@x", 2 * time.Minute, "yes", messages.Text})
	john, me := person(t, r, "John"), person(t, r, "Aidan")
	if john.Messages != 4 || john.Reactions != 1 || john.ReactionShare != 0.2 || john.Words != 4 || john.Owner {
		t.Errorf("John: %+v", john)
	}
	if me.Messages != 3 || me.Words != 6 || !me.Owner || me.Sessions != 0 || me.Silence != nil {
		t.Errorf("me: %+v", me)
	}
	if john.Sessions != 2 || john.Started != 1 {
		t.Errorf("John began %d of %d", john.Started, john.Sessions)
	}
	if want := (stats.Reply{Replies: 2, Median: seconds(45)}); john.Reply.Replies != want.Replies || *john.Reply.Median != 45 ||
		*john.Reply.ByHour[23] != 60 || *john.Reply.ByHour[0] != 30 || john.Reply.ByHour[1] != nil {
		t.Errorf("John replies %+v, want %+v", john.Reply, want)
	}
	if john.OwnerReply.Replies != 2 || *john.OwnerReply.Median != 1260 || *john.OwnerReply.ByHour[23] != 2400 || !reflect.DeepEqual(john.OwnerReply, me.Reply) {
		t.Errorf("I reply %+v to John, %+v in all", john.OwnerReply, me.Reply)
	}
	if john.Silence == nil || john.Silence.Days != 9 || !john.Silence.To.Equal(begin.Add(9*24*time.Hour+41*time.Minute+35*time.Second)) {
		t.Errorf("silence %+v", john.Silence)
	}
	if want := []stats.Count{{"👍🏽", 3}, {"❤️", 1}}; !reflect.DeepEqual(john.Emoji, want) {
		t.Errorf("emoji %+v, want %+v", john.Emoji, want)
	}
	if want := []stats.Month{{"2024-01", 5}, {"2024-02", 2}}; !reflect.DeepEqual(r.Months, want) || r.Messages != 7 {
		t.Errorf("%d messages, months %+v, want %+v", r.Messages, r.Months, want)
	}
	if r.Hours[0][23] != 3 || r.Hours[1][0] != 2 {
		t.Errorf("hours %v", r.Hours)
	}
	if len(r.Groups) != 0 {
		t.Errorf("groups %+v", r.Groups)
	}
}

func TestGather_ZoneSetsHoursAndMonths(t *testing.T) {
	t.Parallel()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	r := gather(t, stats.Options{Zone: tokyo}, said{"+1", "+1", 48 * time.Hour, "hi", messages.Text})
	if r.Hours[3][8] != 1 || r.Months[0].Month != "2024-02" || r.Zone != "Asia/Tokyo" {
		t.Errorf("hours %v, months %+v", r.Hours, r.Months)
	}
}

func TestGather_Groups(t *testing.T) {
	t.Parallel()
	r := gather(t, stats.Options{Names: map[string]string{"+9": "Sam"}},
		said{"+1 +2 +9", "+2", 0, "first", messages.Text},
		said{"+9 +1 +2", "+9", time.Minute, "second", messages.Text},
		said{"+1 +2 +9", "+2", 3 * time.Minute, "third", messages.Text},
		said{"+1 +2 +9", "", 10 * time.Hour, "fourth", messages.Text},
		said{"+1 +2", "+1", time.Minute, "another group", messages.Text})
	if len(r.Groups) != 2 {
		t.Fatalf("groups %+v", r.Groups)
	}
	g := r.Groups[0]
	if !reflect.DeepEqual(g.Members, []string{"Sam", "John", "Zoë"}) && !reflect.DeepEqual(g.Members, []string{"John", "Sam", "Zoë"}) {
		t.Errorf("members %q", g.Members)
	}
	if g.Messages != 4 || g.Sessions != 2 || g.Reply.Replies != 2 || *g.Reply.Median != 120 {
		t.Errorf("group %+v", g)
	}
	if !reflect.DeepEqual(g.By[0], stats.Count{Name: "Zoë", Count: 2}) || len(g.By) != 3 || len(g.Started) != 2 {
		t.Errorf("by %+v, started %+v", g.By, g.Started)
	}
	// Replies of a person are those of the direct conversation.
	if zoe := person(t, r, "Zoë"); zoe.Messages != 2 || zoe.Reply.Replies != 0 || zoe.Sessions != 0 || zoe.Silence != nil {
		t.Errorf("Zoë: %+v", zoe)
	}
	person(t, r, "Sam")
}

func TestGather_WordsBeyondTheUsual(t *testing.T) {
	t.Parallel()
	var list []said
	for i := range 40 {
		text := "the house and the garden"
		if i%2 == 0 {
			text = "the Yacht, my yacht and 1 [phone abcdefgh] a"
		}
		list = append(list, said{"+1", []string{"+1", ""}[i%2], time.Minute, text, messages.Text})
	}
	r := gather(t, stats.Options{}, list...)
	words := func(p stats.Person) (list []string) {
		for _, u := range p.Beyond {
			list = append(list, u.Word)
		}
		return list
	}
	if got := words(person(t, r, "John")); len(got) == 0 || got[0] != "yacht" || strings.Contains(strings.Join(got, " "), "phone") {
		t.Errorf("John's words are %q", got)
	}
	if got := words(person(t, r, "Aidan")); !reflect.DeepEqual(got[:2], []string{"garden", "house"}) {
		t.Errorf("my words are %q", got)
	}
	if john := person(t, r, "John"); john.Beyond[0].Count != 40 {
		t.Errorf("yacht: %+v", john.Beyond[0])
	}
}

func TestDuration_Units(t *testing.T) {
	t.Parallel()
	for n, want := range map[float64]string{0: "0 s", 59: "59 s", 60: "1 min", 3599: "59 min", 3600: "1 h 00 min", 28799: "7 h 59 min"} {
		if got := stats.Duration(&n); got != want {
			t.Errorf("%v is %q, want %q", n, got, want)
		}
	}
	if stats.Duration(nil) != "–" {
		t.Error("none is something")
	}
}

// Row: a sentence said "within 3 hours" where the table said 3 h 26 min.
func TestHighlights_ReplyTimesAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	slow, fast, mine := 12360.0, 12300.0, 59.0
	zoe := stats.Person{Name: "Zoë", Habits: stats.Habits{Reply: stats.Reply{Replies: 20, Median: &slow}}}
	john := stats.Person{Name: "John", Habits: stats.Habits{Reply: stats.Reply{Replies: 20, Median: &fast}}}
	hers := "Zoë typically replies after 3 h 26 min, you after 59 seconds."
	zoe.OwnerReply.Median = &mine
	both := "John replies fastest, typically after 3 h 25 min; Zoë takes the longest, 3 h 26 min."
	for want, r := range map[string]*stats.Report{hers: {People: []stats.Person{zoe}}, both: {People: []stats.Person{zoe, john}}} {
		if got := r.Highlights(); !slices.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
		if !strings.Contains(want, stats.Duration(&slow)) {
			t.Errorf("the table says %s", stats.Duration(&slow))
		}
	}
}

func TestSilence_InWords(t *testing.T) {
	t.Parallel()
	for days, want := range map[float64]string{0.01: "less than an hour", 0.04: "1 hour", 0.25: "6 hours", 1: "1 day", 9.31: "9 days", 59.4: "59 days", 61: "2 months",
		700: "23 months", 731: "2 years", 1905.6: "5 years"} {
		if got := (stats.Silence{Days: days}).Length(); got != want {
			t.Errorf("%v days are %q, want %q", days, got, want)
		}
	}
}

package messages_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
)

// at is a time in seconds.
func at(seconds float64) int64 {
	start := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC).UnixNano()
	return start + int64(seconds*float64(time.Second))
}

// from adds a sender.
func from(sender string, e entry) entry {
	e.Sender = sender
	return e
}

// samePlus takes +1 and 1 for one person.
func samePlus(address string) string { return strings.TrimPrefix(address, "+") }

// What several chats of the same people hold is one message, however they spell people and identifiers, in whatever order
// the sources are collected.
func TestTwins_OneMessageOfSeveralSources(t *testing.T) {
	t.Parallel()
	old := []entry{from("+1", said("a1", at(0), "are you in?")), said("a2", at(10), "yes"), from("+1", said("a3", at(20), "caf\u00e9")), said("a4", at(30), "ok"), said("a5", at(31), "ok")}
	new := []entry{from("1", said("b1", at(0.4), "are you in?")), said("b2", at(10), "yes "), from("1", said("b3", at(21), "cafe\u0301")), said("b4", at(30), "ok"), said("b5", at(31), "ok"),
		from("1", said("b6", at(40), "new one"))}
	for _, first := range []bool{true, false} {
		db := create(t)
		order := []string{"sms old", "sms new"}
		if !first {
			slices.Reverse(order)
		}
		for range 2 {
			for _, source := range order {
				entries := old
				if source == "sms new" {
					entries = new
				}
				collect(t, db, source, messages.Whole, false, entries...)
			}
		}
		got := texts(read(t, db, samePlus))
		if len(got) != 6 || got[0] != "are you in?" || got[3] != "ok" || got[4] != "ok" || got[5] != "new one" {
			t.Errorf("first %v: messages are %q", first, got)
		}
	}
}

func TestTwins_OthersStay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		one, other string // names of the sources
		entry      entry
	}{
		"AnotherPerson":       {"a", "b", from("+2", said("b", at(0), "ok"))},
		"TheOwner":            {"a", "b", said("b", at(0), "ok")},
		"OtherWords":          {"a", "b", from("+1", said("b", at(0), "OK"))},
		"Later":               {"a", "b", from("+1", said("b", at(5), "ok"))},
		"OtherKind":           {"a", "b", entry{GUID: "b", Date: at(0), Sender: "+1", Kind: messages.Image, Text: "ok", Attachment: "f"}},
		"MinuteOfAnotherKind": {"whatsapp a", "sms b", from("+1", said("b", at(40), "ok"))},
		"NextMinute":          {"whatsapp a", "whatsapp-db b", from("+1", said("b", at(61), "ok"))},
	} {
		db := create(t)
		collect(t, db, c.one, messages.Whole, false, from("+1", said("a", at(0), "ok")))
		collect(t, db, c.other, messages.Whole, false, c.entry)
		if got := read(t, db, nil); len(got) != 2 {
			t.Errorf("%s: messages are %q", name, texts(got))
		}
	}
}

// Within one chat, the same words at the same time are two messages.
func TestTwins_NotWithinAChat(t *testing.T) {
	t.Parallel()
	db := create(t)
	collect(t, db, "a", messages.Whole, false, said("1", at(0), "ok"), said("2", at(0), "ok"), said("3", at(0), "ok"))
	collect(t, db, "b", messages.Whole, false, said("4", at(0), "ok"), said("5", at(0), "ok"))
	wantTexts(t, read(t, db, nil), "ok", "ok", "ok")
}

// An export tells minutes, the database of the same program tells seconds and what is answered.
func TestTwins_TheMorePreciseOneIsShown(t *testing.T) {
	t.Parallel()
	for _, databaseFirst := range []bool{true, false} {
		db := create(t)
		steps := []func(){
			func() {
				answer := said("d2", at(45), "me too")
				answer.TargetGUID, answer.TargetPart = "d1", messages.WholeMessage
				collect(t, db, "whatsapp-db x", messages.Whole, false, from("+1", said("d1", at(30), "so happy")), answer)
			},
			func() {
				collect(t, db, "whatsapp x", messages.Whole, false, said("e2", at(0), "me too"), from("+1", said("e1", at(0), "so happy")))
			},
		}
		if databaseFirst {
			slices.Reverse(steps)
		}
		steps[0]()
		steps[1]()
		got := read(t, db, nil)
		if wantTexts(t, got, "so happy", "me too"); len(got) == 2 && (got[0].Date != at(30) || got[1].QuotedText != "so happy") {
			t.Errorf("messages are %+v", got)
		}
	}
}

// A reaction without its time is the one that another program tells with it, once for each; whichever is collected first.
func TestTwins_ReactionsWithoutTimes(t *testing.T) {
	t.Parallel()
	loved := func(guid, to string, date int64) entry {
		return from("+1", entry{GUID: guid, Date: date, Row: date, Kind: messages.Reaction, Text: "Loved", TargetGUID: to, TargetPart: messages.WholeMessage})
	}
	for _, exportFirst := range []bool{true, false} {
		db := create(t)
		steps := []func(){
			func() {
				collect(t, db, "imessage-exporter x", messages.Span, false, said("e1", at(0), "so happy"), loved("e2", "e1", at(1)), said("e3", at(100), "bye"))
			},
			func() {
				collect(t, db, "imessage x", messages.Whole, false, said("d1", at(0.5), "so happy"), loved("d2", "d1", at(90)), said("d3", at(100), "bye"), loved("d4", "d3", at(200)))
			},
		}
		if !exportFirst {
			slices.Reverse(steps)
		}
		steps[0]()
		steps[1]()
		wantTexts(t, read(t, db, nil), "so happy", "Loved", "bye", "Loved")
	}
}

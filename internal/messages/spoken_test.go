package messages_test

import (
	"fmt"
	"slices"
	"testing"

	"ventriloquist/internal/messages"
)

func TestSpoken_ReactionToTheMessageThatItQuotes(t *testing.T) {
	t.Parallel()
	for said_, want := range map[string]string{
		"Loved “see you”": "Loved", "Liked “see you”": "Liked", "Disliked \"see you\"": "Disliked", "Laughed at “see you”": "Laughed",
		"Emphasized “see you”": "Emphasized", "Emphasised “see you”": "Emphasized", "Questioned “see you”": "Questioned",
		"Reacted 🔥 to “see you”": "🔥", "Liked “see…”": "Liked", "Le encantó “see you”": "Loved", "A aimé « see you »": "Liked",
		"A adoré «\u00a0see you\u00a0»": "Loved", "Reaccionó con 😂 a “see you”": "😂", "Loved an image": "Loved", "A attribué la mention « J’aime » à « see you »": "Liked", "Le gustó una imagen": "Liked",
	} {
		db := create(t)
		collect(t, db, "sms x", messages.Whole, false, said("1", at(0), "see you"), entry{GUID: "2", Date: at(5), Kind: messages.Image, Text: "a.png", Attachment: "f"},
			from("+1", said("3", at(60), said_)))
		got := read(t, db, nil)
		quoted := "see you"
		if got[2].QuotedKind == messages.Image {
			quoted = "a.png"
		}
		if m := got[2]; m.Kind != messages.Reaction || m.Text != want || !m.Replies || m.QuotedText != quoted {
			t.Errorf("%s is %+v", said_, m)
		}
	}
}

func TestSpoken_ElseWords(t *testing.T) {
	t.Parallel()
	before := []entry{said("1", at(0), "twice"), said("2", at(10), "twice"), said("3", at(20), "once"), said("4", at(30), "Liked")} // twice fits two
	for source, lines := range map[string][]string{
		"sms x": {"Liked “twice”", "Liked “never”", "Liked once", "Liked “on…", "He liked “once”", "Loved an image", "Reacted oddly to “once”", "Liked “once” a lot",
			"Hated “once”", "Liked “”", "Liked “…”", "Liked “…”!", "“once”"},
		"whatsapp x": {"Liked “once”"},
	} {
		for _, words := range lines {
			db := create(t)
			collect(t, db, source, messages.Whole, false, append(before[:4:4], from("+1", said("5", at(60), words)))...)
			if got := read(t, db, nil)[4]; got.Kind != messages.Text || got.Text != words || got.Replies {
				t.Errorf("%s is %+v", words, got)
			}
		}
	}
}

// A reaction is to a recent message.
func TestSpoken_OldMessagesAreNotMeant(t *testing.T) {
	t.Parallel()
	list := []entry{said("first", at(0), "long ago")}
	for i := range 100 {
		list = append(list, said(fmt.Sprint(i), at(float64(i+1)), fmt.Sprint("between ", i)))
	}
	db := create(t)
	collect(t, db, "sms x", messages.Whole, false, append(list, said("r", at(1000), "Liked “long ago”"), said("s", at(1001), "Liked “between 50”"),
		said("t", at(40*24*3600), "Liked “between 99”"))...)
	got := read(t, db, nil)[101:]
	if got[0].Kind != messages.Text || got[1].Kind != messages.Reaction || got[2].Kind != messages.Text {
		t.Errorf("they are %+v", got)
	}
}

// A reaction in words that is taken back in words is none, and neither are words.
func TestSpoken_TakenBack(t *testing.T) {
	t.Parallel()
	db := create(t)
	collect(t, db, "sms x", messages.Whole, false, said("1", at(0), "see you"), from("+1", said("2", at(60), "Loved “see you”")), said("3", at(70), "at noon"),
		from("+1", said("4", at(80), "Liked “see you”")), from("+2", said("5", at(85), "Liked “see you”")), from("+1", said("6", at(90), "Removed a like from “see you”")), said("7", at(100), "ok"),
		from("+2", said("8", at(110), "Removed a laugh from “see you”")))
	got := texts(read(t, db, nil))
	if want := []string{"see you", "Loved", "at noon", "Liked", "ok", "Removed a laugh from “see you”"}; !slices.Equal(got, want) {
		t.Errorf("messages are %q, want %q", got, want)
	}
}

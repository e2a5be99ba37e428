package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/usererr"
)

func TestGenerateOptions_ConversationOfFlagsAndContext(t *testing.T) {
	today := time.Now().UTC().Format(time.DateOnly)
	const header = `{"type": "group", "members": ["John", "Aidan"], "start": "2020-02-02"}` + "\n"
	const said = `{"name": "John", "delta": "<1d", "reply_to": null, "content_type": "image", "text": "a cat"}` + "\n"
	const hey = `{"name": "John", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey: you"}` + "\n"
	for _, c := range []struct {
		name, context string
		o             generateOptions
		want          string
	}{
		{"AsIsAdded", "", generateOptions{members: []string{"John"}}, `{"type": "dm", "members": ["Aidan", "John"], "start": "` + today + `"}` + "\n"},
		{"Sorted", "", generateOptions{members: []string{"Zoe", "John", "Aidan"}, start: "2021-01-01"},
			`{"type": "group", "members": ["Aidan", "John", "Zoe"], "start": "2021-01-01"}` + "\n"},
		{"TypeGiven", "", generateOptions{members: []string{"John"}, kind: "group", start: "2021-01-01"},
			`{"type": "group", "members": ["Aidan", "John"], "start": "2021-01-01"}` + "\n"},
		{"SpeakersAreMembers", said, generateOptions{messages: []string{"Zoe: a,b"}, start: "2021-01-01"},
			`{"type": "group", "members": ["Aidan", "John", "Zoe"], "start": "2021-01-01"}` + "\n" + said +
				`{"name": "Zoe", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "a,b"}` + "\n"},
		{"Header", header + said, generateOptions{messages: []string{"John: hey: you"}},
			`{"type": "group", "members": ["Aidan", "John"], "start": "2020-02-02"}` + "\n" + said + hey},
		{"FlagsOverHeader", header, generateOptions{members: []string{"Aidan"}, kind: "dm", start: "2021-01-01"},
			`{"type": "dm", "members": ["Aidan", "John"], "start": "2021-01-01"}` + "\n"},
		{"JoinsHeader", strings.Replace(header, "group", "dm", 1), generateOptions{members: []string{"Zoe"}},
			`{"type": "group", "members": ["Aidan", "John", "Zoe"], "start": "2020-02-02"}` + "\n"},
		{"ContextByOthers", said, generateOptions{members: []string{"Zoe"}, start: "2021-01-01"},
			`{"type": "dm", "members": ["Aidan", "Zoe"], "start": "2021-01-01"}` + "\n" + said},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.as, c.o.context = "Aidan", "-"
			got, err := c.o.conversation(strings.NewReader(c.context))
			if err != nil {
				t.Fatal(err)
			}
			if want := c.want + `{"name": "Aidan", "`; got.Prompt("Aidan") != want {
				t.Errorf("got\n%s\nwant\n%s", got.Prompt("Aidan"), want)
			}
		})
	}
}

func TestGenerateOptions_UnknownSpeaker(t *testing.T) {
	for _, o := range []generateOptions{
		{members: []string{"John"}, messages: []string{"Jon: hey"}},
		{messages: []string{"hey"}},
		{messages: []string{"John:"}},
	} {
		o.as = "Aidan"
		if _, err := o.conversation(nil); !errors.Is(err, usererr.ErrUsage) || usererr.Of(err) == "" {
			t.Errorf("%q: error %v", o.messages, err)
		}
	}
}

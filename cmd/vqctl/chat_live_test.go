package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/generate/chat"
	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/usererr"
)

// standIn is a sender that writes into chat.db what it is to send, as Messages does.
type standIn struct {
	t       *testing.T
	source  string
	unready error
	sent    []string
}

func (s *standIn) Ready() error { return s.unready }
func (s *standIn) Send(_ context.Context, to, text string) error {
	s.sent = append(s.sent, to+" "+text)
	grow(s.t, s.source, chatdb.Message{Chat: 1, FromMe: true, Text: text})
	return nil
}

// grow adds a message to a database.
func grow(t *testing.T, source string, m chatdb.Message) {
	t.Helper()
	w, err := chatdb.Append(source, chatdb.Latest)
	if err != nil {
		t.Fatal(err)
	}
	m.Date = time.Date(2024, 3, 15, 13, 0, 0, 0, time.UTC)
	w.Message(m)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// parrot writes candidates.
type parrot struct{ generate.Writer }

func (parrot) PromptTokens(*generate.Conversation, string) int { return 1 }
func (parrot) Write(_ context.Context, _ *generate.Conversation, _ string, n int, _ generate.Options, _ generate.Stream) ([]generate.Continuation, error) {
	all := make([]generate.Continuation, n)
	for i := range all {
		all[i].Text = []byte(`delta": "<1m", "reply_to": null, "content_type": "text", "text": "on my way"}` + "\n")
	}
	return all, nil
}

// writeLive writes a chat.db of John and two groups, and returns options to follow one of its conversations.
func writeLive(t *testing.T, name string) chatOptions {
	t.Helper()
	t.Setenv("USER_IDENTIFIERS", "")
	source, data := filepath.Join(t.TempDir(), "chat.db"), t.TempDir()
	w, err := chatdb.Create(source, chatdb.Latest)
	if err != nil {
		t.Fatal(err)
	}
	john, zoe := w.Handle("+15550000001", "iMessage"), w.Handle("+15550000002", "iMessage")
	at := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		guid, name, text string
		handles          []int64
	}{{"any;-;+15550000001", "", "hey", []int64{john}}, {"any;+;chat1", "Climbing", "rope?", []int64{john, zoe}}} {
		chat := w.Chat(chatdb.Chat{Group: len(c.handles) > 1, Handles: c.handles, Name: c.name, Columns: map[string]any{"guid": c.guid}})
		w.Message(chatdb.Message{Chat: chat, Handle: john, Date: at, Text: c.text})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const people = `{"contact": "John", "ids": ["+15550000001"]}` + "\n" + `{"contact": "Zoe", "ids": ["+15550000002"]}` + "\n"
	if err := os.WriteFile(filepath.Join(data, contactsName), []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	o := chatOptions{live: liveOptions{chat: name, source: source, contacts: contactsOptions{dataDir: data}}}
	o.dialogue = chat.Options{Owner: "Ann", Now: time.Now, MaxTokens: 100, Sample: generate.Options{Sampling: generate.Sampling{Temperature: 1}}}
	return o
}

// From chat.db to the sender and back: messages arrive, a candidate is offered, shown, confirmed, sent, and arrives as a message.
func TestLiveChat_GrowsAndSends(t *testing.T) {
	o := writeLive(t, "john")
	s := &standIn{t: t, source: o.live.source}
	if err := o.startLive(t.Context(), newLiveChat(&o.live, "Ann", true, s)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	d := chat.New(o.dialogue, parrot{}, &out)
	d.Greet()
	grow(t, o.live.source, chatdb.Message{Chat: 1, Handle: 1, Text: "are you coming?"})
	<-d.News()
	d.Refresh(t.Context())
	for _, turn := range []string{"/alternatives 1", "/send 1", "yes"} {
		if _, err := d.Enter(t.Context(), turn); err != nil {
			t.Fatal(err)
		}
	}
	<-d.News()
	d.Refresh(t.Context())
	if want := "any;-;+15550000001 on my way\n" + chat.Disclosure; len(s.sent) != 1 || s.sent[0] != want {
		t.Errorf("sent %q, want %q", s.sent, want)
	}
	for _, want := range []string{"have a right to know", "  John: hey\n", "  John, hours later: are you coming?\n1  Ann: on my way\n", "to John (any;-;+15550000001):\n  | on my way\n", "  Ann: on my way\n  Ann: " + chat.Disclosure} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q was not shown:\n%s", want, out.String())
		}
	}
	l := &liveChat{options: &o.live}
	if l.explained(t.Context()) {
		t.Error("it counts as explained before it was")
	}
	if o.live.recordExplained(t.Context()); !l.explained(t.Context()) {
		t.Error("it is explained twice")
	}
}

// A conversation is named by a group's name or by its members, and what is sent goes there.
func TestLiveChat_FindsTheConversation(t *testing.T) {
	for name, want := range map[string]string{"climbing": "any;+;chat1", "Zoe, john": "any;+;chat1", "JOHN": "any;-;+15550000001", "Jon": "", "Zoe": "", ",": ""} {
		o := writeLive(t, name)
		l := newLiveChat(&o.live, "Ann", true, &standIn{})
		err := o.startLive(t.Context(), l)
		if want == "" {
			if !errors.Is(err, usererr.ErrUsage) || !strings.Contains(err.Error()+usererr.Of(err), "John") {
				t.Errorf("%q: %v, %s", name, err, usererr.Of(err))
			}
			continue
		}
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if to, err := l.Receiver(t.Context()); err != nil || to.ID != want {
			t.Errorf("%q is sent to %+v, %v; want %s", name, to, err, want)
		}
	}
}

// A group whose members changed has several conversations of one name: the one with the latest message counts.
func TestLiveChat_FollowsAGroupWhoseMembersChange(t *testing.T) {
	o := writeLive(t, "CLIMBING")
	w, err := chatdb.Append(o.live.source, chatdb.Latest)
	if err != nil {
		t.Fatal(err)
	}
	three := w.Chat(chatdb.Chat{Group: true, Handles: []int64{1, 2, w.Handle("+15550000003", "iMessage")}, Name: "Climbing", Columns: map[string]any{"guid": "any;+;chat2"}})
	w.Message(chatdb.Message{Chat: three, Handle: 1, Date: time.Date(2024, 3, 15, 14, 0, 0, 0, time.UTC), Text: "welcome"})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l := newLiveChat(&o.live, "Ann", true, &standIn{})
	if err := o.startLive(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if to, err := l.Receiver(t.Context()); err != nil || to.ID != "any;+;chat2" || len(o.dialogue.LiveNow.Messages) != 1 || o.dialogue.LiveNow.Messages[0].Text != "welcome" {
		t.Errorf("it follows %+v and sends to %+v, %v", o.dialogue.LiveNow, to, err)
	}
}

// A person counts before a group of the same name, whichever has the latest message.
func TestLiveChat_APersonCountsBeforeAGroup(t *testing.T) {
	o := writeLive(t, "john")
	w, err := chatdb.Append(o.live.source, chatdb.Latest)
	if err != nil {
		t.Fatal(err)
	}
	w.Exec(`UPDATE chat SET display_name = 'John' WHERE guid = 'any;+;chat1'`)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	grow(t, o.live.source, chatdb.Message{Chat: 2, Handle: 2, Text: "later"})
	l := newLiveChat(&o.live, "Ann", true, &standIn{})
	if err := o.startLive(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if to, err := l.Receiver(t.Context()); err != nil || to.ID != "any;-;+15550000001" {
		t.Errorf("it is sent to %+v, %v", to, err)
	}
}

// Without a Mac, or without a terminal in which it is shown, nothing is sent.
func TestLiveChat_SaysWhyNothingCanBeSent(t *testing.T) {
	o := writeLive(t, "John")
	s := &standIn{unready: errors.New("only a Mac sends")}
	l := newLiveChat(&o.live, "Ann", false, s)
	if err := o.startLive(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Receiver(t.Context()); err == nil || err.Error() != "only a Mac sends" {
		t.Errorf("error %v", err)
	}
	s.unready = nil
	if _, err := l.Receiver(t.Context()); err == nil || !strings.Contains(err.Error(), "no terminal") {
		t.Errorf("error %v", err)
	}
}

func TestChat_LiveExcludesOtherConversations(t *testing.T) {
	for _, args := range [][]string{{"--live", "John", "--member", "Zoe"}, {"--live", "John", "--context", "x"}, {"--no-disclosure"}, {"--live", ""}} {
		out, err := command(t.TempDir(), []string{"MY_NAME=Ann"}, append([]string{"chat"}, args...)...).CombinedOutput()
		if err == nil || !contains(out, "live") {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}

package windows_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

func TestBuild_SplitsTextAtLineBreaks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"LF":            {"a\nb", []string{"a", "b"}},
		"CR":            {"a\rb", []string{"a", "b"}},
		"CRLF":          {"a\r\nb", []string{"a", "b"}},
		"Mixed":         {"a\n\rb\r\n\r\nc", []string{"a", "b", "c"}},
		"LastOne":       {"a\n", []string{"a"}},
		"U_2028Stays":   {"a\u2028b\u2029c", []string{"a\u2028b\u2029c"}},
		"OthersStay":    {"a\vb\fc\u0085d", []string{"a\vb\fc\u0085d"}},
		"WhiteSpace":    {" \ta  b\u00a0 \n\u3000c\u2003", []string{"a  b", "c"}},
		"OnlySpaceGoes": {"a\n \u00a0\t\nb", []string{"a", "b"}},
		"U_FFFCGoes":    {"\uFFFCa\uFFFCb\n\uFFFC\n \uFFFC c", []string{"ab", "c"}},
		"U_FFFDStays":   {"a\uFFFD", []string{"a\uFFFD"}},
		"ZeroWidthStay": {"\u200b", []string{"\u200b"}},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for _, line := range c.want {
				lines = append(lines, "Aidan: "+line)
			}
			want(t, messagesOf(t, said(c.text)), lines...)
		})
	}
}

func TestBuild_DropsEmptyMessages(t *testing.T) {
	t.Parallel()
	_, summary, _ := build(t, options(100, 1), said("hello", " \n ", "", "\uFFFC", "bye"))
	if summary.Messages != 2 || summary.LeftOut.Empty != 3 {
		t.Errorf("%d messages, %d empty; want 2 and 3", summary.Messages, summary.LeftOut.Empty)
	}
}

func TestBuild_AttachmentTextIsDescriptionOrFileName(t *testing.T) {
	t.Parallel()
	entries := said("see", "IMG_1.HEIC", "IMG_2.HEIC", "")
	for i, e := range entries[1:] {
		entries[i+1].Kind, entries[i+1].Attachment = messages.Image, "at-"+e.GUID
	}
	_, _, db := build(t, options(100, 1), entries)
	_, err := db.SQL().Exec(`INSERT INTO attachment_descriptions (attachment_guid, description) VALUES ('at-guid-2', ' A sunset
		over the ocean ')`)
	if err != nil {
		t.Fatal(err)
	}
	all := readAll(t, export(t, options(100, 1), db))
	last := all[len(all)-1]
	var got []windows.Message
	for _, line := range last.Lines {
		m, err := windows.ParseMessage(line.Text)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	want(t, got, "Aidan: see", "John: A sunset over the ocean", "Aidan: IMG_2.HEIC")
	if got[1].ContentType != "image" {
		t.Errorf("content type %s, want image", got[1].ContentType)
	}
}

func TestBuild_TranscriptDescribesVoiceMessage(t *testing.T) {
	t.Parallel()
	entries := said("Audio Message.caf", "yes")
	entries[0].Kind, entries[0].Attachment, entries[0].Transcript = messages.Audio, "voice", "are you\ncoming"
	entries[1].TargetGUID = "guid-1"
	got := messagesOf(t, entries)
	want(t, got, "Aidan: are you coming", "John: yes")
	if got[1].ReplyTo == nil || *got[1].ReplyTo != "are you coming" {
		t.Errorf("reply_to %v, want the transcript", got[1].ReplyTo)
	}
}

func TestBuild_ReactionQuotesItsTarget(t *testing.T) {
	t.Parallel()
	entries := said("beautiful!", "Loved", "🔥")
	for i := range entries[1:] {
		entries[i+1].Kind, entries[i+1].TargetGUID = messages.Reaction, "guid-1"
	}
	got := messagesOf(t, entries)
	want(t, got, "Aidan: beautiful!", "John: Loved", "Aidan: 🔥")
	for _, m := range got[1:] {
		if m.ContentType != "reaction" || m.ReplyTo == nil || *m.ReplyTo != "beautiful!" {
			t.Errorf("got %+v", m)
		}
	}
}

func TestBuild_DropsReactionWithoutTarget(t *testing.T) {
	t.Parallel()
	entries := said("hi", " ", "Loved", "Liked")
	entries[2].Kind, entries[2].TargetGUID = messages.Reaction, "guid-2"  // to a message without words
	entries[3].Kind, entries[3].TargetGUID = messages.Reaction, "guid-99" // to none
	want(t, messagesOf(t, entries), "Aidan: hi")
}

func TestBuild_EachLineOfAReplyQuotesTheFirstLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 51)
	entries := said("\n"+long+"\nsecond", "one\ntwo", "to nothing")
	entries[1].TargetGUID = "guid-1"
	entries[2].TargetGUID = "guid-99"
	got := messagesOf(t, entries)
	quote := strings.Repeat("é", 50) + "..."
	want(t, got, "Aidan: "+long, "Aidan: second", "John: one", "John: two", "Aidan: to nothing")
	for _, m := range got[2:4] {
		if m.ReplyTo == nil || *m.ReplyTo != quote {
			t.Errorf("%q quotes %v, want %q", m.Text, m.ReplyTo, quote)
		}
	}
	if got[4].ReplyTo != nil {
		t.Errorf("an answer to a message that is not there quotes %q", *got[4].ReplyTo)
	}
}

func TestBuild_DeltaSincePreviousMessage(t *testing.T) {
	t.Parallel()
	entries := said("a", "b\nc", "d")
	entries[1].Date = monday.Add(3 * time.Minute).UnixNano()
	entries[2].Date = monday.Add(30 * time.Hour).UnixNano()
	exported, _, _ := build(t, options(100, 1), entries)
	all := readAll(t, exported)
	for i, want := range []string{"<1m", "<5m", "<1m", "1d+"} {
		m, err := windows.ParseMessage(all[3].Lines[i].Text)
		if err != nil || m.Delta != want {
			t.Errorf("message %d has delta %s (%v), want %s", i, m.Delta, err, want)
		}
	}
}

func TestBuild_FirstMessageHasShortestDelta(t *testing.T) {
	t.Parallel()
	entries := said("a", "b", "c", "d")
	for i := range entries {
		entries[i].Date = monday.Add(time.Duration(i) * 48 * time.Hour).UnixNano()
	}
	exported, _, _ := build(t, options(2, 1), entries)
	for i, w := range readAll(t, exported) {
		m, err := windows.ParseMessage(w.Lines[0].Text)
		if err != nil || m.Delta != "<1m" {
			t.Errorf("window %d begins with %s", i, w.Lines[0].Text)
		}
		h, err := windows.ParseHeader(w.Header)
		day := monday.AddDate(0, 0, 2*max(0, i-1)).Format(time.DateOnly)
		if err != nil || h.Start != day {
			t.Errorf("window %d starts on %s, want %s", i, h.Start, day)
		}
	}
}

// Fault 15 of the reference: messages sent at the same moment had no order.
func TestBuild_EqualTimesAreOrderedByRow(t *testing.T) {
	t.Parallel()
	entries := said("a", "b", "c", "d")
	for i := range entries {
		entries[i].Date = monday.UnixNano()
		entries[i].Row = int64(10 - i)
		entries[i].members = []string{[]string{"+1", "j@x.org"}[i%2]} // two chats with one person
	}
	want(t, messagesOf(t, entries), "John: d", "Aidan: c", "John: b", "Aidan: a")
}

func TestBuild_JoinsChatsOfTheSamePeople(t *testing.T) {
	t.Parallel()
	entries := said("a", "b", "c", "d")
	entries[1].members, entries[1].Sender = []string{"j@x.org"}, "j@x.org"
	entries[2].group = true
	entries[3].group, entries[3].members = true, []string{"+1", "me@x.org"}
	exported, summary, _ := build(t, options(100, 1), entries)
	if summary.Conversations != 1 {
		t.Errorf("%d conversations, want 1", summary.Conversations)
	}
	all := readAll(t, exported)
	if h := string(all[3].Header); !strings.Contains(h, `{"type": "dm", "members": ["Aidan", "John"]`) {
		t.Errorf("header %s", h)
	}
	want(t, messagesOf(t, entries), "Aidan: a", "John: b", "Aidan: c", "John: d")
}

func TestBuild_GroupsNeedEveryoneListed(t *testing.T) {
	t.Parallel()
	entries := said("both known", "one stranger", "a direct one", "two strangers")
	entries[0].group, entries[0].members = true, []string{"+2", "+1"}
	entries[1].group, entries[1].members = true, []string{"+1", "+9"}
	entries[2].members, entries[2].Sender = []string{"+9"}, ""
	entries[3].group, entries[3].members = true, []string{"+9", "+8", "+1"}
	exported, summary, _ := build(t, options(100, 1), entries)
	all := readAll(t, exported)
	if len(all) != 1 || !strings.Contains(string(all[0].Header), `"group", "members": ["Aidan", "John", "Zoë"]`) {
		t.Errorf("%d windows, the first with header %s", len(all), all[0].Header)
	}
	left := summary.LeftOut
	if left.Conversations != 3 || left.Messages != 3 || fmt.Sprint(left.People) != "[{+9 3} {+8 1}]" {
		t.Errorf("left out %+v", left)
	}
}

// John joined by one address after these messages; the other one is still on the list, or was used later.
func TestBuild_FirstAddressDecidesPresence(t *testing.T) {
	t.Parallel()
	entries := said("before John came", "with John")
	entries[0].group, entries[0].absent, entries[0].members = true, []string{"j@x.org", "+9"}, []string{"+1", "+2"}
	entries[1].group, entries[1].members = true, []string{"+1", "+2"}
	exported, summary, _ := build(t, options(100, 1), entries)
	if h := string(readAll(t, exported)[0].Header); !strings.Contains(h, `"members": ["Aidan", "John", "Zoë"]`) || summary.Conversations != 2 {
		t.Errorf("%d conversations, the first with header %s", summary.Conversations, h)
	}
	if h := string(readAll(t, exported)[1].Header); !strings.Contains(h, `{"type": "dm", "members": ["Aidan", "Zoë"]`) {
		t.Errorf("before John came: header %s", h)
	}
}

// Notes to oneself are not part of a conversation.
func TestBuild_LeavesOutNotesToOneself(t *testing.T) {
	t.Parallel()
	entries := said("hi", "note", "note to nobody")
	entries[1].members, entries[1].Sender = []string{"me@x.org"}, "me@x.org"
	entries[2].members, entries[2].group = nil, true
	exported, summary, _ := build(t, options(100, 1), entries)
	if summary.Messages != 1 || summary.LeftOut.ToOneself != 2 || strings.Contains(exported, "note") {
		t.Errorf("summary %+v", summary)
	}
}

func TestBuild_OwnersOtherAddressesAreTheOwner(t *testing.T) {
	t.Parallel()
	entries := said("hi", "from my iPad")
	entries[1].Sender = "me@x.org"
	want(t, messagesOf(t, entries), "Aidan: hi", "Aidan: from my iPad")
}

func TestBuild_UnlistedAddressInADirectChat(t *testing.T) {
	t.Parallel()
	entries := said("hi", "from my other mail")
	entries[1].Sender = "john@work.example"
	want(t, messagesOf(t, entries), "Aidan: hi", "John: from my other mail")
}

func TestBuild_IsRepeatable(t *testing.T) {
	t.Parallel()
	exported, first, db := build(t, options(3, 1), said("a", "b", "c", "d", "e"))
	if again := export(t, options(3, 1), db); again != exported {
		t.Error("building again changed the windows")
	}
	if second := rebuild(t, options(3, 1), db); fmt.Sprint(*second) != fmt.Sprint(*first) {
		t.Errorf("summary %+v, then %+v", first, second)
	}
}

func TestBuild_FailureKeepsOldWindows(t *testing.T) {
	t.Parallel()
	exported, _, db := build(t, options(3, 1), said("a", "b", "c"))
	strangers := options(3, 1)
	strangers.People = func(string) (string, bool) { return "", false }
	if _, err := windows.Build(context.Background(), db, strangers); err == nil {
		t.Fatal("no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	interrupted := options(3, 1)
	interrupted.People = func(address string) (string, bool) { cancel(); return contacts(address) }
	if _, err := windows.Build(ctx, db, interrupted); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted, it returned %v", err)
	}
	var out strings.Builder
	if err := windows.Export(context.Background(), db, &out, nil); err != nil || out.String() != exported {
		t.Errorf("the old windows are gone (%v)", err)
	}
}

func TestBuild_Errors(t *testing.T) {
	t.Parallel()
	stranger := said("hello", "you")
	for i := range stranger {
		stranger[i].members = []string{"+1999"}
	}
	oneself := said("note")
	oneself[0].members = []string{"me@x.org"}
	for name, c := range map[string]struct {
		entries    []entry
		want, hint string
	}{
		"Empty":         {nil, "holds no messages", "vqctl collect"},
		"NobodyListed":  {stranger, " is in the contacts file (1 person)", `"+1999"`},
		"OnlyToOneself": {oneself, "only messages to yourself", ""},
		"NoWords":       {said(" ", ""), "any words", ""},
	} {
		t.Run(name, func(t *testing.T) {
			db := newDB(t)
			fill(t, db, c.entries)
			_, err := windows.Build(context.Background(), db, options(100, 1))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(usererr.Of(err), c.hint) {
				t.Errorf("error %v, hint %q", err, usererr.Of(err))
			}
		})
	}
}

func TestOptions_Check(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		window, stride int
		ok             bool
	}{{100, 1, true}, {1, 1, true}, {4, 4, true}, {0, 1, false}, {-1, 1, false}, {4, 0, false}, {4, 5, false}} {
		o := options(c.window, c.stride)
		if err := o.Check(); (err == nil) != c.ok || err != nil && !errors.Is(err, usererr.ErrUsage) {
			t.Errorf("window %d, stride %d: %v", c.window, c.stride, err)
		}
	}
}

func TestBuild_KeepsTheFilePrivate(t *testing.T) {
	t.Parallel()
	_, _, db := build(t, options(3, 1), said("a"))
	info, err := os.Stat(db.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestOpenDatabase_NoWindowsNamesTheCommand(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	_, err := windows.OpenDatabase(context.Background(), db.Path(), nil)
	if err == nil || !strings.Contains(usererr.Of(err), "vqctl preprocess") {
		t.Errorf("error %v, hint %q", err, usererr.Of(err))
	}
}

// The tables state how many messages there are, which decides how much memory is allocated: they are not believed.
func TestOpenDatabase_RefusesRangesOfNoMessages(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"Huge":     `UPDATE training_conversations SET last = 1 << 40`,
		"Largest":  `UPDATE training_conversations SET last = 9223372036854775807`,
		"Negative": `UPDATE training_conversations SET first = -9223372036854775807`,
		"Reversed": `UPDATE training_conversations SET last = 0`,
		"Windows":  `UPDATE training_run SET first = -9223372036854775807, last = 9223372036854775807`,
	} {
		_, _, db := build(t, options(3, 1), said("a", "b", "c"))
		if _, err := db.SQL().Exec(change); err != nil {
			t.Fatal(err)
		}
		if _, err := windows.OpenDatabase(t.Context(), db.Path(), nil); err == nil || !strings.Contains(err.Error(), "range") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestOpenFile_RefusesAPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "windows.jsonl")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := windows.OpenFile(t.Context(), path, nil); !errors.Is(err, regularfile.ErrKind) {
		t.Errorf("error %v", err)
	}
	if _, err := windows.DropMember(path, "John"); !errors.Is(err, regularfile.ErrKind) {
		t.Errorf("error %v", err)
	}
}

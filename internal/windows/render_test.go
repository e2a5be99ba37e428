package windows_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ventriloquist/internal/windows"
)

// golden calls check with each decoded line of a file in testdata/. The files were written by Python:
// testdata/make_golden.py.
func golden[T any](t *testing.T, name string, check func(t *testing.T, c T)) {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases := 0
	for in := bufio.NewScanner(f); in.Scan(); cases++ {
		var c T
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			t.Fatalf("%s:%d: %v", name, cases+1, err)
		}
		check(t, c)
	}
	if cases == 0 {
		t.Fatalf("%s is empty", name)
	}
}

// fromHex decodes a text that a golden file spells in hexadecimal.
func fromHex(t *testing.T, s string) string {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAppendString_MatchesPython(t *testing.T) {
	t.Parallel()
	type example struct{ Hex, JSON string }
	golden(t, "strings.jsonl", func(t *testing.T, c example) {
		in, want := fromHex(t, c.Hex), fromHex(t, c.JSON)
		if got := string(windows.AppendString(nil, in)); got != want {
			t.Errorf("AppendString(%q) = %s, Python writes %s", in, got, want)
		}
		if got := string(windows.AppendString(nil, []byte(in))); got != want {
			t.Errorf("AppendString([]byte(%q)) = %s, Python writes %s", in, got, want)
		}
	})
}

func TestAppendString_InvalidUTF8BecomesU_FFFD(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\xffb":           `"a` + "\uFFFD" + `b"`,
		"\xe2\x82":         `"` + "\uFFFD\uFFFD" + `"`,             // truncated: a mark for each byte
		"\xed\xa0\xbd":     `"` + "\uFFFD\uFFFD\uFFFD" + `"`,       // a surrogate on its own
		"\xc0\x80":         `"` + "\uFFFD\uFFFD" + `"`,             // overlong
		"\xf4\x90\x80\x80": `"` + "\uFFFD\uFFFD\uFFFD\uFFFD" + `"`, // above U+10FFFF
		"\uFFFD":           `"` + "\uFFFD" + `"`,                   // one that was there stays one
	} {
		if got := string(windows.AppendString(nil, in)); got != want {
			t.Errorf("AppendString(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("hey \"you\"\n\x7f\u2028\xff")
	f.Fuzz(func(t *testing.T, in string) {
		out := windows.AppendString(nil, in)
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("AppendString(%q) = %q is not JSON: %v", in, out, err)
		}
		if want := strings.ToValidUTF8(in, "\uFFFD"); utf8.ValidString(in) && back != want {
			t.Fatalf("%q came back as %q", in, back)
		}
		if !utf8.Valid(out) {
			t.Fatalf("AppendString(%q) = %q is not UTF-8", in, out)
		}
	})
}

func TestAppendMessage_MatchesPython(t *testing.T) {
	t.Parallel()
	type example struct {
		Message struct {
			Name, Delta, Text string
			ReplyTo           *string `json:"reply_to"`
			ContentType       string  `json:"content_type"`
		}
		Line       string
		Header     windows.Header
		HeaderLine string `json:"header_line"`
	}
	golden(t, "lines.jsonl", func(t *testing.T, c example) {
		m := windows.Message{Name: c.Message.Name, Delta: c.Message.Delta, ReplyTo: c.Message.ReplyTo,
			ContentType: c.Message.ContentType, Text: c.Message.Text}
		want := fromHex(t, c.Line)
		if got := string(windows.AppendMessage(nil, &m)); got != want {
			t.Errorf("AppendMessage: got %s, Python writes %s", got, want)
		}
		back, err := windows.ParseMessage([]byte(want))
		if err != nil || back.Text != m.Text || back.Name != m.Name || (back.ReplyTo == nil) != (m.ReplyTo == nil) {
			t.Errorf("ParseMessage(%q) = %+v, %v", want, back, err)
		}
		want = fromHex(t, c.HeaderLine)
		if got := string(windows.AppendHeader(nil, c.Header)); got != want {
			t.Errorf("AppendHeader: got %s, Python writes %s", got, want)
		}
		if _, err := windows.ParseHeader([]byte(want)); err != nil {
			t.Errorf("ParseHeader(%q): %v", want, err)
		}
	})
}

func TestAppendMessage_DesignExample(t *testing.T) {
	t.Parallel()
	quote := "beautiful!"
	header := windows.NewHeader("", []string{"John", "Aidan"}, "2024-03-15")
	got := windows.AppendHeader(nil, header)
	for _, m := range []windows.Message{
		{Name: "Aidan", Delta: "<1m", ContentType: "text", Text: "hey what's up"},
		{Name: "John", Delta: "<5m", ContentType: "image", Text: "A sunset photo over the ocean"},
		{Name: "John", Delta: "<1m", ReplyTo: &quote, ContentType: "reaction", Text: "Loved"},
	} {
		got = windows.AppendMessage(got, &m)
	}
	const want = `{"type": "dm", "members": ["Aidan", "John"], "start": "2024-03-15"}
{"name": "Aidan", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey what's up"}
{"name": "John", "delta": "<5m", "reply_to": null, "content_type": "image", "text": "A sunset photo over the ocean"}
{"name": "John", "delta": "<1m", "reply_to": "beautiful!", "content_type": "reaction", "text": "Loved"}
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestStartDate_IsTheUTCDate(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("east", 10*3600)
	if got := windows.StartDate(time.Date(2024, 3, 16, 4, 0, 0, 0, east)); got != "2024-03-15" {
		t.Errorf("start %s, want 2024-03-15", got)
	}
}

func TestNewHeader_SortsAndInfersType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, members, want string
	}{
		{"", "John,Aidan", `{"type": "dm", "members": ["Aidan", "John"], "start": "2024-01-02"}`},
		{"", "Aidan", `{"type": "dm", "members": ["Aidan"], "start": "2024-01-02"}`},
		{"", "B,A,B", `{"type": "dm", "members": ["A", "B"], "start": "2024-01-02"}`},
		{"", "Zoe,John,Aidan", `{"type": "group", "members": ["Aidan", "John", "Zoe"], "start": "2024-01-02"}`},
		{"group", "John,Aidan", `{"type": "group", "members": ["Aidan", "John"], "start": "2024-01-02"}`},
	} {
		got := string(windows.AppendHeader(nil, windows.NewHeader(c.kind, strings.Split(c.members, ","), "2024-01-02")))
		if got != c.want+"\n" {
			t.Errorf("NewHeader(%q, %q) = %s", c.kind, c.members, got)
		}
	}
}

func TestDelta_Buckets(t *testing.T) {
	t.Parallel()
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, c := range []struct {
		since time.Duration
		want  string
	}{
		{-h, "<1m"}, {0, "<1m"}, {m - 1, "<1m"}, {m, "<5m"}, {5*m - 1, "<5m"}, {5 * m, "<1h"}, {h - s, "<1h"},
		{h, "<12h"}, {12*h - 1, "<12h"}, {12 * h, "<1d"}, {24*h - 1, "<1d"}, {24 * h, "1d+"}, {9000 * h, "1d+"},
	} {
		if got := windows.Delta(c.since); got != c.want {
			t.Errorf("Delta(%v) = %s, want %s", c.since, got, c.want)
		}
		if !windows.ValidDelta(windows.Delta(c.since)) {
			t.Errorf("Delta(%v) is not valid", c.since)
		}
	}
}

// Fault 16 of the reference: its list of valid deltas has "<1m>", so it rejects every message with "<1m".
func TestDelta_ShortestIsValid(t *testing.T) {
	t.Parallel()
	if !windows.ValidDelta("<1m") || windows.ValidDelta("<1m>") {
		t.Error(`"<1m" is valid and "<1m>" is not`)
	}
}

func TestQuote_FiftyCodePoints(t *testing.T) {
	t.Parallel()
	type example struct{ Text, Quote string }
	golden(t, "quotes.jsonl", func(t *testing.T, c example) {
		if got := windows.Quote(c.Text); got != c.Quote {
			t.Errorf("Quote(%q) = %q, Python's text[:50] gives %q", c.Text, got, c.Quote)
		}
	})
}

package imessage

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"howett.net/plist"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/typedstream"
)

func asPlist(tb testing.TB, content any, format int) []byte {
	tb.Helper()
	data, err := plist.Marshal(content, format)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

var fuzzBody = typedstream.Encode(&typedstream.Body{Text: "a\uFFFCb", Runs: []typedstream.Run{{Length: 1}, {Length: 5}}})

// FuzzRow gives whatever somebody may send to what reads the body, the payload and the history of a row.
func FuzzRow(f *testing.F) {
	history := asPlist(f, map[string]any{"ec": map[string]any{"0": []any{map[string]any{"t": fuzzBody}}}, "rp": []int{1}, "otr": map[string]any{"0": 1, "1": 2}}, plist.BinaryFormat)
	payload := asPlist(f, map[string]any{"$top": map[string]any{"root": plist.UID(1)},
		"$objects": []any{"$null", map[string]any{"NS.keys": []any{plist.UID(2)}, "NS.objects": []any{plist.UID(3)}}, "ldtext", "words"}}, plist.BinaryFormat)
	f.Add(fuzzBody, "words", []byte{}, []byte{})
	f.Add([]byte{}, "", history, payload)
	f.Add(fuzzBody[:40], "\uFFFD", history[:30], payload[:30])
	rd := reader{files: []attachment{{guid: "a", name: "a.png"}}}
	f.Fuzz(func(t *testing.T, body []byte, text string, summary, payload []byte) {
		for _, balloon := range []string{"", urlBalloon, "app"} {
			r := row{body: body, text: []byte(text), summary: summary, payload: payload, balloon: balloon}
			list, _, fate := rd.parts(&r)
			if (fate == sources.Messages) != (len(list) > 0) {
				t.Fatalf("%d parts are %v", len(list), fate)
			}
			for _, p := range list {
				if strings.ContainsRune(p.Text, objectCharacter) || !utf8.ValidString(p.Text) {
					t.Errorf("a part reads %q", p.Text)
				}
			}
		}
	})
}

// FuzzPayload reads the payload of a link and of an app: whatever it holds, the words are words.
func FuzzPayload(f *testing.F) {
	link := map[string]any{"$top": map[string]any{"root": plist.UID(1)}, "$objects": []any{"$null", map[string]any{"richLinkMetadata": plist.UID(2)},
		map[string]any{"URL": plist.UID(3), "originalURL": plist.UID(4)}, map[string]any{"NS.base": plist.UID(4), "NS.relative": "../x"},
		map[string]any{"NS.base": plist.UID(0), "NS.relative": "https://x.org/a"}}}
	f.Add(asPlist(f, link, plist.BinaryFormat))
	f.Add(asPlist(f, link, plist.XMLFormat))
	f.Add(asPlist(f, map[string]any{"$top": map[string]any{"root": plist.UID(0)}, "$objects": []any{[]any{plist.UID(0), plist.UID(0)}}}, plist.BinaryFormat))
	f.Add(asPlist(f, map[string]any{"ldtext": 7, "userInfo": map[string]any{"caption": "words"}}, plist.BinaryFormat))
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, bundle := range []string{urlBalloon, "app"} {
			if words := balloonWords(bundle, payload); words != strings.TrimSpace(words) {
				t.Errorf("the words are %q", words)
			}
		}
	})
}

// FuzzEdits reads the history of a message: its versions come in order, each part's from the first on, and what is left of
// a body is part of it.
func FuzzEdits(f *testing.F) {
	for _, date := range []any{7.3e8, uint64(732000000), math.Inf(1), math.NaN(), -1e300, "soon"} {
		f.Add(asPlist(f, map[string]any{"ec": map[string]any{"0": []any{map[string]any{"t": fuzzBody, "d": date}, map[string]any{"t": fuzzBody}}, "-7": []any{},
			"1000000000000": []any{map[string]any{"t": []byte("x")}}}, "rp": []any{0, 1, "2"}, "otr": map[string]any{"0": map[string]any{"lo": 0, "le": 1}}}, plist.XMLFormat))
	}
	f.Fuzz(func(t *testing.T, summary []byte) {
		e := readEdits(summary)
		for i := 1; i < len(e.history); i++ {
			a, b := &e.history[i-1], &e.history[i]
			if a.part > b.part || a.part == b.part && a.number >= b.number {
				t.Errorf("version %d of part %d comes before %d of %d", a.number, a.part, b.number, b.part)
			}
		}
		body := []messages.Part{{Number: 0, Text: "zero"}, {Number: 1, Text: "one"}, {Number: 1, Text: "one more"}, {Number: 5, Text: "five"}}
		for _, p := range e.left(body) {
			if !strings.Contains("zero one more five", p.Text) {
				t.Errorf("a part reads %q", p.Text)
			}
		}
	})
}

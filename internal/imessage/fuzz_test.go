package imessage

import (
	"strings"
	"testing"
	"unicode/utf8"

	"howett.net/plist"

	"ventriloquist/internal/imessage/typedstream"
)

// FuzzRow gives whatever somebody may send to what reads the body, the payload and the history of a row.
func FuzzRow(f *testing.F) {
	archive := func(content any) []byte {
		data, err := plist.Marshal(content, plist.BinaryFormat)
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	body := typedstream.Encode(&typedstream.Body{Text: "a\uFFFCb", Runs: []typedstream.Run{{Length: 1}, {Length: 5}}})
	history := archive(map[string]any{"ec": map[string]any{"0": []any{map[string]any{"t": body}}}, "rp": []int{1}, "otr": map[string]any{"0": 1, "1": 2}})
	payload := archive(map[string]any{"$top": map[string]any{"root": plist.UID(1)},
		"$objects": []any{"$null", map[string]any{"NS.keys": []any{plist.UID(2)}, "NS.objects": []any{plist.UID(3)}}, "ldtext", "words"}})
	f.Add(body, "words", []byte{}, []byte{})
	f.Add([]byte{}, "", history, payload)
	f.Add(body[:40], "\uFFFD", history[:30], payload[:30])
	rd := reader{attachments: map[int64][]attachment{0: {{guid: "a", name: "a.png"}}}}
	f.Fuzz(func(t *testing.T, body []byte, text string, summary, payload []byte) {
		for _, balloon := range []string{"", urlBalloon, "app"} {
			r := row{body: body, text: []byte(text), summary: summary, payload: payload, balloon: balloon}
			list, _, fate := rd.pieces(&r)
			if (fate == Message) != (len(list) > 0) {
				t.Fatalf("%d pieces are %v", len(list), fate)
			}
			for _, p := range list {
				if strings.ContainsRune(p.text, objectCharacter) || !utf8.ValidString(p.text) {
					t.Errorf("a piece reads %q", p.text)
				}
			}
		}
	})
}

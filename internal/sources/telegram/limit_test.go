package telegram_test

import (
	"strings"
	"testing"

	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/usererr"
)

func TestReader_RefusesWhatIsBeyondALimit(t *testing.T) {
	const message = `{"name": "John", "type": "personal_chat", "id": 1,` + "\n" + ` "messages": [{"id": 1, "type": "message", `
	for name, c := range map[string]struct{ head, unit, want string }{
		"Text":      {message + `"text": "`, "x", ":2: "},
		"Parts":     {message + `"text": [`, `"",`, "longer than 4 MiB"},
		"Reactions": {message + `"reactions": [`, "{},", "longer than 4 MiB"},
		"Unknown":   {message + `"unknown": [`, "0,", "longer than 4 MiB"},
		"Skipped":   {"{\n" + `"unknown": "`, "x", ":2: "},
		"Key":       {"{\n" + `"`, "x", "longer than 4 MiB"},
		"Number":    {"{\n" + `"id": `, "1", "longer than 4 MiB"},
		"Depth":     {"{\n" + `"unknown": `, "[", "deeper than 1000 levels"},
		"Objects":   {"{\n" + `"unknown": `, `{"":`, "deeper than 1000 levels"},
		"Chats":     {"{\n" + `"chats": {"list": [`, "{},", "more than 200000 chats"},
	} {
		t.Run(name, func(t *testing.T) {
			path := sourcetest.Bomb(t, c.head, c.unit, 64)
			allocated := sourcetest.Allocated(func() {
				_, err := read(t, path)
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || !strings.Contains(usererr.Of(err), "damaged") {
					t.Errorf("error %v, want %s", err, c.want)
				}
			})
			if allocated > 256<<20 {
				t.Errorf("%d MiB were allocated", allocated>>20)
			}
		})
	}
}

// Values that are skipped one by one may be as many as they like.
func TestReader_SkipsLongLists(t *testing.T) {
	path := sourcetest.Bomb(t, `{"unknown": [`, `{"a": [1]}, `, 16)
	if _, err := read(t, path); err == nil || !strings.Contains(err.Error(), "ends before its JSON does") {
		t.Errorf("error %v", err)
	}
}

package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/serve"
	"ventriloquist/internal/windows"
)

// hostile is a text that would run a script wherever it became markup, and turn around what stands after it.
const hostile = `</script><img src=x onerror="window.pwned=1"><svg onload=window.pwned=1>{{7*7}}` + "\u202e"

// past is an archive with a conversation of Ada and Ben, and one of people with hostile names.
type past struct{}

func (past) Conversations(context.Context) ([]windows.PastConversation, error) {
	return []windows.PastConversation{{ID: 1, Members: []string{"Ada", "Ben"}, Messages: 120, Last: pastDate(119)},
		{ID: 2, Members: []string{"Ben", hostile}, Messages: 1, Last: pastDate(0)}}, nil
}

func pastDate(i int) time.Time {
	return time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour)
}

func (past) Page(_ context.Context, conversation, before int64, limit int) (page []windows.PastMessage, more bool, err error) {
	switch conversation {
	case 1:
		if before == 0 {
			before = 121
		}
		for id := max(1, before-int64(limit)); id < before; id++ {
			page = append(page, windows.PastMessage{ID: id, Date: pastDate(int(id)),
				Message: windows.Message{Name: []string{"Ada", "Ben"}[id%2], Delta: "<1h", ContentType: "text", Text: fmt.Sprint("real message ", id)}})
		}
		return page, before-int64(limit) > 1, nil
	case 2:
		return []windows.PastMessage{{ID: 200, Date: pastDate(0), Message: windows.Message{Name: hostile, Delta: "<1m", ContentType: "text", Text: hostile}}}, false, nil
	}
	return nil, false, windows.ErrNoConversation
}

func (past) Statistics(context.Context) (any, error) {
	return json.RawMessage(`{"messages": 121, "from": "2024-03-01T09:00:00Z", "to": "2024-03-06T09:00:00Z", "groups": [],
		"months": [{"month": "2024-03", "messages": 121}], "people": [{"name": ` + quoted(hostile) + `, "messages": 121, "words_per_message": 3,
		"reply": {"median_seconds": 90}, "owner_reply": {"median_seconds": null}, "started": 1, "sessions": 2, "reaction_share": 0.25,
		"words_beyond_the_usual": [{"word": ` + quoted(hostile) + `}], "emoji": []}]}`), nil
}

func (past) Runs(context.Context) (any, error) {
	return json.RawMessage(`{"runs": [{"title": ` + quoted(hostile) + `, "state": "finished", "step": 2, "total_steps": 2, "losses": [[1, 4], [2, 3]],
		"evaluations": [{"step": 0, "loss": 4}, {"step": 2, "loss": 3.5}], "people": [{"name": "Ada", "base": 4, "latest": null}],
		"samples": [{"number": 1, "context": [{"name": "Ben", "text": ` + quoted(hostile) + `}], "real": {"name": "Ada", "text": "yes"},
		"written": [{"step": 2, "text": ` + quoted(hostile) + `}]}]}]}`), nil
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func withArchive(o *serve.Options) { o.Archive = past{} }

// The files of the page are sent to everyone, and what is private is not.
func TestPage_HoldsNothingPrivate(t *testing.T) {
	t.Parallel()
	h, _ := open(t, func(o *serve.Options) { o.Archive, o.Token = past{}, "0123456789abcdef" })
	for path, want := range map[string]int{"/": 200, "/page/main.js": 200, "/page/page.css": 200, "/page/icon.svg": 200, "/page/none.js": 404,
		"/archive": 401, "/archive/conversations": 401, "/archive/conversations/1": 401, "/archive/statistics": 401, "/archive/runs": 401, "/v1/models": 401,
		"/page/../archive/runs": 401, "/page/%2e%2e/archive/runs": 401, "/page/..%2farchive%2fruns": 401} {
		r, err := http.Get(h.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, r.StatusCode, want)
		}
		if policy := r.Header.Get("Content-Security-Policy"); want == 200 && (strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'")) {
			t.Errorf("%s: the content security policy is %q", path, policy)
		}
	}
}

// A link of another site may open the page, and nothing else of another site may use it.
func TestPage_OpensFromALink(t *testing.T) {
	t.Parallel()
	h, _ := open(t, withArchive)
	for _, c := range []struct {
		path, mode, dest string
		status           int
	}{{"/", "navigate", "document", 200}, {"/", "navigate", "iframe", 403}, {"/", "no-cors", "script", 403}, {"/page/main.js", "navigate", "document", 403},
		{"/archive/conversations", "navigate", "document", 403}} {
		r, _ := http.NewRequest("GET", h.URL+c.path, nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", c.mode)
		r.Header.Set("Sec-Fetch-Dest", c.dest)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.status {
			t.Errorf("%+v: %d", c, answer.StatusCode)
		}
	}
}

func TestServer_PagesTheHistory(t *testing.T) {
	t.Parallel()
	h, _ := open(t, withArchive)
	for path, want := range map[string]int{"1?limit=10": 200, "1?limit=0": 400, "1?limit=1000": 400, "1?before=-1": 400, "x": 400, "1?before=99999999999999999999": 400, "7": 404} {
		r, err := http.Get(h.URL + "/archive/conversations/" + path)
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		err = json.NewDecoder(r.Body).Decode(&answer)
		r.Body.Close()
		if r.StatusCode != want || err != nil {
			t.Errorf("%s: status %d, want %d: %v %v", path, r.StatusCode, want, answer, err)
		}
		if list, _ := at(answer, "messages").([]any); want == 200 && (len(list) != 10 || at(answer, "more") != true || at(list, 9, "text") != "real message 120") {
			t.Errorf("%s: %v", path, answer)
		}
	}
}

// brokenArchive has a database that cannot be read.
type brokenArchive struct{ past }

func (brokenArchive) Conversations(context.Context) ([]windows.PastConversation, error) {
	return nil, errors.New("messages.db: disk I/O error")
}

func TestServer_SaysWhyTheHistoryIsMissing(t *testing.T) {
	t.Parallel()
	h, _ := open(t, func(o *serve.Options) { o.Archive = brokenArchive{} })
	r, err := http.Get(h.URL + "/archive/conversations")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if body, _ := io.ReadAll(r.Body); r.StatusCode != 503 || !strings.Contains(string(body), "disk I/O error") {
		t.Errorf("%d %s", r.StatusCode, body)
	}
}

package hub

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/usererr"
)

// A server that asks for fewer requests is waited for as long as it says, at most five minutes, and that is said.
func TestPull_SaysHowLongItWaits(t *testing.T) {
	for header, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "86400": maxWait, time.Now().Add(24 * time.Hour).UTC().Format(http.TimeFormat): maxWait} {
		h := newFakeHub(t)
		h.listStatus = func(w http.ResponseWriter, _ int) bool {
			if header != "" {
				w.Header().Set("Retry-After", header)
			}
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		ctx, stop := context.WithCancel(context.Background())
		c := testClient()
		var said error
		var waits time.Duration
		c.Retrying = func(err error, _, _ int, wait time.Duration) {
			said, waits = err, wait
			stop()
		}
		_, err := c.Pull(ctx, testRepo)
		if !errors.Is(err, context.Canceled) || said == nil || !strings.Contains(said.Error(), "429 Too Many Requests") || len(h.requests) != 1 {
			t.Errorf("%q: %v, said %v, %d requests", header, err, said, len(h.requests))
		}
		if header == "" && waits > time.Second || header != "" && waits != want {
			t.Errorf("%q: waits %s, want %s", header, waits, want)
		}
	}
}

// drip sends content slowly: a byte at a time, until the client leaves.
func drip(w http.ResponseWriter, r *http.Request, content []byte) {
	for i := range content {
		select {
		case <-r.Context().Done():
			return
		case <-time.After(10 * time.Millisecond):
		}
		w.Write(content[i : i+1])
		w.(http.Flusher).Flush()
	}
}

// A server that sends a byte now and then is given up after some attempts, although each receives some bytes.
func TestPull_DrippingServer(t *testing.T) {
	h := newFakeHub(t)
	h.before = func(w http.ResponseWriter, r *http.Request, name string, _ int) bool {
		if name == shard {
			h.drop(&dripping{ResponseWriter: w, request: r}, r, h.files[name], 10_000)
		}
		return false
	}
	c := testClient()
	c.stall = 100 * time.Millisecond
	_, err := c.Pull(context.Background(), testRepo)
	if err == nil || !strings.Contains(err.Error(), "too slow: fewer than 1024 bytes in 100ms (6 attempts)") || !strings.Contains(usererr.Of(err), "it continues") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
	if n := len(h.of(shard)); n != maxAttempts {
		t.Errorf("%d requests", n)
	}
	h.checkNotThere()
}

// dripping writes slowly.
type dripping struct {
	http.ResponseWriter
	request *http.Request
}

func (d *dripping) Write(content []byte) (int, error) {
	drip(d.ResponseWriter, d.request, content)
	return len(content), nil
}

func (d *dripping) Flush() { d.ResponseWriter.(http.Flusher).Flush() }

// A list that never ends, or never begins, is given up in words that say so.
func TestPull_DrippingList(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, release chan struct{}){
		"drips": func(w http.ResponseWriter, release chan struct{}) {
			for {
				select {
				case <-release:
					return
				case <-time.After(10 * time.Millisecond):
				}
				fmt.Fprint(w, " ")
				w.(http.Flusher).Flush()
			}
		},
		"silent": func(_ http.ResponseWriter, release chan struct{}) { <-release },
	} {
		h := newFakeHub(t)
		release := make(chan struct{})
		h.listStatus = func(w http.ResponseWriter, _ int) bool {
			answer(w, release)
			return true
		}
		c := testClient()
		c.stall = 50 * time.Millisecond
		_, err := c.Pull(context.Background(), testRepo)
		close(release)
		if err == nil || !strings.Contains(err.Error(), "no complete answer within 50ms (6 attempts)") || usererr.Of(err) == "" {
			t.Errorf("%s: %v, hint %q", name, err, usererr.Of(err))
		}
	}
}

// What changes on the server during a download is never mixed: the download ends with an error, and the next run reads the new list.
func TestPull_ModelChangesMeanwhile(t *testing.T) {
	const newer = "fedcba9876543210fedcba9876543210fedcba98"
	for name, change := range map[string]func(h *fakeHub){
		"the commit is gone": func(h *fakeHub) { h.commit = newer },
		"other content":      func(h *fakeHub) {},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFakeHub(t)
			served := slices.Clone(h.files[shard])
			h.files[shard] = slices.Clone(served)
			h.files[shard][len(served)-1] ^= 1 // as the first list has it
			changed := false
			h.before = func(http.ResponseWriter, *http.Request, string, int) bool {
				h.change(func() {
					if !changed {
						changed = true
						h.files[shard] = served
						change(h)
					}
				})
				return false
			}
			_, err := h.pull()
			if err == nil || usererr.Of(err) == "" || strings.Contains(usererr.Of(err), "check the name") {
				t.Fatalf("%v, hint %q", err, usererr.Of(err))
			}
			h.checkNotThere()
			if _, err := h.pull(); err != nil {
				t.Fatal(err)
			}
			h.checkPulled()
		})
	}
}

// A length that is not that of the content, too small or too large, costs attempts but no byte.
func TestPull_ContentLengthLies(t *testing.T) {
	for name, by := range map[string]int{"too small": -2000, "too large": 2000} {
		h := newFakeHub(t)
		h.before = func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
			if name != shard || nth > 1 {
				return false
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(h.files[name])+by))
			w.Write(h.files[name][:len(h.files[name])+min(by, 0)])
			return true
		}
		if _, err := h.pull(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		h.checkPulled()
	}
}

// A compressed answer, which no request asks for, is final and named for what it is.
func TestPull_CompressedAnswersAreFinal(t *testing.T) {
	packed := func(content []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(content)
		z.Close()
		return b.Bytes()
	}
	for _, file := range []string{"list", "config.json", shard} {
		h := newFakeHub(t)
		var asked []string
		h.listStatus = func(w http.ResponseWriter, _ int) bool {
			if file == "list" {
				w.Header().Set("Content-Encoding", "gzip")
				w.Write(packed([]byte("{}")))
			}
			return file == "list"
		}
		h.before = func(w http.ResponseWriter, r *http.Request, name string, _ int) bool {
			h.change(func() { asked = append(asked, r.Header.Get("Accept-Encoding")) })
			if name == file {
				w.Header().Set("Content-Encoding", "gzip")
				w.Write(packed(h.files[name]))
			}
			return name == file
		}
		_, err := h.pull()
		if err == nil || !strings.Contains(err.Error(), `compressed ("gzip"), which was not asked for`) || usererr.Of(err) == "" || len(h.of(file)) != 1 {
			t.Errorf("%s: %v, %d requests", file, err, len(h.of(file)))
		}
		if slices.ContainsFunc(asked, func(s string) bool { return s != "identity" }) {
			t.Errorf("asked for %q", asked)
		}
		h.checkNotThere()
	}
}

// The list too may be redirected, and another host gets no token, however the redirect is given.
func TestPull_TokenOfTheListIsNotRedirected(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		h := newFakeHub(t)
		seen := "none"
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = fmt.Sprint(r.Header)
			h.list(w)
		}))
		h.listStatus = func(w http.ResponseWriter, _ int) bool {
			w.Header().Set("Location", strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/list")
			w.WriteHeader(status)
			return true
		}
		_, err := h.pull()
		other.Close()
		if err != nil || seen == "none" || strings.Contains(seen, "secret") {
			t.Errorf("%d: %v, the other host saw %s", status, err, seen)
		}
	}
}

package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

// HF_ENDPOINT may end in slashes or have spaces around it, and what is no address is refused without a request.
func TestNewClient_Endpoint(t *testing.T) {
	h := newFakeHub(t)
	t.Setenv("HF_ENDPOINT", " "+h.URL+"//\n")
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
	for _, bad := range []string{"huggingface.co", "ftp://host", "https://", "http://host/?a=b"} {
		t.Setenv("HF_ENDPOINT", bad)
		if _, err := testClient().Pull(context.Background(), "a/b"); err == nil || !strings.Contains(err.Error(), "HF_ENDPOINT") || usererr.Of(err) == "" {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// The token is that of HF_TOKEN, else of the files that Hugging Face's tools use, without the newline at its end.
func TestNewClient_Token(t *testing.T) {
	h := newFakeHub(t)
	home := t.TempDir()
	put := func(path, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(home, ".cache", "huggingface", "token"), "hf_default\n")
	put(filepath.Join(home, "hf", "token"), "hf_home\r\n")
	put(filepath.Join(home, "elsewhere"), "  hf_path\n\n")
	for name, c := range map[string]struct{ token, path, hfHome, want string }{
		"variable":            {"hf_env\n", "~/elsewhere", "~/hf", "hf_env"},
		"HF_TOKEN_PATH":       {" ", "~/elsewhere", "~/hf", "hf_path"},
		"HF_HOME":             {"", "", "~/hf", "hf_home"},
		"the default":         {"", "", "", "hf_default"},
		"a missing file":      {"", "~/none", "", ""},
		"two words":           {"hf_a hf_b", "", "", "error"},
		"a line in it":        {"hf_a\nX-Evil: 1", "", "", "error"},
		"a folder for a file": {"", "~/hf", "", "error"},
	} {
		t.Setenv("HOME", home)
		t.Setenv("XDG_CACHE_HOME", "")
		t.Setenv("HF_TOKEN", c.token)
		t.Setenv("HF_TOKEN_PATH", c.path)
		t.Setenv("HF_HOME", c.hfHome)
		client := testClient()
		if c.want == "error" {
			_, err := client.Pull(context.Background(), testRepo)
			if err == nil || !strings.Contains(err.Error(), "token") || strings.Contains(err.Error(), "hf_a") || len(h.requests) != 0 {
				t.Errorf("%s: %v", name, err)
			}
		} else if client.Token != c.want || client.problem != nil {
			t.Errorf("%s: %q, %v", name, client.Token, client.problem)
		}
	}
}

// HF_HUB_OFFLINE forbids requests; what is here is found all the same.
func TestPull_Offline(t *testing.T) {
	h := newFakeHub(t)
	t.Setenv("HF_HUB_OFFLINE", "1")
	if _, err := h.pull(); err == nil || !strings.Contains(err.Error(), "HF_HUB_OFFLINE") || len(h.requests) != 0 {
		t.Fatalf("%v, %d requests", err, len(h.requests))
	}
	t.Setenv("HF_HUB_OFFLINE", "0")
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HF_HUB_OFFLINE", "yes")
	if result, err := h.pull(); err != nil || !result.Already {
		t.Errorf("%+v, %v", result, err)
	}
}

// ~ is the home folder also where no shell has replaced it.
func TestResolve_Home(t *testing.T) {
	h := newFakeHub(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("VENTRILOQUIST_MODELS", "~/models")
	result, err := h.pull()
	if err != nil || result.Location.Dir != filepath.Join(home, "models", "someone", "small-base") {
		t.Fatalf("%+v, %v", result, err)
	}
	if found, err := model.Resolve("~/models/someone/small-base"); err != nil || found.Dir != result.Location.Dir {
		t.Errorf("%+v, %v", found, err)
	}
}

// Revisions are side by side, each found by its name; a whole commit must be what the server sends.
func TestPull_Revisions(t *testing.T) {
	h := newFakeHub(t)
	if _, err := h.pull(); err != nil || h.revision != "main" {
		t.Fatal(err, h.revision)
	}
	for _, c := range []struct{ revision, path string }{{"v1.0", "v1.0"}, {"refs/pr/7", "refs%2Fpr%2F7"}, {testCommit, testCommit}} {
		name := testRepo + "@" + c.revision
		if _, err := model.Resolve(name); err == nil || !strings.Contains(usererr.Of(err), "vqctl model pull "+name) {
			t.Errorf("%s before it is pulled: %v", name, err)
		}
		result, err := testClient().Pull(context.Background(), name)
		if err != nil || h.revision != c.path {
			t.Fatalf("%s: %v, asked for %s", name, err, h.revision)
		}
		if found, err := model.Resolve(name); err != nil || found.Dir != result.Location.Dir || found.Name != name {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
	list, err := model.List()
	names := fmt.Sprint(list)
	if err != nil || len(list) != 5 || !strings.Contains(names, testRepo+"@refs/pr/7") || !strings.Contains(names, testRepo+"@"+testCommit) {
		t.Errorf("%v, %v", list, err)
	}
	other := testRepo + "@" + strings.Repeat("ab", 20)
	if _, err := testClient().Pull(context.Background(), other); err == nil || !strings.Contains(err.Error(), "is for commit "+testCommit) {
		t.Errorf("another commit than asked for: %v", err)
	}
	if result, err := testClient().Pull(context.Background(), testRepo+"@main"); err != nil || !result.Already {
		t.Errorf("@main: %+v, %v", result, err)
	}
	for _, bad := range []string{"a/b@", "a/b@../c", "a/b@x y", "a/b@x@y", "a/b@-x", "a/b@x//y"} {
		if _, err := testClient().Pull(context.Background(), bad); !errors.Is(err, usererr.ErrUsage) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// The server's own words are shown, without what they could do to a terminal.
func TestPull_ShowsTheServersWords(t *testing.T) {
	h := newFakeHub(t)
	h.listStatus = func(w http.ResponseWriter, _ int) bool {
		w.Header().Set("X-Error-Code", "GatedRepo\u2066")
		w.Header().Set("X-Error-Message", "Access to model is \u009b31mrestricted\u202e."+strings.Repeat("x", 5000))
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	_, err := h.pull()
	if err == nil || !strings.Contains(err.Error(), "Access to model is") || strings.ContainsAny(err.Error(), "\u009b\u202e\u2066") || len(err.Error()) > 1000 {
		t.Errorf("%q", err)
	}
}

// What is final is not asked for again; what may pass is.
func TestPull_RetriesOnlyWhatMayPass(t *testing.T) {
	for status, again := range map[int]bool{
		400: false, 401: false, 403: false, 404: false, 405: false, 410: false, 416: false, 418: false, 422: false, 451: false, 501: false, 505: false,
		408: true, 425: true, 429: true, 500: true, 502: true, 503: true, 504: true,
	} {
		h := newFakeHub(t)
		h.before = func(w http.ResponseWriter, _ *http.Request, name string, _ int) bool {
			if name == "config.json" {
				w.WriteHeader(status)
			}
			return name == "config.json"
		}
		_, err := h.pull()
		want := 1
		if again {
			want = maxAttempts
		}
		if got := len(h.of("config.json")); err == nil || usererr.Of(err) == "" || got != want {
			t.Errorf("%d: %d requests, want %d; %v", status, got, want, err)
		}
	}
}

// Retry-After may be a date; nonsense is none, and no wait is longer than the limit.
func TestRetryAfter_Forms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"9223372036854775807":           maxWait,
		"99999999999999999999":          0,
		"soon":                          0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

// A redirect away from https, one in circles, and a certificate that nobody knows are final; errors show no signatures.
func TestPull_BadRedirects(t *testing.T) {
	h := newFakeHub(t)
	h.before = func(w http.ResponseWriter, r *http.Request, name string, _ int) bool {
		if name == shard {
			http.Redirect(w, r, r.URL.Path+"?X-Amz-Signature=secretsecret", http.StatusFound)
		}
		return name == shard
	}
	_, err := h.pull()
	if err == nil || !strings.Contains(err.Error(), "more than 10") || strings.Contains(err.Error(), "secretsecret") || len(h.of(shard)) != 10 {
		t.Errorf("%v, %d requests", err, len(h.of(shard)))
	}
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	t.Setenv("HF_ENDPOINT", secure.URL)
	client := testClient()
	attempts := 0
	client.backoff = time.Microsecond
	err = client.retry(context.Background(), func() (bool, error) {
		attempts++
		_, err := client.get(context.Background(), secure.URL, 0)
		return false, err
	})
	if err == nil || attempts != 1 || !strings.Contains(usererr.Of(err), "certificate") {
		t.Errorf("%v after %d attempts, hint %q", err, attempts, usererr.Of(err))
	}
}

// A server that lies: about sizes, names and checksums, with pages in place of files, and with bodies without an end.
func TestPull_LyingServer(t *testing.T) {
	type entry = map[string]any
	config := []byte("{}")
	sum := sha256.Sum256(config)
	lfs := func(size any) entry { return entry{"sha256": hex.EncodeToString(sum[:]), "size": size} }
	for name, c := range map[string]struct {
		siblings []entry
		want     string
	}{
		"negative":  {[]entry{{"rfilename": "config.json", "size": -1, "blobId": gitSum(config)}}, "no size or checksum"},
		"enormous":  {[]entry{{"rfilename": "model.safetensors", "lfs": lfs(int64(1) << 62)}}, "more than the limit"},
		"overflow":  {[]entry{{"rfilename": "model.safetensors", "lfs": lfs(json.Number("99999999999999999999"))}}, "not JSON"},
		"huge text": {[]entry{{"rfilename": "config.json", "size": 1 << 40, "blobId": gitSum(config)}}, "more than the limit"},
		"twice":     {[]entry{{"rfilename": "config.json", "size": 2, "blobId": gitSum(config)}, {"rfilename": "config.json", "size": 2, "blobId": gitSum(config)}}, "listed twice"},
		"many":      {make([]entry, 2001), "more than 2000 files"},
	} {
		h := newFakeHub(t)
		h.listStatus = func(w http.ResponseWriter, _ int) bool {
			json.NewEncoder(w).Encode(entry{"sha": testCommit, "siblings": c.siblings})
			return true
		}
		if _, err := h.pull(); err == nil || !strings.Contains(err.Error(), c.want) || len(h.requests) != 1 {
			t.Errorf("%s: %v, %d requests", name, err, len(h.requests))
		}
	}
	h := newFakeHub(t)
	h.before = func(w http.ResponseWriter, _ *http.Request, name string, _ int) bool {
		if name == shard {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<html>please log in</html>")
		}
		return name == shard
	}
	if _, err := h.pull(); err == nil || !strings.Contains(err.Error(), "a web page") || len(h.of(shard)) != 1 {
		t.Errorf("a page: %v, %d requests", err, len(h.of(shard)))
	}
	h = newFakeHub(t)
	h.before = func(w http.ResponseWriter, r *http.Request, name string, _ int) bool {
		if name != shard {
			return false
		}
		block := make([]byte, 1<<16)
		for range 1 << 20 { // 64 GiB, unless the client closes the connection
			if _, err := w.Write(block); err != nil {
				return true
			}
		}
		h.t.Error("the whole endless body was read")
		return true
	}
	if _, err := h.pull(); err == nil || !strings.Contains(err.Error(), shard) || len(h.of(shard)) != 3 {
		t.Errorf("an endless body: %v, %d requests", err, len(h.of(shard)))
	}
	h.checkNotThere()
}

// A quantized copy is refused with what it was made from, whatever the server has of it.
func TestPull_QuantizedNamesItsOrigin(t *testing.T) {
	t.Parallel()
	l := listing{files: []file{{name: "config.json"}, {name: "tokenizer.json"}}}
	for _, files := range [][]file{nil, l.files} {
		l := listing{files: files}
		if err := l.check("unsloth/Qwen3-8B-Base-GGUF"); !strings.Contains(usererr.Of(err), "pull Qwen/Qwen3-8B-Base,") {
			t.Errorf("%v, hint %q", err, usererr.Of(err))
		}
	}
	_, err := model.Resolve("unsloth/qwen3-4b-base-unsloth-bnb-4bit")
	if !strings.Contains(usererr.Of(err), "vqctl model pull Qwen/Qwen3-4B-Base") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
}

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
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
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
	newer := strings.Repeat("cd", 20)
	for _, c := range []struct{ revision, path string }{{"v1.0", "v1.0"}, {"refs/pr/7", "refs%2Fpr%2F7"}, {newer, newer}} {
		name := testRepo + "@" + c.revision
		if c.revision == newer {
			h.commit = newer
		}
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
	if err != nil || len(list) != 5 || !strings.Contains(names, testRepo+"@refs/pr/7") || !strings.Contains(names, testRepo+"@"+newer) {
		t.Errorf("%v, %v", list, err)
	}
	other := testRepo + "@" + strings.Repeat("ab", 20)
	if _, err := testClient().Pull(context.Background(), other); err == nil || !strings.Contains(err.Error(), "is for commit "+newer) {
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

// A redirect to what is no web address is final, and its target is named as it is.
func TestPull_RedirectsElsewhereAreFinal(t *testing.T) {
	for location, want := range map[string]string{"file:///etc/passwd": ": bad redirect to file", "ftp://127.0.0.1/x": "ftp://127.0.0.1/x: bad redirect to ftp", "gopher:x": ": bad redirect to gopher"} {
		h := newFakeHub(t)
		h.before = func(w http.ResponseWriter, _ *http.Request, name string, _ int) bool {
			if name == shard {
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusFound)
			}
			return name == shard
		}
		if _, err := h.pull(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), ":///") || len(h.of(shard)) != 1 {
			t.Errorf("%s: %v, %d requests", location, err, len(h.of(shard)))
		}
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

// Row "pull, no network": what failed and which attempt comes is said after the first failure, once for all downloads.
func TestPull_SaysWhatFailsAndTriesAgain(t *testing.T) {
	h := newFakeHub(t)
	h.Close()
	c := testClient()
	var said []string
	c.Retrying = func(err error, attempt, attempts int, _ time.Duration) {
		said = append(said, fmt.Sprintf("%d/%d %v", attempt, attempts, err))
	}
	_, err := c.Pull(context.Background(), testRepo)
	if len(said) != maxAttempts-1 || !strings.HasPrefix(said[0], "2/6 cannot reach the server: ") {
		t.Errorf("said %q", said)
	}
	if hint := usererr.Of(err); !strings.Contains(hint, "HF_ENDPOINT") || !strings.Contains(hint, "base_model") {
		t.Errorf("hint %q", hint)
	}
}

// Row "pull of a typo": nothing is left of a model that the server does not have, or that cannot be used.
func TestPull_LeavesNothingOfAWrongName(t *testing.T) {
	h := newFakeHub(t)
	for what, change := range map[string]func(){
		"unknown": func() { h.listStatus = func(w http.ResponseWriter, _ int) bool { w.WriteHeader(404); return true } },
		"rejected": func() {
			h.files["config.json"] = []byte(`{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}`)
		},
	} {
		h.listStatus = nil
		change()
		if _, err := h.pull(); err == nil {
			t.Fatalf("%s: no error", what)
		}
		if entries, _ := os.ReadDir(os.Getenv("VENTRILOQUIST_MODELS")); len(entries) != 0 {
			t.Errorf("%s: left is %v", what, entries)
		}
	}
}

// Row "pull of another family": refused by name, before anything is requested.
func TestRequireQwen3_RefusesOtherFamilies(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"meta-llama/Llama-3-8B", "mistralai/Mistral-7B-v0.1", "google/gemma-2-2b", "Qwen/Qwen2.5-7B", "Qwen/Qwen-7B", "openai/gpt-oss-20b", "microsoft/phi-4",
		"deepseek-ai/DeepSeek-V3", "meta-llama/Meta-Llama-3.1-8B", "HuggingFaceTB/SmolLM2-135M"} {
		if requireQwen3(name) == nil {
			t.Errorf("%s is let pass", name)
		}
	}
	for _, name := range []string{"Qwen/Qwen3-8B-Base", "unsloth/Qwen3-8B", "someone/small-base", "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", "someone/my-persona", "a/optimal", "someone/philosopher"} {
		if err := requireQwen3(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Row "pull again after Ctrl-C": what was there does not count as speed.
func TestPull_TellsWhatWasThere(t *testing.T) {
	h := newFakeHub(t)
	h.sent[shard] = h.files[shard][:5000]
	if _, err := h.pull(); err == nil {
		t.Fatal("no error")
	}
	h.change(func() { delete(h.sent, shard) })
	c := testClient()
	c.Workers = 1
	var present, last, total int64
	c.Present = func(n int64) { present += n }
	c.Progress = func(done, all int64) { last, total = done, all }
	if _, err := c.Pull(context.Background(), testRepo); err != nil {
		t.Fatal(err)
	}
	if present < 5000 || present >= total || last != total {
		t.Errorf("%d were there, %d of %d done", present, last, total)
	}
}

// The commit that was downloaded is recorded, and a model is found by it.
func TestPull_RecordsTheCommit(t *testing.T) {
	h := newFakeHub(t)
	result, err := h.pull()
	if err != nil || result.Commit != testCommit || result.Location.Commit() != testCommit {
		t.Fatalf("%+v, %q, %v", result, result.Location.Commit(), err)
	}
	pinned := result.Location.Pinned()
	if pinned != testRepo+"@"+testCommit {
		t.Errorf("pinned to %q", pinned)
	}
	if found, err := model.Resolve(pinned); err != nil || found.Dir != result.Location.Dir {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := model.Resolve(testRepo + "@" + strings.Repeat("a", 40)); err == nil {
		t.Error("another commit is found")
	}
}

// Answers that are not HTTP, or not valid, are final.
func TestPull_MalformedAnswersAreFinal(t *testing.T) {
	for name, answer := range map[string]string{
		"no HTTP":           "SSH-2.0-OpenSSH_9.2\r\n",
		"header":            "HTTP/1.1 404 Not Found\r\nX-Error-Message no colon\r\n\r\n",
		"control character": "HTTP/1.1 404 Not Found\r\nX-Error-Message: a\x01\x1b[2Jb\r\nContent-Length: 0\r\n\r\n",
		"status":            "HTTP/1.1 4x4 What\r\n\r\n",
		"length":            "HTTP/1.1 404 Not Found\r\nContent-Length: -5\r\n\r\n",
		"length twice":      "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
		"huge headers":      "HTTP/1.1 404 Not Found\r\nX-Error-Message: " + strings.Repeat("x", 2<<20) + "\r\n\r\n",
		"encoding":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			newFakeHub(t)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			var asked atomic.Int32
			go func() {
				for {
					connection, err := listener.Accept()
					if err != nil {
						return
					}
					asked.Add(1)
					go func() {
						_, _ = connection.Read(make([]byte, 4096))
						_, _ = connection.Write([]byte(answer))
						time.Sleep(50 * time.Millisecond)
						connection.Close()
					}()
				}
			}()
			t.Setenv("HF_ENDPOINT", "http://"+listener.Addr().String())
			_, err = testClient().Pull(context.Background(), testRepo)
			if err == nil || asked.Load() > 1 || usererr.Of(err) == "" || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("asked %d times: %.300v, hint %q", asked.Load(), err, usererr.Of(err))
			}
		})
	}
}

// Models are removed whole, finished or not, and nothing else is.
func TestRemove(t *testing.T) {
	h := newFakeHub(t)
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	_, partial, _ := folders(testRepo, "")
	if err := os.Mkdir(partial, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Remove("someone/small-bose"); err == nil || usererr.Of(err) != "did you mean someone/small-base?" {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
	freed, err := model.Remove(testRepo)
	if entries, _ := os.ReadDir(os.Getenv("VENTRILOQUIST_MODELS")); err != nil || freed < 10_000 || len(entries) != 0 {
		t.Errorf("%d bytes, %v, left %v", freed, err, entries)
	}
}

package hub

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

func TestPull(t *testing.T) {
	h := newFakeHub(t)
	var last, whole int64
	c := testClient()
	c.Progress = func(done, total int64) { last, whole = done, total }
	result, err := c.Pull(context.Background(), testRepo)
	if err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
	if result.Already || result.Bytes == 0 || last != whole || whole != result.Bytes {
		t.Errorf("%+v, progress %d of %d", result, last, whole)
	}
	for _, r := range h.requests {
		if r.token != "Bearer secret" {
			t.Errorf("%s was asked for without the token", r.name)
		}
	}
}

// A model that is present is not requested again, not even its file list.
func TestPull_AlreadyThere(t *testing.T) {
	h := newFakeHub(t)
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	before := len(h.requests)
	result, err := h.pull()
	if err != nil || !result.Already || len(h.requests) != before {
		t.Errorf("%+v, %v, %d requests more", result, err, len(h.requests)-before)
	}
}

// A complete model in Hugging Face's cache is used as it is, including links.
func TestPull_FromCache(t *testing.T) {
	h := newFakeHub(t)
	base := filepath.Join(model.CacheFolder(), "models--someone--small-base")
	snapshot, blobs := filepath.Join(base, "snapshots", testCommit), filepath.Join(base, "blobs")
	for _, dir := range []string{snapshot, blobs, filepath.Join(base, "refs")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range h.files {
		if strings.Contains(name, "/") {
			continue
		}
		blob := gitSum(content)
		if err := errors.Join(os.WriteFile(filepath.Join(blobs, blob), content, 0o600), os.Symlink("../../blobs/"+blob, filepath.Join(snapshot, name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(base, "refs", "main"), []byte(testCommit), 0o600); err != nil {
		t.Fatal(err)
	}
	result, err := h.pull()
	if err != nil || !result.Already || result.Location.Dir != snapshot || len(h.requests) != 0 {
		t.Fatalf("%+v, %v, requests %v", result, err, h.requests)
	}
	m, err := result.Location.Open()
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	if err := os.Remove(filepath.Join(snapshot, shard)); err != nil {
		t.Fatal(err)
	}
	if result, err := h.pull(); err != nil || result.Already {
		t.Errorf("an incomplete cache: %+v, %v", result, err)
	}
}

// Large files are redirected to another host, which must not get the token; another port is another host.
func TestPull_TokenIsNotRedirected(t *testing.T) {
	h := newFakeHub(t)
	var foreign []string
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		foreign = append(foreign, r.Header.Get("Authorization"))
		h.mu.Unlock()
		h.send(w, r, h.files[strings.TrimPrefix(r.URL.Path, "/signed/")])
	}))
	defer cdn.Close()
	h.before = func(w http.ResponseWriter, r *http.Request, name string, _ int) bool {
		switch {
		case strings.HasSuffix(name, ".safetensors"):
			http.Redirect(w, r, cdn.URL+"/signed/"+name, http.StatusFound)
		case name == "tokenizer.json" && r.URL.Query().Get("cached") == "":
			http.Redirect(w, r, r.URL.Path+"?cached=1", http.StatusTemporaryRedirect)
		default:
			return false
		}
		return true
	}
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
	if len(foreign) != 3 || slices.ContainsFunc(foreign, func(s string) bool { return s != "" }) {
		t.Errorf("the other host saw %q", foreign)
	}
	if all := h.of("tokenizer.json"); len(all) != 2 || all[1].token == "" {
		t.Errorf("a redirect on the same host lost the token: %v", all)
	}
}

// A new signed address is requested after one has expired.
func TestPull_ExpiredRedirect(t *testing.T) {
	h := newFakeHub(t)
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "expired", http.StatusForbidden) }))
	defer cdn.Close()
	h.before = func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
		if name != shard || nth > 2 {
			return false
		}
		http.Redirect(w, r, cdn.URL, http.StatusFound)
		return true
	}
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
}

// A connection that breaks again and again still results in a complete file, and nothing is downloaded twice.
func TestPull_DroppedConnection(t *testing.T) {
	h := newFakeHub(t)
	h.before = func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
		if name == shard && nth <= 15 {
			h.drop(w, r, h.files[name], 1000)
		}
		return false
	}
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
	requests := h.of(shard)
	if len(requests) != 16 || requests[15].from != "bytes=15000-" {
		t.Errorf("%d requests, the last %v", len(requests), requests[len(requests)-1])
	}
}

// A server without ranges sends the whole file again.
func TestPull_NoRanges(t *testing.T) {
	h := newFakeHub(t)
	h.noRanges = true
	h.before = func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
		if name == shard && nth <= 2 {
			h.drop(w, r, h.files[name], 3000)
		}
		return false
	}
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
}

// Without ranges, and always cut at the same position, the download gives up.
func TestPull_NoRangesNeverComplete(t *testing.T) {
	h := newFakeHub(t)
	h.noRanges = true
	h.before = func(w http.ResponseWriter, r *http.Request, name string, _ int) bool {
		if name == shard {
			h.drop(w, r, h.files[name], 3000)
		}
		return false
	}
	if _, err := h.pull(); err == nil || !strings.Contains(err.Error(), "attempts") || !strings.Contains(usererr.Of(err), "it continues") {
		t.Fatal(err)
	}
	h.checkNotThere()
}

// A corrupt file is downloaded again.
func TestPull_CorruptedOnce(t *testing.T) {
	h := newFakeHub(t)
	bad := slices.Clone(h.files[shard])
	bad[len(bad)/2] ^= 1
	h.before = func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
		if name == shard && nth == 1 {
			h.send(w, r, bad)
			return true
		}
		return false
	}
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
}

// A file that never matches the list is given up, and does not get its final name.
func TestPull_WrongContent(t *testing.T) {
	flipped := func(b []byte) []byte { b = slices.Clone(b); b[0] ^= 1; return b }
	for name, change := range map[string]func([]byte) []byte{
		"corrupted": flipped,
		"too long":  func(b []byte) []byte { return append(slices.Clone(b), "more"...) },
		"too short": func(b []byte) []byte { return b[:len(b)-10] },
		"empty":     func([]byte) []byte { return nil },
	} {
		for _, file := range []string{shard, "tokenizer.json", "config.json"} {
			t.Run(name+" "+file, func(t *testing.T) {
				h := newFakeHub(t)
				h.sent[file] = change(h.files[file])
				_, err := h.pull()
				if err == nil || !strings.Contains(err.Error(), file) || usererr.Of(err) == "" {
					t.Fatalf("%v, hint %q", err, usererr.Of(err))
				}
				h.checkNotThere()
				_, partial, _ := folders(testRepo, "")
				if _, err := os.Stat(filepath.Join(partial, file)); err == nil {
					t.Error("it has its final name")
				}
				h.change(func() { delete(h.sent, file) })
				if _, err := h.pull(); err != nil {
					t.Fatal(err)
				}
				h.checkPulled()
			})
		}
	}
}

// Throttling and server errors are waited out.
func TestPull_RespectsRetryAfter(t *testing.T) {
	h := newFakeHub(t)
	h.listStatus = func(w http.ResponseWriter, nth int) bool {
		if nth == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return nth == 1
	}
	h.before = func(w http.ResponseWriter, _ *http.Request, _ string, nth int) bool {
		if nth < 3 {
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return nth < 3
	}
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
}

// The server's Retry-After is respected.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	c := testClient()
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Retry-After", "7")
	recorder.WriteHeader(http.StatusTooManyRequests)
	response := recorder.Result()
	response.Request = httptest.NewRequest(http.MethodGet, c.Endpoint, nil)
	var again *transientError
	if err := c.refusal(testRepo, response); !errors.As(err, &again) || again.after != 7*time.Second {
		t.Error(err, again)
	}
}

// A stalled connection is closed and opened again.
func TestPull_StalledConnection(t *testing.T) {
	h := newFakeHub(t)
	release := make(chan struct{})
	defer close(release)
	h.before = func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
		if name != shard || nth > 1 {
			return false
		}
		w.Header().Set("Content-Length", "100000")
		w.Write(h.files[name][:500])
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	}
	c := testClient()
	c.stall = 200 * time.Millisecond
	if _, err := c.Pull(context.Background(), testRepo); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
	if all := h.of(shard); len(all) != 2 || all[1].from != "bytes=500-" {
		t.Errorf("%v", all)
	}
}

// Refusals are explained, and not retried.
func TestPull_Refusals(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		code, hint string
	}{
		"no such model": {http.StatusUnauthorized, "RepoNotFound", "check the name"},
		"gated, alone":  {http.StatusUnauthorized, "GatedRepo", "accept its conditions"},
		"gated":         {http.StatusForbidden, "", "accept its conditions"},
		"not found":     {http.StatusNotFound, "RevisionNotFound", "owner/name"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFakeHub(t)
			h.listStatus = func(w http.ResponseWriter, _ int) bool {
				w.Header().Set("X-Error-Code", c.code)
				w.WriteHeader(c.status)
				return true
			}
			_, err := h.pull()
			if err == nil || !strings.Contains(usererr.Of(err), c.hint) || len(h.requests) != 1 {
				t.Errorf("%v, hint %q, %d requests", err, usererr.Of(err), len(h.requests))
			}
			h.checkNotThere()
		})
	}
}

// An interrupted run continues where it was: complete files are not downloaded again, partial ones are continued.
func TestPull_ResumesAcrossRuns(t *testing.T) {
	h := newFakeHub(t)
	ctx, interrupt := context.WithCancel(context.Background())
	c := testClient()
	c.Workers = 1
	h.before = func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
		if strings.HasSuffix(name, ".safetensors") && nth == 1 {
			w.Header().Set("Content-Length", "100000")
			w.Write(h.files[name][:5000])
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond) // so that the bytes are there before the end
			interrupt()
			<-r.Context().Done()
			return true
		}
		return false
	}
	if _, err := c.Pull(ctx, testRepo); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	h.checkNotThere()
	var first int
	h.change(func() { first, h.before = len(h.requests), nil })
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
	if again := h.of("config.json"); len(again) != 1 {
		t.Errorf("config.json was fetched %d times", len(again))
	}
	if !slices.ContainsFunc(h.requests[first:], func(r request) bool { return r.from == "bytes=5000-" }) {
		t.Errorf("no request went on from byte 5000: %v", h.requests[first:])
	}
}

// Parts of another version are not mixed in.
func TestPull_ResumeNewVersion(t *testing.T) {
	h := newFakeHub(t)
	h.sent[shard] = h.files[shard][:6000]
	if _, err := h.pull(); err == nil {
		t.Fatal("no error")
	}
	h.change(func() {
		delete(h.sent, shard)
		h.commit = strings.Repeat("ab", 20)
		changed := slices.Clone(h.files[shard])
		changed[len(changed)-1] ^= 1
		h.files[shard] = changed
	})
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
}

// A finished file that changed meanwhile is downloaded again.
func TestPull_ResumeVerifiesFiles(t *testing.T) {
	h := newFakeHub(t)
	h.sent[shard] = nil
	c := testClient()
	c.Workers = 1
	if _, err := c.Pull(context.Background(), testRepo); err == nil {
		t.Fatal("no error")
	}
	h.change(func() { delete(h.sent, shard) })
	_, partial, _ := folders(testRepo, "")
	path := filepath.Join(partial, "tokenizer_config.json")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[10] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
}

// A full disk ends the download with an error; with more room it continues.
func TestPull_FullDisk(t *testing.T) {
	h := newFakeHub(t)
	c := testClient()
	room := 30_000
	c.Workers = 1
	c.write = func(f *os.File, p []byte) (int, error) {
		if room < len(p) {
			n, _ := f.Write(p[:room])
			room = 0
			return n, syscall.ENOSPC
		}
		room -= len(p)
		return f.Write(p)
	}
	if _, err := c.Pull(context.Background(), testRepo); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(usererr.Of(err), "make room") {
		t.Fatal(err)
	}
	h.checkNotThere()
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
	if all := h.of("tokenizer_config.json"); len(all) != 1 {
		t.Errorf("a file that was whole was fetched %d times", len(all))
	}
}

// An unusable model is rejected before its weights are downloaded.
func TestPull_RejectsOtherModels(t *testing.T) {
	for name, c := range map[string]struct {
		change func(files map[string][]byte)
		want   string
	}{
		"other architecture": {func(f map[string][]byte) { f["config.json"] = []byte(`{"model_type": "llama"}`) }, "model_type"},
		"no weights":         {func(f map[string][]byte) { delete(f, model.IndexFile) }, "no weights in safetensors format"},
		"no tokenizer":       {func(f map[string][]byte) { delete(f, "tokenizer.json") }, "no tokenizer.json"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFakeHub(t)
			c.change(h.files)
			_, err := h.pull()
			if err == nil || !strings.Contains(err.Error(), c.want) || usererr.Of(err) == "" || len(h.of(shard)) != 0 {
				t.Errorf("%v, hint %q, weights asked for %d times", err, usererr.Of(err), len(h.of(shard)))
			}
			h.checkNotThere()
		})
	}
}

// Only names of model files are accepted from the list, so that nothing is written elsewhere.
func TestPull_IgnoresOtherFiles(t *testing.T) {
	h := newFakeHub(t)
	for _, name := range []string{"../escape.json", "/etc/model.safetensors", "sub/config.json", "model-../x.safetensors", ".hidden.json", "adapter_model.safetensors"} {
		h.files[name] = []byte("{}")
	}
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
}

// A second concurrent run is told to wait.
func TestPull_ConcurrentRuns(t *testing.T) {
	h := newFakeHub(t)
	var second error
	h.before = func(_ http.ResponseWriter, _ *http.Request, name string, _ int) bool {
		if name == "config.json" {
			_, second = h.pull()
		}
		return false
	}
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
	if second == nil || !strings.Contains(second.Error(), "another vqctl") {
		t.Errorf("the second run: %v", second)
	}
}

// A folder that has lost a file is completed, not downloaded again.
func TestPull_CompletesAFolder(t *testing.T) {
	h := newFakeHub(t)
	result, err := h.pull()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(result.Location.Path(shard)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.pull(); err != nil {
		t.Fatal(err)
	}
	h.checkPulled()
	if len(h.of(shard)) != 2 || len(h.of("config.json")) != 1 {
		t.Errorf("%v", h.requests)
	}
}

func TestPull_BadName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "qwen", "a/b/c", "../x", "a/..", "a b/c", "a/b?x"} {
		if _, err := testClient().Pull(context.Background(), name); !errors.Is(err, usererr.ErrUsage) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// The server may not be a Hugging Face server at all.
func TestPull_NotHuggingFace(t *testing.T) {
	for _, answer := range []string{"<html>", "{}", `{"sha": "main"}`, `{"sha": "` + testCommit + `", "siblings": [{"rfilename": "config.json"}]}`} {
		h := newFakeHub(t)
		h.listStatus = func(w http.ResponseWriter, _ int) bool { w.Write([]byte(answer)); return true }
		if _, err := h.pull(); err == nil || !strings.Contains(usererr.Of(err), "HF_ENDPOINT") {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestPull_NoServer(t *testing.T) {
	h := newFakeHub(t)
	h.Server.Close()
	if _, err := h.pull(); err == nil || !strings.Contains(err.Error(), "cannot reach the server") {
		t.Fatal(err)
	}
}

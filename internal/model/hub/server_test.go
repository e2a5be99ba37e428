package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ventriloquist/internal/model"
)

const (
	testRepo   = "someone/small-base"
	testCommit = "0123456789abcdef0123456789abcdef01234567"
)

// fakeHub serves one model under Hugging Face's paths, and records the requests.
type fakeHub struct {
	*httptest.Server
	t     *testing.T
	files map[string][]byte // as listed
	sent  map[string][]byte // what is sent in place of a file, where that differs

	mu       sync.Mutex
	requests []request
	// before may answer a request for a file itself: it returns true if it did. nth counts from 1.
	before func(w http.ResponseWriter, r *http.Request, name string, nth int) bool
	// status of the list, if it is not 200
	listStatus func(w http.ResponseWriter, nth int) bool
	commit     string
	revision   string // of the last list, as in its address
	noRanges   bool
}

type request struct{ name, from, token string }

func newFakeHub(t *testing.T) *fakeHub {
	t.Helper()
	h := &fakeHub{t: t, files: smallModel(t), sent: map[string][]byte{}, commit: testCommit}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	for _, key := range []string{"HF_HUB_CACHE", "HF_HOME", "XDG_DATA_HOME", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"} {
		t.Setenv(key, "")
	}
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("VENTRILOQUIST_MODELS", t.TempDir())
	t.Setenv("HF_ENDPOINT", h.URL)
	t.Setenv("HF_TOKEN", "secret")
	return h
}

// smallModel is a model in three shards of a few KiB.
func smallModel(t *testing.T) map[string][]byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	config := model.Config{VocabSize: 256, HiddenSize: 32, IntermediateSize: 48, Layers: 2, Heads: 2, KVHeads: 1, HeadDim: 16,
		MaxPositions: 64, RMSNormEps: 1e-6, RopeTheta: 1e4}
	if err := model.WriteRandom(context.Background(), dir, model.RandomOptions{Config: config, ShardBytes: 28_000}); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"README.md": []byte("not needed"), "pytorch_model.bin": []byte("not needed"), "onnx/model.onnx": []byte("not needed")}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func (h *fakeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if revision, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/models/"+testRepo+"/revision/"); ok && r.URL.Query().Get("blobs") == "true" {
		h.change(func() { h.revision = revision })
		nth := h.note(r, "list")
		if h.listStatus == nil || !h.listStatus(w, nth) {
			h.list(w)
		}
		return
	}
	h.mu.Lock()
	name, ok := strings.CutPrefix(r.URL.Path, "/"+testRepo+"/resolve/"+h.commit+"/")
	content, known := h.files[name]
	other, replaced := h.sent[name]
	before := h.before
	h.mu.Unlock()
	if !ok || !known {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		http.Error(w, "no such path: "+r.URL.Path, http.StatusNotFound)
		return
	}
	nth := h.note(r, name)
	if before != nil && before(w, r, name, nth) {
		return
	}
	if replaced {
		content = other
	}
	h.send(w, r, content)
}

func (h *fakeHub) note(r *http.Request, name string) (nth int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, request{name, r.Header.Get("Range"), r.Header.Get("Authorization")})
	for _, q := range h.requests {
		if q.name == name {
			nth++
		}
	}
	return nth
}

// change changes the server between two pulls; requests of a failed one may still be running.
func (h *fakeHub) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// of returns the requests for a file.
func (h *fakeHub) of(name string) (list []request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, q := range h.requests {
		if q.name == name {
			list = append(list, q)
		}
	}
	return list
}

func (h *fakeHub) list(w http.ResponseWriter) {
	type object = map[string]any
	var siblings []object
	for name, content := range h.files {
		s := object{"rfilename": name, "size": len(content), "blobId": gitSum(content)}
		if strings.HasSuffix(name, ".safetensors") {
			sum := sha256.Sum256(content)
			s["lfs"] = object{"sha256": hex.EncodeToString(sum[:]), "size": len(content), "pointerSize": 131}
		}
		siblings = append(siblings, s)
	}
	json.NewEncoder(w).Encode(object{"id": testRepo, "sha": h.commit, "gated": false, "siblings": siblings})
}

func gitSum(content []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...))
	return hex.EncodeToString(sum[:])
}

// send answers as a file server does, with ranges unless noRanges is set.
func (h *fakeHub) send(w http.ResponseWriter, r *http.Request, content []byte) {
	var from int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && !h.noRanges {
		if from >= len(content) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
		w.WriteHeader(http.StatusPartialContent)
		content = content[from:]
	}
	w.Write(content)
}

// drop sends n bytes of the requested range and closes the connection.
func (h *fakeHub) drop(w http.ResponseWriter, r *http.Request, content []byte, n int) {
	var from int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && !h.noRanges {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		from = 0
	}
	w.Write(content[from:min(from+n, len(content))])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// testClient returns a client that does not wait.
func testClient() *Client {
	c := NewClient()
	c.backoff = time.Microsecond
	return c
}

func (h *fakeHub) pull() (Result, error) {
	return testClient().Pull(context.Background(), testRepo)
}

// shard is the name of one of the weight files.
const shard = "model-00001-of-00003.safetensors"

// checkPulled compares the model's folder with what was served, and looks for leftovers.
func (h *fakeHub) checkPulled() {
	h.t.Helper()
	source, err := model.Resolve(testRepo)
	if err != nil {
		h.t.Fatal(err)
	}
	wanted := 1 // the record of the commit
	for name, content := range h.files {
		got, err := os.ReadFile(source.Path(name))
		if !wantedName.MatchString(name) {
			if err == nil {
				h.t.Errorf("%s was fetched", name)
			}
			continue
		}
		wanted++
		if err != nil || string(got) != string(content) {
			h.t.Errorf("%s is not what was served: %v", name, err)
		}
	}
	entries, _ := os.ReadDir(source.Dir)
	siblings, _ := os.ReadDir(filepath.Dir(source.Dir))
	if len(entries) != wanted || len(siblings) != 1 {
		h.t.Errorf("left over: %v, next to it %v", entries, siblings)
	}
}

// checkNotThere checks that there is no folder with the model's name.
func (h *fakeHub) checkNotThere() {
	h.t.Helper()
	if source, err := model.Resolve(testRepo); err == nil {
		h.t.Errorf("there is a model in %s", source.Dir)
	}
}

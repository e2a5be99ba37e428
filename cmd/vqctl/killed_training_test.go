package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/describe/describetest"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// killer kills runs at random moments.
type killer struct {
	t           *testing.T
	random      *rand.Rand
	dir         string
	environment []string
}

func newKiller(t *testing.T, dir string, environment ...string) *killer {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return &killer{t, rand.New(rand.NewPCG(seed, 0)), dir, append(environment, "HOME="+dir)}
}

// must runs a command to its end, and returns how long it took.
func (k *killer) must(args ...string) time.Duration {
	k.t.Helper()
	begin := time.Now()
	if out, err := command(k.dir, k.environment, args...).CombinedOutput(); err != nil {
		k.t.Fatalf("vqctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return time.Since(begin)
}

// kill runs a command and kills it within a duration; it reports whether the command had ended by itself.
func (k *killer) kill(whole time.Duration, args ...string) (ended bool) {
	k.t.Helper()
	var out bytes.Buffer
	c := command(k.dir, k.environment, args...)
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	after := time.Duration(k.random.Int64N(int64(whole)))
	timer := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	err := c.Wait()
	timer.Stop()
	if err != nil && !strings.Contains(err.Error(), "killed") {
		k.t.Fatalf("vqctl %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return err == nil
}

func (k *killer) path(parts ...string) string {
	return filepath.Join(append([]string{k.dir}, parts...)...)
}

func (k *killer) read(parts ...string) []byte {
	k.t.Helper()
	content, err := os.ReadFile(k.path(parts...))
	if err != nil {
		k.t.Fatal(err)
	}
	return content
}

// noLeftovers checks that the next run has removed what killed ones left in a folder.
func (k *killer) noLeftovers(folder string) {
	k.t.Helper()
	for _, file := range filesOf(k.t, k.path(folder)) {
		if strings.Contains(file, ".partial-") {
			k.t.Errorf("left over: %s", file)
		}
	}
}

// events returns the events in metrics.jsonl with their losses and texts, except the beginnings of the run.
func (k *killer) events(folder string) (list []string) {
	for line := range bytes.Lines(k.read(folder, "metrics.jsonl")) {
		var m struct {
			Event    string
			Step     int
			Sample   int
			Loss     float64
			EvalLoss *float64 `json:"eval_loss"`
			Text     string
			Contacts any `json:"per_contact"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			k.t.Fatalf("%q: %v", line, err)
		}
		if m.Event != "run" {
			text, _ := json.Marshal(m)
			list = append(list, string(text))
		}
	}
	return list
}

// Training that is killed at any moment goes on with --resume alone, and ends as if nothing had happened.
func TestKilledTraining_GoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("trains many times")
	}
	t.Parallel()
	k := newKiller(t, t.TempDir())
	writeWindows(t, k.path("windows.jsonl"), 12)
	flags := func(output string) []string {
		return []string{"train", "--base-model", "tiny", "--data-path", "windows.jsonl", "--output-dir", output, "--lora-r", "4", "--batch-size", "1",
			"--gradient-accumulation-steps", "2", "--max-steps", "8", "--save-steps", "2", "--eval-steps", "3", "--logging-steps", "1", "--threads", "1"}
	}
	whole := k.must(flags("whole")...)
	ended := false
	for range rounds(20) {
		args := flags("killed")
		if _, err := os.Stat(k.path("killed", "run.json")); err == nil {
			args = []string{"train", "--resume", "--output-dir", "killed"}
		}
		if ended = k.kill(whole, args...); ended {
			break
		}
	}
	if _, err := os.Stat(k.path("killed", "run.json")); err != nil {
		k.must(flags("killed")...)
	} else if !ended {
		k.must("train", "--resume", "--output-dir", "killed")
	}
	for _, file := range []string{"adapter_model.safetensors", "adapter_config.json", "optimizer.safetensors", "trainer_state.json"} {
		if !bytes.Equal(k.read("killed", "final", file), k.read("whole", "final", file)) {
			t.Errorf("%s differs", file)
		}
	}
	// Samples do not change what the run computes.
	k.must(append(flags("without"), "--samples", "0")...)
	if !bytes.Equal(k.read("without", "final", "adapter_model.safetensors"), k.read("whole", "final", "adapter_model.safetensors")) {
		t.Error("the adapter of a run without samples differs")
	}
	const events = 8 + 4 + 4*2 + 1 // steps, evaluations, two samples each, the end
	if got, want := k.events("killed"), k.events("whole"); !slices.Equal(got, want) || len(want) != events {
		t.Errorf("metrics are %q, want %q", got, want)
	}
	k.noLeftovers("killed")
}

// Results of a killed evaluation are whole or not there, and the next one writes them.
func TestKilledEvaluation_LeavesWholeResults(t *testing.T) {
	if testing.Short() {
		t.Skip("evaluates many times")
	}
	t.Parallel()
	k := newKiller(t, t.TempDir())
	writeWindows(t, k.path("windows.jsonl"), 12)
	k.must("train", "--base-model", "tiny", "--data-path", "windows.jsonl", "--lora-r", "4", "--max-steps", "1", "--eval-steps", "0", "--output-dir", "a")
	evaluate := []string{"evaluate", "--adapter", "a/final", "--data-path", "windows.jsonl", "--samples", "2", "--max-new-tokens", "5"}
	whole := k.must(evaluate...)
	want := k.read("a", "final", resultsFile)
	for range rounds(20) {
		if err := os.RemoveAll(k.path("a", "final", resultsFile)); err != nil {
			t.Fatal(err)
		}
		k.kill(whole, evaluate...)
		if _, err := os.Stat(k.path("a", "final", resultsFile)); err == nil && !bytes.Equal(k.read("a", "final", resultsFile), want) {
			t.Errorf("results are %s", k.read("a", "final", resultsFile))
		}
	}
	k.must(evaluate...)
	if !bytes.Equal(k.read("a", "final", resultsFile), want) {
		t.Error("results differ")
	}
	k.noLeftovers("a")
}

// A killed `model init` leaves no model or a whole one; the next one makes it.
func TestKilledModelInit_LeavesAWholeModel(t *testing.T) {
	t.Parallel()
	k := newKiller(t, t.TempDir())
	create := []string{"model", "init", "--shape", "tiny", "m/new"}
	if err := os.Mkdir(k.path("m"), 0o700); err != nil {
		t.Fatal(err)
	}
	whole := k.must(create...)
	want := k.read("m", "new", "model.safetensors")
	for range rounds(20) {
		if err := os.RemoveAll(k.path("m", "new")); err != nil {
			t.Fatal(err)
		}
		k.kill(whole, create...)
		if _, err := os.Stat(k.path("m", "new")); err != nil {
			k.must(create...)
		}
		if !bytes.Equal(k.read("m", "new", "model.safetensors"), want) {
			t.Fatal("the model differs")
		}
		k.must("model", "info", "m/new")
	}
	if err := os.RemoveAll(k.path("m", "new")); err != nil {
		t.Fatal(err)
	}
	k.must(create...)
	k.noLeftovers("m")
}

// A killed `model pull` goes on where it was, and ends with what the server has.
func TestKilledModelPull_GoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k := newKiller(t, dir)
	k.must("model", "init", "--shape", "tiny", "served")
	server := serveModel(t, k.path("served"), "a/small")
	k.environment = append(k.environment, "HF_ENDPOINT="+server.URL, "HF_TOKEN=", "HF_HUB_OFFLINE=", "HF_HOME="+k.path("hf"))
	pull := func(folder string) []string {
		k.environment = append(k.environment, "VENTRILOQUIST_MODELS="+k.path(folder))
		return []string{"model", "pull", "a/small"}
	}
	whole := k.must(pull("first")...)
	for i := range rounds(20) {
		folder := fmt.Sprint("models", i/3) // killed up to three times
		args := pull(folder)
		k.kill(whole, args...)
		if list, err := command(dir, k.environment, "model", "list").CombinedOutput(); err != nil {
			t.Fatalf("model list: %v\n%s", err, list)
		}
		if i%3 == 2 {
			k.must(args...)
			if got := k.read(folder, "a", "small", "model.safetensors"); !bytes.Equal(got, k.read("served", "model.safetensors")) {
				t.Error("the weights differ")
			}
			if files := filesOf(t, k.path(folder)); len(files) != 5 {
				t.Errorf("there are %q", files)
			}
		}
	}
}

// serveModel serves a model folder as Hugging Face does, slowly.
func serveModel(t *testing.T, folder, name string) *httptest.Server {
	t.Helper()
	type sibling struct {
		Name string `json:"rfilename"`
		Size int    `json:"size"`
		Blob string `json:"blobId"`
	}
	commit := strings.Repeat("ab", 20)
	var list []sibling
	files := map[string][]byte{}
	for _, file := range filesOf(t, folder) {
		content, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...))
		list, files[file] = append(list, sibling{file, len(content), hex.EncodeToString(sum[:])}), content
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/models/"+name) {
			_ = json.NewEncoder(w).Encode(map[string]any{"sha": commit, "siblings": list})
			return
		}
		content := files[strings.TrimPrefix(r.URL.Path, "/"+name+"/resolve/"+commit+"/")]
		time.Sleep(10 * time.Millisecond)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	t.Cleanup(server.Close)
	return server
}

// A killed `describe` keeps what it has; the next one asks only about the rest.
func TestKilledDescribe_GoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := describetest.NewOpenAI("vl")
	t.Cleanup(server.Close)
	server.Answer = func(int, *describetest.Asked) describetest.Reply {
		return describetest.Reply{Text: "a picture", Wait: 20 * time.Millisecond}
	}
	k := newKiller(t, dir)
	writePictures(t, dir, 12)
	k.must("collect", "--source", "Library/Messages/chat.db")
	args := []string{"describe", "--endpoint", server.URL + "/v1"}
	copied := func(to string) { // of what was collected
		if err := os.CopyFS(k.path(to), os.DirFS(k.path("data"))); err != nil {
			t.Fatal(err)
		}
	}
	copied("timed")
	whole := k.must(append(args, "--data-dir", "timed")...)
	for range rounds(20) {
		if k.kill(whole, args...) {
			break
		}
	}
	k.must(args...)
	asked := len(server.Asked())
	k.must(args...)
	if more := len(server.Asked()); more != asked {
		t.Errorf("asked about %d again", more-asked)
	}
	k.noLeftovers("data")
}

// writePictures creates the home folder of a Mac with a chat of n pictures.
func writePictures(t *testing.T, home string, n int) {
	t.Helper()
	folder := filepath.Join(home, "Library/Messages/Attachments/ab")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	w, err := chatdb.Create(filepath.Join(home, "Library/Messages/chat.db"), chatdb.Latest)
	if err != nil {
		t.Fatal(err)
	}
	john := w.Handle("+442079460101", "iMessage")
	chat := w.Chat(chatdb.Chat{Handles: []int64{john}})
	for i := range n {
		var photo bytes.Buffer
		name := fmt.Sprintf("%d.jpg", i)
		err := errors.Join(jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 8+i, 8)), nil), os.WriteFile(filepath.Join(folder, name), photo.Bytes(), 0o600))
		if err != nil {
			t.Fatal(err)
		}
		a := w.Attachment(chatdb.Attachment{GUID: name, Filename: "~/Library/Messages/Attachments/ab/" + name})
		w.Message(chatdb.Message{Chat: chat, Handle: john, Date: time.Date(2024, 3, 15, 12, i, 0, 0, time.UTC), Attachments: []int64{a},
			Body: chatdb.Parts(chatdb.Part{Attachment: name})})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeWindows writes a window file of n windows of one conversation.
func writeWindows(t *testing.T, path string, n int) {
	t.Helper()
	var texts []string
	for i := range n {
		texts = append(texts, `{"type": "dm", "members": ["Ada", "Ben"], "start": "2024-03-15"}`+"\n"+
			fmt.Sprintf(`{"name": "Ada", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey %d"}`, i)+"\n")
	}
	writeWindowTexts(t, path, texts)
}

// writeWindowTexts writes a window file of windows.
func writeWindowTexts(t *testing.T, path string, texts []string) {
	t.Helper()
	var lines bytes.Buffer
	for _, text := range texts {
		line, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	if err := os.WriteFile(path, lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

package model_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

// emptyHome sets new, empty folders for models.
func emptyHome(t *testing.T) (own, cache string) {
	t.Helper()
	own, cache = t.TempDir(), t.TempDir()
	for _, key := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_DATA_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(key, "")
	}
	t.Setenv("VENTRILOQUIST_MODELS", own)
	t.Setenv("HF_HOME", cache)
	return own, filepath.Join(cache, "hub")
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.Rename(from, to)); err != nil {
		t.Fatal(err)
	}
}

// inCache puts a model where Hugging Face's tools would put it.
func inCache(t *testing.T, cache, repo, from string) (snapshot string) {
	t.Helper()
	base := filepath.Join(cache, "models--"+strings.ReplaceAll(repo, "/", "--"))
	snapshot = filepath.Join(base, "snapshots", "abc123")
	move(t, from, snapshot)
	refs := filepath.Join(base, "refs")
	if err := errors.Join(os.MkdirAll(refs, 0o700), os.WriteFile(filepath.Join(refs, "main"), []byte("abc123"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// The embedded model opens like any other.
func TestResolve_Tiny(t *testing.T) {
	emptyHome(t)
	source, err := model.Resolve("tiny")
	if err != nil {
		t.Fatal(err)
	}
	m, err := source.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if source.Name != "tiny" || source.Dir != "" || m.Bytes() != 2*m.Config.Parameters() {
		t.Errorf("%+v, %d bytes", source, m.Bytes())
	}
	if _, err := source.ReadFile("tokenizer.json"); err != nil {
		t.Error(err)
	}
}

// A folder is named by its absolute path, so that an adapter finds it from elsewhere.
func TestResolve_Folder(t *testing.T) {
	emptyHome(t)
	dir := makeModel(t, model.RandomOptions{Config: small()})
	t.Chdir(filepath.Dir(dir))
	for _, name := range []string{"model", "./model", "model/", dir} {
		source, err := model.Resolve(name)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := model.Resolve(source.Name); err != nil || !filepath.IsAbs(source.Name) || again.Dir != source.Dir {
			t.Errorf("%s: %+v, %+v, %v", name, source, again, err)
		}
	}
}

// A name finds vqctl's own copy first, then the one in Hugging Face's cache, in any spelling.
func TestResolve_Name(t *testing.T) {
	own, cache := emptyHome(t)
	snapshot := inCache(t, cache, "Qwen/Qwen3-0.6B-Base", makeModel(t, model.RandomOptions{Config: small()}))
	for _, name := range []string{"Qwen/Qwen3-0.6B-Base", "qwen3-0.6b-base", "QWEN/qwen3-0.6B-base"} {
		if source, err := model.Resolve(name); err != nil || source.Dir != snapshot || source.Name != "Qwen/Qwen3-0.6B-Base" {
			t.Errorf("%s: %+v, %v", name, source, err)
		}
	}
	pulled := filepath.Join(own, "Qwen", "Qwen3-0.6B-Base")
	move(t, makeModel(t, model.RandomOptions{Config: small()}), pulled)
	if source, err := model.Resolve("qwen3-0.6b-base"); err != nil || source.Dir != pulled {
		t.Errorf("%+v, %v", source, err)
	}
}

// An incomplete copy is skipped, and named if there is no other.
func TestResolve_Incomplete(t *testing.T) {
	_, cache := emptyHome(t)
	snapshot := inCache(t, cache, "someone/model", makeModel(t, model.RandomOptions{Config: small(), ShardBytes: 700}))
	shards, err := filepath.Glob(filepath.Join(snapshot, "model-*.safetensors"))
	if err != nil || len(shards) < 2 {
		t.Fatal(shards, err)
	}
	if err := os.Remove(shards[1]); err != nil {
		t.Fatal(err)
	}
	_, err = model.Resolve("someone/model")
	if err == nil || !strings.Contains(err.Error(), "has no "+filepath.Base(shards[1])) || !strings.Contains(usererr.Of(err), "vqctl model pull someone/model") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
}

// The default is Qwen3-8B-Base, and the hint says how to get it.
func TestResolve_DefaultMissing(t *testing.T) {
	emptyHome(t)
	_, err := model.Resolve("")
	if err == nil || !strings.Contains(usererr.Of(err), "vqctl model pull Qwen/Qwen3-8B-Base") {
		t.Errorf("%v, hint %q", err, usererr.Of(err))
	}
}

func TestResolve_Errors(t *testing.T) {
	_, cache := emptyHome(t)
	inCache(t, cache, "some/broken", makeModel(t, model.RandomOptions{Config: small()}))
	if err := os.WriteFile(filepath.Join(cache, "models--some--broken", "refs", "main"), []byte("../../.."), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"nonsense":      `no base model "nonsense"`,
		"./nosuch":      `no base model "./nosuch"`,
		"/no/such/dir":  `no base model "/no/such/dir"`,
		"a/../b":        `no base model`,
		file:            "is neither a folder nor a GGUF file",
		file + "/below": "no base model",
		"some/broken":   "is not a commit",
	} {
		if _, err := model.Resolve(name); err == nil || !strings.Contains(err.Error(), want) || usererr.Of(err) == "" {
			t.Errorf("%q: %v, hint %q", name, err, usererr.Of(err))
		}
	}
}

// The list has what Resolve finds, and shows what is incomplete.
func TestList(t *testing.T) {
	own, cache := emptyHome(t)
	inCache(t, cache, "Qwen/Qwen3-4B-Base", makeModel(t, model.RandomOptions{Config: small()}))
	other := inCache(t, cache, "other/llama", makeModel(t, model.RandomOptions{Config: small()}))
	if err := os.WriteFile(filepath.Join(other, "config.json"), []byte(`{"model_type": "llama"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	move(t, makeModel(t, model.RandomOptions{Config: small()}), filepath.Join(own, "a", "b"))
	if err := os.MkdirAll(filepath.Join(own, "a", ".c.partial"), 0o700); err != nil {
		t.Fatal(err)
	}
	list, err := model.List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		got = append(got, e.Name+" "+e.Where+" "+e.Missing)
		if e.Missing == "" && e.Bytes < 1000 {
			t.Errorf("%s has %d bytes", e.Name, e.Bytes)
		}
	}
	if want := "tiny built in ,a/c vqctl config.json,a/b vqctl ,Qwen/Qwen3-4B-Base huggingface "; strings.Join(got, ",") != want {
		t.Errorf("%q", got)
	}
}

// Without a folder of models the list has only the built-in one.
func TestList_Empty(t *testing.T) {
	emptyHome(t)
	t.Setenv("VENTRILOQUIST_MODELS", filepath.Join(t.TempDir(), "none"))
	if list, err := model.List(); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

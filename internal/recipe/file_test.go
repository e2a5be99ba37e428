package recipe_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/recipe"
	"ventriloquist/internal/usererr"
)

var names = []string{"base-model", "learning-rate", "lora-r", "lr-scheduler", "no-shuffle"}

func TestReadFile_ReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), recipe.FileName)
	want := []recipe.Value{{"base-model", `C:\models "tiny"`, 3}, {"learning-rate", "0.0002", 4}, {"lora-r", "32", 5}, {"no-shuffle", "true", 6}}
	if err := recipe.WriteFile(path, []string{"found by tune", ""}, want); err != nil {
		t.Fatal(err)
	}
	got, err := recipe.ReadFile(path, names)
	if err != nil || !slices.Equal(got, want) {
		text, _ := os.ReadFile(path)
		t.Errorf("%+v, %v from\n%s", got, err, text)
	}
}

func TestReadFile_NamesTheLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ err, hint string }{
		"# found by tune\nlearning-rte = 1e-3\n":    {`train.toml:2: train has no setting "learning-rte"`, "did you mean learning-rate?"},
		"\n\nlora_r = 8\nlora-r = 16\n":             {"train.toml:4: lora-r is set twice, first in line 3", "remove one"},
		"lora-r = 8\nlora-r = 16\n":                 {"train.toml:2:", "correct the line"},
		"lora-r = 8\nlearning-rate = 2e\n":          {"train.toml:2:", "correct the line"},
		"lr-scheduler = cosine\n":                   {"train.toml:1:", `lr-scheduler = "cosine"`},
		"[optimizer]\nlearning-rate = 1\n":          {"train.toml:1: the settings of train are not in a table such as [optimizer]", "remove this line"},
		"lora-r = [8, 16]\n":                        {"train.toml:1: lora-r must be a number", "lora-r = VALUE"},
		"lora.r = 8\n":                              {`train.toml:1: train has no setting "lora.r"`, ""},
		"output-dir = \"x\"\n":                      {`train.toml:1: train has no setting "output-dir"`, "these can be set: base-model, "},
		"\xff\xfe":                                  {"train.toml:1:", ""},
		"lora-r = 8 lora-alpha = 4":                 {"train.toml:1:", "correct the line"},
		"learning-rate = 1979-05-27":                {"train.toml:1: learning-rate must be a number", ""},
		"lora-r = 8\r\nlearning-rate = \"\"\"\n\n ": {"train.toml:", "correct the line"},
	} {
		path := filepath.Join(t.TempDir(), recipe.FileName)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := recipe.ReadFile(path, names)
		if err == nil || !strings.Contains(err.Error(), want.err) || !strings.Contains(usererr.Of(err), want.hint) {
			t.Errorf("%q: %v, hint %q", text, err, usererr.Of(err))
		}
	}
}

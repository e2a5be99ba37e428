package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

// If a loss is NaN, the error names the step and the window, and nothing is written.
func TestTrain_NamesTheWindowThatIsNotFinite(t *testing.T) {
	const odd = "zyxwv"
	dir := t.TempDir()
	base := filepath.Join(dir, "base")
	config, err := model.ShapeConfig(model.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	config.RMSNormEps = 1e-60                      // 0 in f32
	config.Layers, config.TieEmbeddings = 2, false // with untied embeddings, the token's row affects only the window that has the token
	if err := model.WriteRandom(t.Context(), base, model.RandomOptions{Config: config, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for i := range 6 {
		text := "hello"
		if i == 2 {
			text = odd
		}
		window := `{"type": "dm", "members": ["Ada", "Ben"], "start": "2024-03-15"}` + "\n" +
			fmt.Sprintf(`{"name": "Ada", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "%s"}`, text) + "\n" +
			`{"name": "Ben", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "yes"}` + "\n"
		line, err := json.Marshal(map[string]string{"text": window})
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	data := filepath.Join(dir, "windows.jsonl")
	if err := os.WriteFile(data, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	spoilToken(t, base, config, odd, lines.String())

	for _, c := range []struct {
		name  string
		flags []string
		step  int
		saved []string
		hint  string
	}{
		{"in the first step", []string{"--batch-size", "2", "--max-steps", "3", "--save-steps", "1"}, 1, nil,
			"the cause is the base model"},
		// The error arrives after the next step has been queued.
		{"with the next step queued", []string{"--batch-size", "1", "--gradient-accumulation-steps", "1", "--max-steps", "4",
			"--save-steps", "2"}, 3, []string{"checkpoint-2"}, "saved checkpoints are intact"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			err := newTrainCommand().Run(t.Context(), append([]string{"train", "--base-model", base, "--data-path", data,
				"--output-dir", out, "--no-shuffle", "--lora-r", "4", "--eval-steps", "0"}, c.flags...))
			where := fmt.Sprintf("step %d (windows %s:3): ", c.step, data)
			if !errors.Is(err, engine.ErrNotFinite) || !strings.Contains(err.Error(), where) {
				t.Errorf("%v", err)
			}
			if !strings.Contains(usererr.Of(err), c.hint) {
				t.Errorf("hint %q", usererr.Of(err))
			}
			found, _ := filepath.Glob(filepath.Join(out, "[cf]*")) // checkpoint-N and final
			for i := range found {
				found[i] = filepath.Base(found[i])
			}
			if !slices.Equal(found, c.saved) {
				t.Errorf("written: %q, want %q", found, c.saved)
			}
		})
	}
}

// spoilToken writes zeros into the embedding of a token of odd that occurs once in the text. With an epsilon of 0, its norm is
// 0 / 0. (NaN in the weights themselves is refused when they are loaded.)
func spoilToken(t *testing.T, base string, config model.Config, odd, text string) {
	t.Helper()
	tokenizer, err := load.LoadTokenizer(model.Folder(base))
	if err != nil {
		t.Fatal(err)
	}
	count := map[int32]int{}
	for _, id := range tokenizer.Encode(text) {
		count[id]++
	}
	id := int32(-1)
	for _, each := range tokenizer.Encode(odd) {
		if count[each] == 1 {
			id = each
		}
	}
	if id < 0 {
		t.Fatalf("no token of %q occurs only once", odd)
	}
	path := filepath.Join(base, model.WeightsFile)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	length := binary.LittleEndian.Uint64(content)
	var header map[string]struct {
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(content[8:8+length], &header); err != nil {
		t.Fatal(err)
	}
	row := 8 + int(length) + header[model.EmbedTokens].Offsets[0] + int(id)*config.HiddenSize*2
	clear(content[row : row+config.HiddenSize*2])
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

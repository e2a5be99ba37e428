package main

import (
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/windows"
)

// Windows with more targets take more memory: the plan counts those of the window with the most.
func TestDryRun_PlansForTheMostTargets(t *testing.T) {
	t.Parallel()
	const text = `"{\"members\": [\"A\", \"B\"]}\n` +
		`{\"name\": \"A\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"a\"}\n` +
		`{\"name\": \"B\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"b\"}\n"`
	path := filepath.Join(t.TempDir(), "windows.jsonl")
	if err := os.WriteFile(path, []byte(`{"text": `+text+"}\n"+`{"text": `+text+`, "targets": 2}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := windows.OpenFile(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	config, err := model.ShapeConfig("qwen3-1.7b")
	if err != nil {
		t.Fatal(err)
	}
	var o trainOptions
	for _, c := range []struct {
		data plannedData
		want int
	}{{plannedData{}, 1}, {plannedData{source: source, training: []int{0}}, 1}, {plannedData{source: source, training: []int{0, 1}}, 2}} {
		if got := o.dryRunSettings(config, c.data.mostTargets()).Targets; got != c.want*memplan.TokensPerTarget {
			t.Errorf("windows %v: planned for %d target tokens, want %d", c.data.training, got, c.want*memplan.TokensPerTarget)
		}
	}
}

package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Every format has a guide, and the table in the documentation says the same.
func TestSources_GuidesAreComplete(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(sourceGuides) != len(formats) {
		t.Errorf("there are %d guides of %d formats", len(sourceGuides), len(formats))
	}
	var out bytes.Buffer
	if err := printSources(&out); err != nil {
		t.Fatal(err)
	}
	for i, g := range sourceGuides {
		if g.Format != formats[i].name || !strings.Contains(out.String(), "\n"+g.Format+": ") {
			t.Errorf("guide %d is of %s, the format is %s", i, g.Format, formats[i].name)
		}
		row := fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s | %s |", g.Format, g.Replies, g.Reactions, g.Edits, g.Deletions, g.Attachments, g.Members)
		if !strings.Contains(string(docs), row) {
			t.Errorf("docs/sources.md lacks %s", row)
		}
	}
}

package generate

import (
	"flag"
	"os"
	"testing"
)

var updateGBNF = flag.Bool("update-gbnf", false, "write testdata/line.gbnf")

// scripts/check_backend.py tests with llama.cpp that the file is the grammar of lines.
func TestGBNF_IsTheCheckedFile(t *testing.T) {
	t.Parallel()
	const path = "testdata/line.gbnf"
	if *updateGBNF {
		if err := os.WriteFile(path, []byte(GBNF()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != GBNF() {
		t.Errorf("%v: the grammar differs from %s: run this test with -update-gbnf, then scripts/check_backend.py", err, path)
	}
}

func TestIsLine_NeedsTheWholeLine(t *testing.T) {
	t.Parallel()
	const whole = `delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey"}`
	for text, want := range map[string]bool{whole: true, whole + "\n": true, whole + "\nmore": true, whole[:len(whole)-1]: false, "": false, whole + " ": false} {
		if IsLine([]byte(text)) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

package windows

import (
	"bytes"
	"testing"
)

// The fast parser must agree with encoding/json whenever it accepts a row.
func FuzzParsePlainRow(f *testing.F) {
	for _, row := range []string{
		`{"text": "a"}`, `{"text": "a\\n\\"b\\"\\/\\\\", "targets": 12}` + "\n", `{"text": "\u00e9"}`, `{"text": "a", "targets": 01}`,
		`{"text": "a", "targets": 0}`, `{"text": "a", "targets": 2, "x": 1}`, `{"text": "a"} x`, "{\"text\": \"\xff\"}", `{"text": "a"`,
		`{"text": "a", "targets": 99999999999999999999}`, "{\"text\": \"a\tb\"}", `{"text": "a", "targets": }`, `{"text": "a", "targets": 1.5}`,
	} {
		f.Add([]byte(row))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		text, targets, ok := parsePlainRow(row)
		if !ok {
			return
		}
		want, wantTargets, err := parseAnyRow(row)
		if err != nil || !bytes.Equal(text, want) || targets != wantTargets {
			t.Fatalf("%q reads %q and %d; encoding/json says %q and %d (%v)", row, text, targets, want, wantTargets, err)
		}
	})
}

// Otherwise every row would be parsed the slow way, and no other test would notice.
func TestParsePlainRow_ReadsWhatExportWrites(t *testing.T) {
	t.Parallel()
	for targets := range 3 {
		row := appendRow(nil, appendEscaped(nil, "{\"a\": \"\u2028 \\\\ \u00e9\"}\n\t/"), targets+1)
		if _, got, ok := parsePlainRow(row); !ok || got != targets+1 {
			t.Errorf("%s: read %v, %d targets", row, ok, got)
		}
	}
}

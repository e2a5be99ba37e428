package secrets

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestFind_MatchesGitleaks compares with the findings of gitleaks itself. The file is compressed also so that
// services that look for leaked keys do not take its invented keys for real ones.
func TestFind_MatchesGitleaks(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/gitleaks.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	cases, found, byRule := 0, 0, map[string]int{}
	for rows := json.NewDecoder(unzipped); rows.More(); cases++ {
		var row struct {
			Text  string
			Found [][2]string
		}
		if err := rows.Decode(&row); err != nil {
			t.Fatal(err)
		}
		var got [][2]string
		for _, f := range Find(row.Text) {
			got = append(got, [2]string{f.Rule, f.Secret})
			byRule[f.Rule]++
		}
		slices.SortFunc(got, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
		if !slices.Equal(got, row.Found) {
			t.Errorf("case %d: Find(%q) = %q, gitleaks finds %q", cases, row.Text, got, row.Found)
		}
		found += len(got)
	}
	if len(byRule) < len(rules) {
		for _, r := range rules {
			if byRule[r.id] == 0 {
				t.Errorf("no case has a secret of the rule %s", r.id)
			}
		}
	}
	t.Logf("%d cases, %d secrets, by %d of %d rules", cases, found, len(byRule), len(rules))
}

func TestFind_IsDeterministic(t *testing.T) {
	t.Parallel()
	text := "AKIAIMNOJVGFDXXXE4OA and glpat-" + strings.Repeat("a1B2", 5) + "\npassword = zXcV90qWeRtY12uI"
	first := Find(text)
	for range 10 {
		if again := Find(text); !slices.Equal(first, again) {
			t.Fatalf("Find returns %v, then %v", first, again)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	text := "try https://help.ubuntu.com/community/AptGet/Howto?action=show&redirect=AptGetHowto1234 and paste the token here"
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Find(text)
	}
}

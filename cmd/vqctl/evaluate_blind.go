package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/evaluate/blind"
	"ventriloquist/internal/evaluate/interval"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// keyEnding is that of the file next to the page of a blind test.
const keyEnding = ".key.json"

// largestAnswers is how large a file of answers or a key may be.
const largestAnswers = 16 << 20

// keyPath is where the key of a page goes.
func keyPath(page string) string { return strings.TrimSuffix(page, filepath.Ext(page)) + keyEnding }

// runBlindTest writes a page with moments and its key.
func (o *evaluateOptions) runBlindTest(ctx context.Context, set *evaluate.Set, writer evaluate.Generator, out io.Writer) error {
	// Some moments fall out because the model repeats itself.
	candidates, err := set.Moments(2 * o.blindMoments)
	if err != nil {
		return err
	}
	report, finish := newProgress("writing replies", "moments")
	err = set.WriteMoments(ctx, writer, candidates, 2*o.blindWritten, o.sample, report)
	finish()
	if err != nil {
		return err
	}
	moments := evaluate.BlindMoments(candidates, o.blindWritten)
	if len(moments) == 0 {
		return usererr.With(fmt.Errorf("the model did not write %d different replies at any of %s", o.blindWritten, terminal.Quantity(len(candidates), "moment")),
			"lower --blind-written, or raise --temperature")
	}
	moments = evenly(moments, o.blindMoments)
	var page bytes.Buffer
	key, err := blind.Write(&page, moments)
	if err != nil {
		return err
	}
	// The key first: a page without its key would be of no use.
	if err := atomicfile.WriteBytes(keyPath(o.blindTest), key); err != nil {
		return err
	}
	err = writeHTML(o.blindTest, func(w io.Writer) error {
		_, err := page.WriteTo(w)
		return err
	})
	if err != nil {
		return err
	}
	recordOutput(ctx, o.dataDir, o.blindTest)
	recordOutput(ctx, o.dataDir, keyPath(o.blindTest))
	if o.json {
		return json.NewEncoder(out).Encode(map[string]any{"page": o.blindTest, "key": keyPath(o.blindTest), "seal": blind.Seal(key), "moments": len(moments)})
	}
	_, err = fmt.Fprintf(out, `%s with %d replies each are in %s, which opens in any browser
the key is in %s: keep it, and keep it to yourself
the page holds real messages: give it only to people who may read them
with what they send back: vqctl evaluate --blind-answers FILE…
`, terminal.Quantity(len(moments), "moment"), 1+o.blindWritten, o.blindTest, keyPath(o.blindTest))
	return err
}

// evenly returns at most n of a list, evenly spread.
func evenly(list []blind.Moment, n int) []blind.Moment {
	n = min(n, len(list))
	some := make([]blind.Moment, n)
	for i := range some {
		some[i] = list[i*len(list)/n]
	}
	return some
}

// runBlindAnswers scores the answers in files.
func (o *evaluateOptions) runBlindAnswers(out io.Writer) error {
	var sheets []blind.Sheet
	for _, path := range o.blindAnswers {
		text, err := regularfile.Read(path, largestAnswers)
		if err != nil {
			return err
		}
		found, err := blind.ReadSheets(string(text))
		if err != nil {
			return usererr.With(fmt.Errorf("%s: %w", path, err), "put the whole text into the file that the page made at its end")
		}
		sheets = append(sheets, found...)
	}
	keys := findKeys(o.blindAnswers)
	for _, s := range sheets {
		if keys[s.Seal] == nil {
			return usererr.With(fmt.Errorf("no key with the seal %s was found: it is elsewhere, or was changed", s.Seal),
				"put the file that ends in %s, as --blind-test wrote it, next to the answers or into this folder", keyEnding)
		}
	}
	result, err := blind.Score(sheets, keys)
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(out).Encode(result)
	}
	return printBlindResult(out, result)
}

// findKeys reads the keys in this folder and in those of the files, by seal. Files that are no keys are passed over.
func findKeys(files []string) map[string]*blind.Key {
	keys := make(map[string]*blind.Key)
	folders := []string{"."}
	for _, f := range files {
		folders = append(folders, filepath.Dir(f))
	}
	for _, folder := range folders {
		for _, path := range regularfile.Glob(folder, "*"+keyEnding) {
			encoded, err := regularfile.Read(path, largestAnswers)
			if err != nil {
				continue
			}
			if key, err := blind.ReadKey(encoded); err == nil {
				keys[blind.Seal(encoded)] = key
			}
		}
	}
	return keys
}

func printBlindResult(out io.Writer, r *blind.Result) error {
	table := terminal.NewTable("answers of", "raters>", "answers>", "real reply chosen>", "95% interval>", "by guessing>", "what it shows")
	add := func(name string, f *blind.Figures) {
		if f == nil {
			return
		}
		table.Add(name, terminal.Count(int64(f.Raters)), terminal.Count(int64(f.Answers)), fmt.Sprintf("%.0f%%", 100*f.Right), percentInterval(f.Interval),
			fmt.Sprintf("%.0f%%", 100*f.Chance), f.Verdict())
	}
	for _, kind := range blind.Kinds {
		add(kind, r.ByRater[kind])
	}
	for _, length := range blind.Lengths {
		add("all, shown "+length, r.ByLength[length])
	}
	add("all", r.All)
	if _, err := io.WriteString(out, table.Fit(terminal.Columns(out))); err != nil {
		return err
	}
	if r.All.Unanswered > 0 {
		_, err := fmt.Fprintf(out, "%s without an answer\n", terminal.Quantity(r.All.Unanswered, "moment"))
		return err
	}
	return nil
}

func percentInterval(i *interval.Interval) string {
	if i == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f to %.0f%%", 100*i[0], 100*i[1])
}

package main

import (
	"encoding/csv"
	"encoding/json"
	"html/template"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/modelfile"
	"ventriloquist/internal/windows"
)

// A name or address is found in every form in which files of this program hold it.
func TestTracesOf_FindsEveryForm(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"Ann", `Zoë "Z" O'Brien & <Co>`, "+12125550101", "a+b@example.org", "A\u00a0B", "Eve\x1b\u202e", "{{ x }}"} {
		var files []string
		dir := t.TempDir()
		write := func(name string, fill func(f *os.File) error) {
			t.Helper()
			f, err := os.Create(filepath.Join(dir, name))
			if err == nil {
				err = fill(f)
				f.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f.Name())
		}
		write("text", func(f *os.File) error { _, err := f.WriteString("(" + word + ")"); return err })
		write("escaped.json", func(f *os.File) error { return json.NewEncoder(f).Encode(map[string]int{word: 1}) })
		write("plain.json", func(f *os.File) error {
			encoder := json.NewEncoder(f)
			encoder.SetEscapeHTML(false)
			return encoder.Encode(map[string]int{word: 1})
		})
		write("page.html", func(f *os.File) error {
			return template.Must(template.New("").Parse("<td>{{.}}</td>")).Execute(f, word)
		})
		write("table.csv", func(f *os.File) error {
			w := csv.NewWriter(f)
			w.Write([]string{"1", word, "x"})
			w.Flush()
			return w.Error()
		})
		write("windows.jsonl", func(f *os.File) error {
			_, err := f.Write(windows.AppendHeader(nil, windows.NewHeader("dm", []string{word, "Me"}, "2024-03-15")))
			return err
		})
		write("Modelfile", func(f *os.File) error { _, err := f.Write(modelfile.Chat{As: word, With: "Me"}.Text()); return err })
		found, unread, err := tracesOf(files, []string{word})
		if err != nil || len(unread) != 0 {
			t.Fatal(unread, err)
		}
		for _, path := range files {
			if !slices.Contains(found, path) {
				content, _ := os.ReadFile(path)
				t.Errorf("%q is not found in %s: %s", word, filepath.Base(path), content)
			}
		}
		if found, _, err := tracesOf(files, []string{"other" + word}); err != nil || len(found) != 0 {
			t.Errorf("another word is found in %v (%v)", found, err)
		}
	}
}

// The only text in an evaluation's results is rewritten by redact and erased by forget, and all else stays as it is.
func TestRewriteCopies_KeepsTheRest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), resultsFile)
	const before, after = `{"loss":3.5,"leaks":{"longest_copy":"`, `","secrets":[]}}` + "\n"
	for text, want := range map[string]string{`call \"me\" at (212) 555-0123\\`: `CALL \"ME\" AT (212) 555-0123\\`, "": "", `<b>`: `<B>`} {
		if err := os.WriteFile(path, []byte(before+text+after), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			rewrite func(string) string
			want    string
		}{{strings.ToUpper, want}, {func(string) string { return "" }, ""}} {
			if err := rewriteCopies([]string{path, "none"}, c.rewrite); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(got)); err != nil || plain != before+c.want+after {
				t.Errorf("%s becomes %s (%v)", text, got, err)
			}
		}
	}
}

// forget names pages with a name in HTML's form, exported models, and what was made of them; it erases copies of messages.
func TestForget_NamesPagesAndExportedModels(t *testing.T) {
	dir := t.TempDir()
	const name = "Zoe O'Brien"
	var chat []byte
	for i, who := range []string{name, "Me", name, "Me"} {
		line, err := json.Marshal(map[string]any{"chat": "c", "name": who, "text": "hi", "time": 1_710_547_260 + 60*i})
		if err != nil {
			t.Fatal(err)
		}
		chat = append(append(chat, line...), '\n')
	}
	if err := os.WriteFile(filepath.Join(dir, "chat.jsonl"), chat, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := command(dir, []string{"MY_NAME=Me", "HOME=" + dir}, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("vqctl %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("collect", "--source", "chat.jsonl", "--me", "Me")
	run("contacts", "suggest", "--yes", "--address-book", dir)
	run("stats", "--html", "page.html")
	run("export", "--format", "gguf", "--base-model", "tiny", "--output", "model.gguf")
	run("export", "--format", "safetensors", "--base-model", "tiny", "--output", "merged")
	if err := os.MkdirAll(filepath.Join(dir, defaultOutputDir), 0o700); err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(dir, defaultOutputDir, resultsFile)
	if err := os.WriteFile(results, []byte(`{"leaks":{"longest_copy":"a message of Zoe's"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var result forgetResult
	if err := json.Unmarshal([]byte(run("forget", name, "--yes", "--json")), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Traces) != 1 || filepath.Base(result.Traces[0]) != "page.html" {
		t.Errorf("traces are in %q", result.Traces)
	}
	var models []string
	for _, a := range result.Adapters {
		models = append(models, filepath.Base(a.Path)+" "+a.Seen)
	}
	if !slices.Equal(models, []string{"merged unknown", "model.gguf unknown"}) {
		t.Errorf("models are %q", models)
	}
	if kept, err := os.ReadFile(results); err != nil || string(kept) != `{"leaks":{"longest_copy":""}}` {
		t.Errorf("the results are %s (%v)", kept, err)
	}
}

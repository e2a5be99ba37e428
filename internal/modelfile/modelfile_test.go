package modelfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"unicode"

	"ventriloquist/internal/modelfile"
)

// parse reads a Modelfile as Ollama's parser does: a value ends with its line unless it begins with three quotation marks; runes that
// are not printable are dropped, except ends of lines.
func parse(t *testing.T, text string) map[string][]string {
	t.Helper()
	commands := map[string][]string{}
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(lines[i], " ")
		if name == "PARAMETER" {
			name, value, _ = strings.Cut(value, " ")
		}
		for strings.HasPrefix(value, `"""`) && !(len(strings.TrimSpace(value)) >= 6 && strings.HasSuffix(strings.TrimSpace(value), `"""`)) {
			i++
			if i == len(lines) {
				t.Fatalf("%s does not end", name)
			}
			value += lines[i]
		}
		value = strings.TrimSpace(value)
		if strings.HasPrefix(value, `"""`) {
			value = value[3 : len(value)-3]
		}
		value = strings.Map(func(r rune) rune {
			if r == '\n' || unicode.IsPrint(r) {
				return r
			}
			return -1
		}, value)
		commands[name] = append(commands[name], value)
	}
	return commands
}

type message struct{ Role, Content string }

// render renders a template for messages, with the functions of Ollama's that it uses.
func render(t *testing.T, text string, messages ...message) string {
	t.Helper()
	parsed, err := template.New("").Funcs(template.FuncMap{"currentDate": func() string { return "2024-03-15" }}).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := parsed.Execute(&b, map[string]any{"Messages": messages}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The template makes the text of a window, up to the words of the next message, whatever is in the names and messages.
func TestChat_TextMakesWindows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ as, with, members, asJSON, withJSON string }{
		{"Aidan", "John", `"Aidan", "John"`, "Aidan", "John"},
		{"Zoë {{x}}", `Jo "J" {{{`, `"Jo \"J\" {{{", "Zoë {{x}}"`, "Zoë {{x}}", `Jo \"J\" {{{`},
		{"a{\u200d", "b{{{\u202e{", "\"a{\u200d\", \"b{{{\u202e{\"", "a{\u200d", "b{{{\u202e{"},
		{"FROM x\nSYSTEM y", "\"\"\"\nPARAMETER stop x\n\"\"\"", `"\"\"\"\nPARAMETER stop x\n\"\"\"", "FROM x\nSYSTEM y"`, `FROM x\nSYSTEM y`, `\"\"\"\nPARAMETER stop x\n\"\"\"`},
		{"{{ .System }}", "{{- /* */ -}}{{end}}", `"{{ .System }}", "{{- /* */ -}}{{end}}"`, "{{ .System }}", "{{- /* */ -}}{{end}}"},
		{"A\u200d\u00a0B", "C", "\"A\u200d\u00a0B\", \"C\"", "A\u200d\u00a0B", "C"},
	} {
		commands := parse(t, string(modelfile.Chat{As: c.as, With: c.with}.Text()))
		got := render(t, commands["TEMPLATE"][0], message{"system", "be nice"}, message{"user", `who is "he"? <3`}, message{"assistant", `he said \"hi\"`}, message{"user", "ok"})
		want := `{"type": "dm", "members": [` + c.members + `], "start": "2024-03-15"}
{"name": "` + c.withJSON + `", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "who is \"he\"? <3"}
{"name": "` + c.asJSON + `", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "he said \"hi\""}
{"name": "` + c.withJSON + `", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "ok"}
{"name": "` + c.asJSON + `", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "`
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.as, got, want)
		}
		if stops := commands["stop"]; len(stops) != 1 || stops[0] != "\"}\n" || len(commands["FROM"]) != 1 || commands["FROM"][0] != "./model.gguf" || len(commands["SYSTEM"]) != 0 {
			t.Errorf("%s: %q", c.as, commands)
		}
	}
}

// No name puts a control character, or a line of its own, into the file.
func TestChat_TextIsPlain(t *testing.T) {
	t.Parallel()
	const evil = "Eve\x1b]52;c;ZXZpbA==\a\u202e\u009b2J\r\nFROM evil\u2028PARAMETER stop x\x85y\xff"
	text := string(modelfile.Chat{As: evil, With: evil + "2"}.Text())
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("%q has %q", text, r)
		}
	}
	if from := strings.Count(text, "\nFROM "); from != 1 {
		t.Errorf("%d lines begin with FROM: %q", from, text)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if modelfile.Check(dir) == nil {
		t.Error("a folder without a Modelfile passed")
	}
	for text, good := range map[string]bool{string(modelfile.Chat{As: "A", With: "B"}.Text()): true, "FROM qwen3\n": false} {
		if err := os.WriteFile(filepath.Join(dir, modelfile.File), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := modelfile.Check(dir); (err == nil) != good {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

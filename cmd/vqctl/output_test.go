package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// All commands print through stdout and stderr of output.go, which escape what could control a terminal.
func TestOutput_GoesThroughTheEscapingWriters(t *testing.T) {
	t.Parallel()
	displays := map[string]bool{"demo.go": true, "output.go": true, "chat.go": true, "monitor.go": true}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if displays[name] || strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		inspected := map[ast.Node]bool{} // x of x.Fd(), which prints nothing
		ast.Inspect(file, func(n ast.Node) bool {
			s, is := n.(*ast.SelectorExpr)
			if !is {
				return true
			}
			if s.Sel.Name == "Fd" {
				inspected[s.X] = true
			}
			x, is := s.X.(*ast.Ident)
			if is && x.Name == "os" && (s.Sel.Name == "Stdout" || s.Sel.Name == "Stderr") && !inspected[s] {
				t.Errorf("%s: os.%s is used directly", fset.Position(s.Pos()), s.Sel.Name)
			}
			return true
		})
	}
}

// evil is a name that would set the clipboard, turn the order of characters around and erase the screen.
const evil = "Eve\x1b]52;c;ZXZpbA==\a\u202e\u009b2J"

// controls are the characters of evil that control a terminal.
const controls = "\x1b\a\r\u202e\u009b"

// No control character of a message, name or path is printed, not even in an error.
func TestOutput_EscapesForeignText(t *testing.T) {
	dir := t.TempDir()
	export := filepath.Join(dir, "chats.jsonl")
	var content []byte
	for i, name := range []string{evil, "Me", evil, "Me"} {
		line, err := json.Marshal(map[string]any{"chat": evil, "name": name, "text": "hi\r" + evil, "time": 1_710_547_260 + 60*i})
		if err != nil {
			t.Fatal(err)
		}
		content = append(append(content, line...), '\n')
	}
	if err := os.WriteFile(export, content, 0o600); err != nil {
		t.Fatal(err)
	}
	const failure = "FAILS"
	page := filepath.Join(dir, "page.html")
	for _, args := range [][]string{
		{"collect", "--source", export, "--me", "Me"},
		{"collect", "--source", export, "--me", "Me", "--json"},
		{"contacts", "suggest", "--yes", "--address-book", dir},
		{"contacts"},
		{"contacts", "--json"},
		{"stats"},
		{"stats", "--json"},
		{"stats", evil},
		{"stats", "--html", page},
		{"preprocess", "--window", "2", "--stride", "1"},
		{"doctor"},
		{failure, "stats", "no" + evil},
		{failure, "preprocess", "--only", "no" + evil},
		{failure, "collect", "--source", "no" + evil},
		{failure, "collect", "--format", evil},
		{"contacts", "add", evil, evil},
		{failure, "train", "--base-model", evil},
		{failure, evil},
		{"forget", evil, "--yes"},
	} {
		fails := args[0] == failure
		if fails {
			args = args[1:]
		}
		out, err := command(dir, []string{"MY_NAME=Me", "HOME=" + dir}, args...).CombinedOutput()
		if (err != nil) != fails {
			t.Errorf("vqctl %q: %v\n%s", args, err, out)
		}
		if len(out) == 0 {
			t.Errorf("vqctl %q prints nothing", args)
		}
		if strings.ContainsAny(string(out), controls) {
			t.Errorf("vqctl %q prints control characters: %q", args, out)
		}
	}
	if content, err := os.ReadFile(page); err != nil || strings.ContainsAny(string(content), controls) {
		t.Errorf("the page has control characters (%v)", err)
	}
}

// The commands that load a model print no control character of a name, path, message or input either.
func TestOutput_EscapesForeignTextWithAModel(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong"+evil, "{\"text\": \"a\"}\n{\"text\": \"\x1b\u202e\"}\n{"+evil)
	write("text"+evil, `{"text": "a\u001b\u202e"}`)
	const failure = "FAILS"
	for _, args := range [][]string{
		{"model", "init", "--shape", "tiny", "base" + evil},
		{"model", "info", "base" + evil},
		{failure, "model", "init", "--shape", "tiny", "base" + evil},
		{failure, "model", "init", "--shape", evil, "other"},
		{failure, "model", "pull", evil},
		{failure, "model", "rm", evil},
		{"generate", "--base-model", "tiny", "--as", evil, "--member", "Me", "--message", "Me: hi\r" + evil, "--seed", "1"},
		{"generate", "--base-model", "tiny", "--as", evil, "--member", "Me", "--message", "Me: hi\r" + evil, "--seed", "1", "--json"},
		{failure, "generate", "--base-model", "tiny", "--as", "Me", "--member", "Eve", "--message", evil + ": hi"},
		{failure, "generate", "--base-model", "tiny", "--as", "Me", "--context", "none" + evil},
		{failure, "generate", "--base-model", "tiny", "--as", "Me", "--context", "wrong" + evil},
		{failure, "generate", "--adapter", evil, "--as", "Me"},
		{"score", "--base-model", "tiny", "text" + evil},
		{failure, "score", "--base-model", "tiny", "none" + evil},
		{failure, "score", "--base-model", "tiny", "wrong" + evil},
		{failure, "tokenize", "--base-model", "tiny", "none" + evil},
		{failure, "evaluate", "--base-model", "tiny", "--data-path", "wrong" + evil},
		{failure, "train", "--base-model", "tiny", "--data-path", "wrong" + evil},
		{failure, "runs", "none" + evil},
		{"chat", "--base-model", "tiny", "--target", evil, "--member", "Me", "--seed", "1"},
	} {
		fails := args[0] == failure
		if fails {
			args = args[1:]
		}
		cmd := command(dir, []string{"MY_NAME=Me", "HOME=" + dir, "VENTRILOQUIST_MODELS=" + dir, "HF_ENDPOINT=http://127.0.0.1:1"}, args...)
		cmd.Stdin = strings.NewReader("hello " + evil + "\n/target no" + evil + "\n/members\n/" + evil + "\n")
		out, err := cmd.CombinedOutput()
		if (err != nil) != fails {
			t.Errorf("vqctl %q: %v\n%s", args, err, out)
		}
		if strings.ContainsAny(string(out), controls) {
			t.Errorf("vqctl %q prints control characters: %q", args, out)
		}
		if args[0] == "generate" && args[len(args)-1] == "--json" {
			var written struct{ Name string }
			if err := json.Unmarshal(out, &written); err != nil || written.Name != evil {
				t.Errorf("%q has the name %q (%v)", out, written.Name, err)
			}
		}
	}
}

// The commands for trained models print no control character either, and write none into pages and Modelfiles. A line break in a
// file of an adapter makes no line of its own.
func TestOutput_EscapesForeignTextOfTrainedModels(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	t.Parallel()
	dir := t.TempDir()
	const who = evil + ` {{ .System }} """ '}}`
	var chat []byte
	for i := range 200 {
		line, err := json.Marshal(map[string]any{"chat": "c", "name": []string{who, "Me"}[i%2], "text": "hi\r how are \x1b[2J you \u202e", "time": 1_710_547_260 + 600*i})
		if err != nil {
			t.Fatal(err)
		}
		chat = append(append(chat, line...), '\n')
	}
	if err := os.WriteFile(filepath.Join(dir, "chat.jsonl"), chat, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(fails bool, args ...string) string {
		t.Helper()
		out, err := command(dir, []string{"MY_NAME=Me", "HOME=" + dir}, args...).CombinedOutput()
		if (err != nil) != fails || len(out) == 0 {
			t.Errorf("vqctl %q: %v\n%s", args, err, out)
		}
		if strings.ContainsAny(string(out), controls) {
			t.Errorf("vqctl %q prints control characters: %q", args, out)
		}
		return string(out)
	}
	adapter := filepath.Join(defaultOutputDir, "final")
	run(false, "collect", "--source", "chat.jsonl", "--me", "Me")
	run(false, "contacts", "suggest", "--yes", "--address-book", dir)
	run(false, "preprocess", "--window", "8", "--stride", "4")
	run(false, "train", "--cpu", "--base-model", "tiny", "--max-steps", "2", "--max-seq-length", "512")
	run(true, "sources", evil)
	run(true, "adapter", "info", evil)
	run(true, "tune", "--settings", evil+"/"+evil, "--trials", evil)
	run(false, "evaluate", "--cpu", "--skip-generation", "--style", "--leaks", "--style-messages", "6", "--per-contact", "--who-said-it", "--html", "evaluation.html")
	run(false, "evaluate", "--cpu", "--skip-generation", "--style", "--leaks", "--style-messages", "6", "--json")
	run(false, "evaluate", "--cpu", "--blind-test", "blind.html", "--blind-moments", "2", "--blind-written", "1")
	run(true, "evaluate", "--blind-answers", "no"+evil)
	run(false, "export", "--format", "ollama", "--person", who, "--output", "ollama")
	run(true, "export", "--format", "ollama", "--person", "no"+who, "--output", "other")
	for _, file := range []string{"evaluation.html", "blind.html", "ollama/Modelfile"} {
		if content, err := os.ReadFile(filepath.Join(dir, file)); err != nil || strings.ContainsAny(string(content), controls) {
			t.Errorf("%s has control characters (%v)", file, err)
		}
	}
	config := filepath.Join(dir, adapter, "adapter_config.json")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	fields["base_model_name_or_path"] = evil + "\nrank        999"
	if text, err = json.Marshal(fields); err == nil {
		err = os.WriteFile(config, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out := run(false, "adapter", "info", adapter); strings.Contains(out, "\nrank        999") {
		t.Errorf("a field of the adapter makes a line:\n%s", out)
	}
	run(true, "generate", "--cpu", "--as", "Me")
}

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
	displays := map[string]bool{"demo.go": true, "output.go": true, "chat.go": true}
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

// No control character of a message, name or path is printed, not even in an error.
func TestOutput_EscapesForeignText(t *testing.T) {
	dir := t.TempDir()
	evil := "Eve\x1b]52;c;ZXZpbA==\a\u202e\u009b2J"
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
		if strings.ContainsAny(string(out), "\x1b\a\r\u202e\u009b") {
			t.Errorf("vqctl %q prints control characters: %q", args, out)
		}
	}
	if content, err := os.ReadFile(page); err != nil || strings.ContainsAny(string(content), "\x1b\a\u202e\u009b") {
		t.Errorf("the page has control characters (%v)", err)
	}
}

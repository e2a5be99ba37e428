package windows_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/windows"
)

func writeFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "windows.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	header  = `{\"type\": \"dm\", \"members\": [\"A\", \"B\"], \"start\": \"2024-03-15\"}\n`
	message = `{\"name\": \"A\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"hi\"}\n`
	row     = `{"text": "` + header + message + message + `"}`
)

func TestOpenFile_AddsAMissingNewline(t *testing.T) {
	t.Parallel()
	whole := readAll(t, row+"\n")[0]
	for name, text := range map[string]string{
		"AtTheEndOfTheFile": row,
		"AtTheEndOfTheText": `{"text": "` + header + message + strings.TrimSuffix(message, `\n`) + `"}` + "\n",
		"AtBoth":            `{"text": "` + header + message + strings.TrimSuffix(message, `\n`) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got := readAll(t, text)[0]; textOf(got) != textOf(whole) {
				t.Errorf("got %q", textOf(got))
			}
		})
	}
}

// Windows editors put a byte order mark at the beginning of a file.
func TestOpenFile_ByteOrderMark(t *testing.T) {
	t.Parallel()
	plain, marked := readAll(t, row+"\n"+row), readAll(t, "\uFEFF"+row+"\n"+row)
	if len(marked) != 2 {
		t.Fatalf("%d windows", len(marked))
	}
	for i := range marked {
		if textOf(marked[i]) != textOf(plain[i]) {
			t.Errorf("window %d reads %q", i, textOf(marked[i]))
		}
	}
}

func TestOpenFile_IgnoresUnknownKeysAndBlankLines(t *testing.T) {
	t.Parallel()
	text := "\n" + `{"id": {"a": [1, 2]}, "TEXT": "no", "text": "` + header + message + `", "Targets": 9}` + "\n  \r\n" + row + "\n\n"
	s := openText(t, text)
	if s.Len() != 2 {
		t.Fatalf("%d windows, want 2", s.Len())
	}
	if s.Targets(0) != 1 || !strings.HasSuffix(s.Where(0), ":2") || !strings.HasSuffix(s.Where(1), ":4") {
		t.Errorf("targets %d, at %s and %s", s.Targets(0), s.Where(0), s.Where(1))
	}
}

func TestOpenFile_Targets(t *testing.T) {
	t.Parallel()
	for targets, want := range map[string]int{"": 1, `, "targets": 1`: 1, `, "targets": 2`: 2, `, "targets": null`: 1} {
		w := readAll(t, strings.TrimSuffix(row, "}")+targets+"}")[0]
		if w.Targets != want || len(w.TargetLines()) != want {
			t.Errorf("%s: %d targets, want %d", targets, w.Targets, want)
		}
	}
}

func TestOpenFile_MalformedRowsNameTheLine(t *testing.T) {
	t.Parallel()
	textRow := func(text string) string { return `{"text": "` + text + `"}` }
	for name, c := range map[string]struct{ row, want string }{
		"NotJSON":                 {"hello", "not a JSON object"},
		"CutOff":                  {row[:len(row)-20], "not a JSON object"},
		"Array":                   {"[1]", "not a JSON object"},
		"TwoValues":               {row + row, "not a JSON object"},
		"NoText":                  {`{"targets": 1}`, `"text" is missing or not a string`},
		"TextIsNull":              {`{"text": null}`, `"text" is missing or not a string`},
		"TextIsNumber":            {`{"text": 1}`, `"text" is missing or not a string`},
		"Empty":                   {textRow(""), "no message"},
		"OnlyHeader":              {textRow(header), "no message"},
		"NoHeader":                {textRow(message + message), "line 1 of the window: the header has no \"members\""},
		"MembersOfNumbers":        {textRow(`{\"members\": [1]}\n` + message), "line 1 of the window"},
		"PlainLine":               {textRow(header + `John: hey\n`), "line 2 of the window"},
		"BlankLine":               {textRow(header + message + `\n` + message), "line 3 of the window"},
		"SpaceBefore":             {textRow(header + " " + message), "line 2 of the window"},
		"CarriageReturn":          {textRow(header + strings.TrimSuffix(message, `\n`) + `\r\n`), "line 2 of the window"},
		"NoName":                  {textRow(header + `{\"text\": \"hi\"}\n`), "no \"name\""},
		"NoWords":                 {textRow(header + `{\"name\": \"A\"}\n`), "no \"text\""},
		"CutLine":                 {textRow(header + `{\"name\": \"A\", \"tex}\n`), "line 2 of the window"},
		"MoreTargetsThanMessages": {`{"text": "` + header + message + `", "targets": 2}`, `"targets" is 2, but the number of messages is 1`},
		"TargetsZero":             {strings.TrimSuffix(row, "}") + `, "targets": 0}`, `"targets" is 0`},
		"TargetsNegative":         {strings.TrimSuffix(row, "}") + `, "targets": -1}`, `"targets" is -1`},
		"TargetsFraction":         {strings.TrimSuffix(row, "}") + `, "targets": 1.5}`, `"targets" is 1.5`},
		"TargetsText":             {strings.TrimSuffix(row, "}") + `, "targets": "1"}`, `"targets" is "1"`},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, row+"\n"+c.row+"\n"+row+"\n")
			_, err := windows.OpenFile(context.Background(), path, nil)
			if err == nil || !strings.HasPrefix(err.Error(), path+":2: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %s:2 and %s", err, path, c.want)
			}
		})
	}
}

func TestOpenFile_NoWindows(t *testing.T) {
	t.Parallel()
	if _, err := windows.OpenFile(context.Background(), writeFile(t, "\n"), nil); err == nil || !strings.Contains(err.Error(), "no windows") {
		t.Errorf("got error %v", err)
	}
	missing := filepath.Join(t.TempDir(), "none.jsonl")
	if _, err := windows.OpenFile(context.Background(), missing, nil); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("got error %v", err)
	}
}

func TestOpenFile_DetectsAChangedFile(t *testing.T) {
	t.Parallel()
	path := writeFile(t, row+"\n")
	s, err := windows.OpenFile(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(row, "hi", "ho")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Window(0); err == nil || !strings.Contains(err.Error(), path+":1: the file has changed") {
		t.Errorf("got error %v", err)
	}
}

// A conversation is a set of people, whatever their order, the type and the date.
func TestOpenFile_ConversationIsASetOfMembers(t *testing.T) {
	t.Parallel()
	text := ""
	for _, members := range []string{`[\"A\", \"B\"]`, `[\"B\", \"A\"]`, `[\"A\", \"B\", \"C\"]`, `[\"A\", \"B\", \"A\"]`, `[\"A, B\"]`} {
		text += `{"text": "{\"type\": \"dm\", \"members\": ` + members + `, \"start\": \"2024-03-15\"}\n` + message + `"}` + "\n"
	}
	s := openText(t, text)
	for i, want := range []int{0, 0, 1, 0, 2} {
		if got := s.Conversation(i); got != want {
			t.Errorf("window %d is of conversation %d, want %d", i, got, want)
		}
	}
	if len(s.Conversations()) != 3 {
		t.Errorf("conversations %q", s.Conversations())
	}
}

func FuzzWindowFile(f *testing.F) {
	f.Add([]byte(row + "\n" + strings.TrimSuffix(row, "}") + `, "targets": 2}`))
	f.Add([]byte(`{"text": "` + header + `"}`))
	f.Add([]byte("{\"text\": \"\\ud800\xff\"}\n"))
	path := filepath.Join(f.TempDir(), "windows.jsonl")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := windows.OpenFile(context.Background(), path, nil)
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Fatalf("the error does not name the file: %v", err)
			}
			return
		}
		defer s.Close()
		train, heldOut := windows.Split(s)
		if len(train)+len(heldOut) != s.Len() {
			t.Fatalf("%d windows were split into %d and %d", s.Len(), len(train), len(heldOut))
		}
		for i := range s.Len() {
			w, err := s.Window(i)
			if err != nil {
				t.Fatalf("a window that was checked cannot be read: %v", err)
			}
			if w.Targets < 1 || w.Targets > len(w.Lines) {
				t.Fatalf("%d targets among %d lines", w.Targets, len(w.Lines))
			}
			for _, line := range w.Lines {
				if line.Text[0] != '{' || !strings.HasSuffix(string(line.Text), "}\n") || line.ID >= s.Lines() {
					t.Fatalf("line %d is %q", line.ID, line.Text)
				}
			}
		}
	})
}

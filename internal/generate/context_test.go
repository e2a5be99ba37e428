package generate

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

func TestReadContext_HeaderAndMessages(t *testing.T) {
	t.Parallel()
	const text = `{"type": "dm", "members": ["Aidan", "John"], "start": "2024-03-15"}
{"name": "Aidan", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "h\u00e9"}

{"name":"John","text":"no newline at the end"}`
	header, messages, err := ReadContext(strings.NewReader(text), "c.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if header == nil || header.Start != "2024-03-15" || len(header.Members) != 2 {
		t.Errorf("header %+v", header)
	}
	var lines []byte
	for i := range messages {
		lines = windows.AppendMessage(lines, &messages[i])
	}
	const want = `{"name": "Aidan", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hé"}
{"name": "John", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "no newline at the end"}
`
	if string(lines) != want {
		t.Errorf("got\n%s", lines)
	}
}

func TestReadContext_Errors(t *testing.T) {
	t.Parallel()
	const good = `{"name": "John", "text": "hey"}` + "\n"
	for _, c := range []struct{ name, text, want string }{
		{"NotJSON", good + "John: hey\n", "c.jsonl:2: "},
		{"Truncated", good + "\n" + `{"name": "John"`, "c.jsonl:3: "},
		{"NoName", `{"text": "hey"}`, `"name"`},
		{"EmptyName", `{"name": "", "text": "hey"}`, "name is empty"},
		{"NoText", `{"name": "John"}`, `no "text"`},
		{"Delta", `{"name": "John", "delta": "<2m", "text": "hey"}`, `"<2m" is not one of <1m`},
		{"Type", `{"name": "John", "content_type": "sticker", "text": "hey"}`, `"sticker" is not one of text`},
		{"LateHeader", good + `{"type": "dm", "members": ["A"], "start": "2024-01-01"}`, "c.jsonl:2: only the first line may be a header"},
		{"EmptyHeader", `{"type": "dm", "members": [], "start": "2024-01-01"}`, "no members"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := ReadContext(strings.NewReader(c.text), "c.jsonl")
			if err == nil || !strings.Contains(err.Error(), c.want) || usererr.Of(err) == "" {
				t.Errorf("error %v, want %q and a hint", err, c.want)
			}
		})
	}
	if _, _, err := ReadContext(io.MultiReader(strings.NewReader(good), brokenReader{}), "c.jsonl"); err == nil {
		t.Error("a reader that fails gave no error")
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestParseTypedMessage_NamesWithColons(t *testing.T) {
	t.Parallel()
	members := []string{"John", "Dr: No", "Dr"}
	for _, c := range []struct{ line, name, text string }{
		{"John: hey, you free tonight?", "John", "hey, you free tonight?"},
		{"Ann:yes: no", "Ann", "yes: no"},
		{"Dr: No: never", "Dr: No", "never"},
		{"Dr: Yes", "Dr", "Yes"},
		{"hey", "", ""}, {": hey", "", ""}, {"John:  ", "", ""},
	} {
		name, text, err := ParseTypedMessage(c.line, members)
		if name != c.name || text != c.text || (err == nil) != (c.name != "") {
			t.Errorf("ParseTypedMessage(%q) = %q, %q, %v", c.line, name, text, err)
		}
	}
}

func TestConversation_Prompt(t *testing.T) {
	t.Parallel()
	c := Conversation{Header: windows.NewHeader("", []string{"John", "Aidan", "John"}, "2024-03-15"),
		Messages: []windows.Message{{Name: "John", Delta: "<1m", ContentType: "text", Text: "hey <|endoftext|>"}}}
	const want = `{"type": "dm", "members": ["Aidan", "John"], "start": "2024-03-15"}
{"name": "John", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey <|endoftext|>"}
{"name": "Ai\"dan", "`
	if got := c.Prompt(`Ai"dan`); got != want {
		t.Errorf("got\n%s", got)
	}
	tokenizer := newFakeTokenizer(likeQwen...)
	var text []byte
	for _, id := range c.Tokens(tokenizer, `Ai"dan`) {
		if tokenizer.IsAdded(id) {
			t.Error("a message's text became a special token")
		}
		text = append(text, tokenizer.TokenBytes(id)...)
	}
	if string(text) != want {
		t.Errorf("tokens of\n%s", text)
	}
}

// Accepted contexts render to lines that read back the same, and nothing panics.
func FuzzReadContext(f *testing.F) {
	f.Fuzz(func(t *testing.T, text []byte) {
		header, messages, err := ReadContext(bytes.NewReader(text), "fuzz")
		if err != nil {
			if usererr.Of(err) == "" {
				t.Fatalf("no hint with %v", err)
			}
			return
		}
		var lines []byte
		if header != nil {
			lines = windows.AppendHeader(lines, *header)
		}
		for i := range messages {
			lines = windows.AppendMessage(lines, &messages[i])
		}
		again, same, err := ReadContext(bytes.NewReader(lines), "again")
		if err != nil || len(same) != len(messages) || (again == nil) != (header == nil) {
			t.Fatalf("%q does not read back: %v", lines, err)
		}
		var second []byte
		if again != nil {
			second = windows.AppendHeader(second, *again)
		}
		for i := range same {
			second = windows.AppendMessage(second, &same[i])
		}
		if !bytes.Equal(lines, second) {
			t.Fatalf("%q reads back as %q", lines, second)
		}
	})
}

// A window's lines are the same in use: memories stand after the header, and in a context file they are passed over.
func TestConversation_Recalls(t *testing.T) {
	t.Parallel()
	const header = `{"type": "dm", "members": ["Aidan", "John"], "start": "2024-03-15"}` + "\n"
	const memory = `{"memory": "2023-07-01", "name": "John", "text": "the boat"}` + "\n"
	const message = `{"name": "Aidan", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "which?"}` + "\n"
	h, messages, err := ReadContext(strings.NewReader(header+memory+message), "c.jsonl")
	if err != nil || len(messages) != 1 {
		t.Fatal(messages, err)
	}
	c := &Conversation{Header: *h, Messages: messages, Recall: func(h windows.Header, before []windows.Message, as string) []string {
		if h.Start != "2024-03-15" || len(before) != 1 || as != "John" && as != "" {
			t.Errorf("recall of %v, %v by %q", h, before, as)
		}
		return []string{memory}
	}}
	if got := c.Prompt("John"); got != header+memory+message+Prefill("John") {
		t.Errorf("prompt %s", got)
	}
	if got := c.Lines(); got != header+memory+message {
		t.Errorf("lines %s", got)
	}
}

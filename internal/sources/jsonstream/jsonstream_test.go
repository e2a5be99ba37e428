package jsonstream_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"ventriloquist/internal/sources/jsonstream"
)

// read reads chats of messages, and returns what it finds: chats, messages and damage.
func read(in io.Reader) (found []string, err error) {
	s := jsonstream.New(in, 1<<20, func(d *jsonstream.Damage) { found = append(found, fmt.Sprint("damage in ", d.Line)) })
	err = s.Object(func(key string) error {
		if key != "chats" {
			return s.Skip()
		}
		return s.Array(func() error {
			return s.Object(func(key string) error {
				switch key {
				case "name":
					raw, err := s.Value()
					if err == nil {
						found = append(found, "chat "+string(raw))
					}
					return err
				case "messages":
					return s.Array(func() error {
						raw, err := s.Value()
						if err != nil {
							return err
						}
						text := ""
						err = jsonstream.Fields(raw, func(key, value []byte) error {
							if string(key) == "text" && jsonstream.IsString(value) {
								text, _, err = jsonstream.String(value)
								return err
							}
							return nil
						})
						if err != nil {
							return s.Reject(raw, err)
						}
						found = append(found, text)
						return nil
					})
				}
				return s.Skip()
			})
		})
	})
	return found, err
}

const document = `{"about": {"a": [1, {"b": null}]}, "chats": [
{"name": "A", "messages": [
 {"id": 1, "text": "one", "parts": [{"type": "x"}]},
 {"id": 2, "text": "two"},
 {"id": 3, "text": "three"}
]},
{"name": "B", "messages": [
 {"id": 4, "text": "four"},
 {"id": 5, "text": "five"}
]}]}`

func TestScanner_ReadsWhole(t *testing.T) {
	t.Parallel()
	want := `chat "A",one,two,three,chat "B",four,five`
	for name, in := range map[string]io.Reader{"whole": strings.NewReader("\uFEFF" + document), "bytes": iotest.OneByteReader(strings.NewReader(document)),
		"compact": strings.NewReader(strings.ReplaceAll(document, "\n", ""))} {
		if got, err := read(in); err != nil || strings.Join(got, ",") != want {
			t.Errorf("%s: %q (%v)", name, got, err)
		}
	}
}

func TestScanner_DamageCostsWhatItHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"Quote":        {`"two"`, `"two`, `chat "A",one,damage in 4,three,chat "B",four,five`},
		"Quotes":       {`"two"`, `"t"w"o"`, `chat "A",one,damage in 4,three,chat "B",four,five`},
		"InnerQuote":   {`"two"`, `"t"wo"`, `chat "A",one,damage in 4,three,chat "B",four,five`},
		"Zeros":        {`"text": "two"}`, "\x00\x00\x00\x00\x00", `chat "A",one,damage in 4,three,chat "B",four,five`},
		"NoBrace":      {`"two"}`, `"two"`, `chat "A",one,damage in 4,three,chat "B",four,five`},
		"NoColon":      {`"text": "two"`, `"text" "two"`, `chat "A",one,damage in 4,three,chat "B",four,five`},
		"BetweenChats": {"\n]},\n{\"name\"", "\n?\n{\"name\"", `chat "A",one,two,three,damage in 6,chat "B",four,five`},
		"Last":         {`"three"}`, `"three`, `chat "A",one,two,damage in 5,chat "B",four,five`},
		"First":        {`"one"`, `"one`, `chat "A",damage in 3,two,three,chat "B",four,five`},
		"Rest":         {`"four"},`, `"four",`, `chat "A",one,two,three,chat "B",damage in 8,five`},
	} {
		for form, text := range map[string]string{"lines": strings.Replace(document, c.old, c.new, 1)} {
			got, err := read(strings.NewReader(text))
			if err != nil || strings.Join(got, ",") != c.want {
				t.Errorf("%s in %s: %q (%v)", name, form, got, err)
			}
			slow, slowErr := read(iotest.OneByteReader(strings.NewReader(text)))
			if strings.Join(slow, ",") != strings.Join(got, ",") || fmt.Sprint(err) != fmt.Sprint(slowErr) {
				t.Errorf("%s in %s, byte by byte: %q (%v)", name, form, slow, slowErr)
			}
		}
	}
	// Without line breaks, a text without its end ends at the next quote, and costs no more than its own message.
	compact := strings.ReplaceAll(strings.Replace(document, `"two"`, `"two`, 1), "\n", "")
	if got, err := read(strings.NewReader(compact)); err != nil || strings.Join(got, ",") != `chat "A",one,damage in 1,three,chat "B",four,five` {
		t.Errorf("compact: %q (%v)", got, err)
	}
}

func TestScanner_CutOff(t *testing.T) {
	t.Parallel()
	for n := len(`{"about"`); n < len(document); n++ {
		got, err := read(strings.NewReader(document[:n]))
		if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(strings.Join(got, ","), "damage") {
			t.Fatalf("cut at %d: %q (%v)", n, got, err)
		}
	}
	broken := errors.New("the disk is gone")
	if _, err := read(io.MultiReader(strings.NewReader(document[:200]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
}

func TestScanner_Limits(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Text":  `{"chats": [{"name": "` + strings.Repeat("x", 3<<20),
		"Depth": `{"x": ` + strings.Repeat("[", 2000),
		"Value": `{"chats": [{"name": ` + strings.Repeat("[", 2000),
	} {
		if _, err := read(strings.NewReader(text)); !errors.Is(err, jsonstream.ErrLimit) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	// Damage everywhere ends the reading.
	if _, err := read(strings.NewReader(`{"chats": [` + strings.Repeat("{\"name\": ?},\n", 5000) + `]}`)); err == nil || !strings.Contains(err.Error(), "very many places") {
		t.Errorf("error is %v", err)
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{`"a"`: "a", `"\ud83d\ude00 \n"`: "😀 \n", `null`: "", `"bell \x07 \\x07"`: "bell \a \\x07", "\"a\tb\\\"\"": "a\tb\""} {
		if got, replaced, err := jsonstream.String([]byte(raw)); got != want || replaced || err != nil {
			t.Errorf("%s is %q, replaced %v (%v)", raw, got, replaced, err)
		}
	}
	for raw, want := range map[string]string{"\"a\xff\"": "a\uFFFD", `"\ud83d x"`: "\uFFFD x", "\"\\n\xff\"": "\n\uFFFD"} {
		if got, replaced, err := jsonstream.String([]byte(raw)); got != want || !replaced || err != nil {
			t.Errorf("%s is %q, replaced %v (%v)", raw, got, replaced, err)
		}
	}
	for _, raw := range []string{`5`, `"`, `{}`, `"\q"`} {
		if _, _, err := jsonstream.String([]byte(raw)); err == nil {
			t.Errorf("%s is a text", raw)
		}
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	var got []string
	err := jsonstream.Elements([]byte(` [1, "a,]", {"b": [2]} , null]`), func(value []byte) error {
		got = append(got, string(value))
		return nil
	})
	if err != nil || strings.Join(got, ";") != `1;"a,]";{"b": [2]};null` {
		t.Errorf("they are %q (%v)", got, err)
	}
	for _, text := range []string{"", "[", "[1", "[1 2]", "[}", `["a]`, "{}"} {
		if err := jsonstream.Elements([]byte(text), func([]byte) error { return nil }); err == nil {
			t.Errorf("%s is an array", text)
		}
	}
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte(strings.Replace(document, `"two"`, `"two`, 1)))
	f.Add([]byte("{\"chats\": [{\"name\": \"\\ud800\", \"messages\": [{\"id\": 1, \"text\": \"\xff\\x0B\"}]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := read(bytes.NewReader(content))
		slow, slowErr := read(iotest.OneByteReader(bytes.NewReader(content)))
		if strings.Join(got, ",") != strings.Join(slow, ",") || fmt.Sprint(err) != fmt.Sprint(slowErr) {
			t.Errorf("at once %q (%v), byte by byte %q (%v)", got, err, slow, slowErr)
		}
	})
}

// Package modelfile writes the Modelfile of an Ollama model that answers as a person.
//
// In: the names of the person and of the one who types. Out: the file's text. Ollama renders its template into the text of a window up
// to the words of the next message. It must not know: the model, and Ollama's server.
package modelfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// Names of the files in the folder.
const (
	File    = "Modelfile"
	Weights = "model.gguf"
)

// Chat is a direct chat of two people.
type Chat struct {
	As   string // the model writes as this person
	With string // the person who types
}

// today stands in the header for the date, which Ollama fills in.
const today = "{{ currentDate }}"

// Text returns the Modelfile. Sampling and limits are those of vqctl chat; Ollama's penalty for repetition is off, because it counts
// the names of the fields.
func (c Chat) Text() []byte {
	header := windows.AppendHeader(nil, windows.NewHeader("dm", []string{c.As, c.With}, ""))
	begin, end, _ := strings.Cut(string(header), `"start": "`)
	typed, answered := opening(c.With), opening(c.As)
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s answers, %s types: ollama create NAME -f Modelfile, then ollama run NAME\n", OneLine(c.As), OneLine(c.With))
	fmt.Fprintf(&b, "FROM ./%s\n\n", Weights)
	fmt.Fprintf(&b, `TEMPLATE """%s"start": "%s%s`, literal(begin), today, literal(end))
	fmt.Fprintf(&b, `{{ range .Messages }}{{ if eq .Role "user" }}%s{{ printf "%%q" .Content }}}`+"\n", literal(typed))
	fmt.Fprintf(&b, `{{ else if eq .Role "assistant" }}%s"{{ .Content }}"}`+"\n", literal(answered))
	fmt.Fprintf(&b, `{{ end }}{{ end }}%s{{ "\"" }}"""`+"\n\n", literal(answered))
	b.WriteString("PARAMETER stop \"\"\"\"}\n\"\"\"\n")
	for _, parameter := range []string{"temperature 0.7", "top_p 0.9", "top_k 0", "min_p 0.05", "repeat_penalty 1", "num_predict 150", "num_ctx 4096"} {
		fmt.Fprintf(&b, "PARAMETER %s\n", parameter)
	}
	return b.Bytes()
}

// opening is the line of a text message up to its words.
func opening(name string) string {
	line := windows.AppendMessage(nil, &windows.Message{Name: name, Delta: windows.Deltas[0], ContentType: "text"})
	return strings.TrimSuffix(string(line), `""}`+"\n")
}

// literal writes text into a template: braces that could open an action, and characters that Ollama's parser drops, are written as
// actions.
func literal(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		if braces := len(text) - len(strings.TrimLeft(text, "{")); braces > 0 {
			text = text[braces:]
			next, _ := utf8.DecodeRuneInString(text)
			if braces > 1 || !isKept(next) { // one more brace would follow
				fmt.Fprintf(&b, "{{ %q }}", strings.Repeat("{", braces))
			} else {
				b.WriteByte('{')
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		if isKept(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "{{ %s }}", strconv.QuoteToASCII(string(r)))
		}
	}
	return b.String()
}

// isKept reports whether Ollama's parser keeps a character.
func isKept(r rune) bool { return r == '\n' || strconv.IsPrint(r) }

// OneLine returns a name as it is in the file's comment: without what would end it, or control a terminal that shows it.
func OneLine(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	return strings.Map(func(r rune) rune {
		if isKept(r) {
			return r
		}
		return -1
	}, name)
}

// Check reports what keeps Ollama from making a model of the folder.
func Check(dir string) error {
	content, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		return err
	}
	if !bytes.Contains(content, []byte("\nFROM ./"+Weights+"\n")) {
		return usererr.With(fmt.Errorf("%s: it does not name ./%s", filepath.Join(dir, File), Weights), "export the model again")
	}
	return nil
}

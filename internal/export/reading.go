package export

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"ventriloquist/internal/messages"
)

// columns are the columns of a table.
var columns = []string{"chat", "time", "name", "kind", "text", "reply_to", "id"}

// table writes CSV. reply_to is the text of the message that is answered.
type table struct {
	csv     *csv.Writer
	options *Options
	begun   bool
}

func newTable(out io.Writer, o *Options) *table {
	return &table{csv: csv.NewWriter(out), options: o}
}

func (t *table) header() error {
	if t.begun {
		return nil
	}
	t.begun = true
	return t.csv.Write(columns)
}

func (t *table) chat(*conversation) error { return t.header() }

func (t *table) message(c *conversation, m *messages.FullMessage, at time.Time) error {
	return t.csv.Write([]string{c.name, stamp(at), t.options.name(m.Sender), m.Kind.String(), m.Text, m.QuotedText, m.ID})
}

func (t *table) deleted(string) error { return nil }

func (t *table) end() error {
	err := t.header()
	t.csv.Flush()
	if err == nil {
		err = t.csv.Error()
	}
	return err
}

// page writes a text for reading.
type page struct {
	out     io.Writer
	options *Options
	begun   bool
}

func (p *page) chat(c *conversation) error {
	text := "== " + oneLine(c.name) + " ==\n"
	if p.begun {
		text = "\n" + text
	}
	p.begun = true
	_, err := io.WriteString(p.out, text)
	return err
}

func (p *page) message(_ *conversation, m *messages.FullMessage, at time.Time) error {
	text := strings.ReplaceAll(m.Text, "\n", "\n    ")
	const shown = 60
	switch quote := oneLine(m.QuotedText); {
	case m.Kind == messages.Reaction:
		text = fmt.Sprintf("[%s] to: %s", text, shortened(quote, shown))
	case m.Replies:
		text = fmt.Sprintf("[to: %s] %s", shortened(quote, shown), text)
	}
	if m.Kind.IsAttachment() {
		text = fmt.Sprintf("[%s] %s", m.Kind, text)
	}
	_, err := fmt.Fprintf(p.out, "%s %s: %s\n", at.Format("2006-01-02 15:04:05"), oneLine(p.options.name(m.Sender)), text)
	return err
}

func (p *page) deleted(string) error { return nil }

func (p *page) end() error { return nil }

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// shortened returns the first characters of a text.
func shortened(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

package export

import (
	"encoding/json"
	"io"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/jsonl"
)

// lines writes JSON lines.
type lines struct {
	json    *json.Encoder
	options *Options
}

func newLines(out io.Writer, o *Options) *lines {
	l := &lines{json.NewEncoder(out), o}
	l.json.SetEscapeHTML(false)
	return l
}

// chatLine says who is in a chat, before its messages.
type chatLine struct {
	Kind    string            `json:"kind"` // "chat"
	Chat    string            `json:"chat"`
	Group   bool              `json:"group"`
	Members []string          `json:"members"`
	Absent  []string          `json:"absent,omitempty"`
	Names   map[string]string `json:"names,omitempty"`
}

// messageLine is a message or a reaction.
type messageLine struct {
	Chat       string  `json:"chat"`
	ID         string  `json:"id"`
	Time       string  `json:"time"`
	Name       string  `json:"name"`
	Me         bool    `json:"me,omitempty"`
	Kind       string  `json:"kind"`
	Text       string  `json:"text"`
	ReplyTo    *string `json:"reply_to"`
	Source     string  `json:"source,omitempty"`
	Attachment string  `json:"attachment,omitempty"`
	Folder     string  `json:"folder,omitempty"`
	Path       string  `json:"path,omitempty"`
	Transcript string  `json:"transcript,omitempty"`
	Edits      []edit  `json:"edits,omitempty"`
}

type edit struct {
	Time string `json:"time"`
	Text string `json:"text"`
}

// deletedLine names a message that was unsent.
type deletedLine struct {
	Kind string `json:"kind"` // "deleted"
	ID   string `json:"id"`
}

func (l *lines) chat(c *conversation) error {
	line := chatLine{Kind: "chat", Chat: c.name, Group: c.Group, Members: []string{}}
	for _, m := range c.Members {
		line.Members = append(line.Members, m.Address)
		if m.Absent {
			line.Absent = append(line.Absent, m.Address)
		}
		if name := l.options.Names[m.Address]; name != "" {
			if line.Names == nil {
				line.Names = map[string]string{}
			}
			line.Names[m.Address] = name
		}
	}
	return l.json.Encode(line)
}

func (l *lines) message(c *conversation, m *messages.FullMessage, at time.Time) error {
	line := messageLine{Chat: c.name, ID: m.ID, Time: stamp(at), Name: m.Sender, Kind: m.Kind.String(), Text: m.Words,
		Attachment: m.Attachment, Folder: m.File.Root, Path: m.File.Path, Transcript: m.Transcript}
	if m.Program != jsonl.NoProgram {
		line.Source = m.Program
	}
	if m.Sender == messages.Owner {
		line.Me, line.Name = true, l.options.Owner
	}
	if m.TargetID != "" {
		line.ReplyTo = &m.TargetID
	}
	for _, v := range m.Versions {
		line.Edits = append(line.Edits, edit{stamp(time.Unix(0, v.Date).In(l.options.Zone)), v.Text})
	}
	return l.json.Encode(line)
}

// stamp formats a time. Zones whose offset has seconds, as there were long ago, are written in UTC: the form knows none.
func stamp(at time.Time) string {
	if _, offset := at.Zone(); offset%60 != 0 {
		at = at.UTC()
	}
	return at.Format(time.RFC3339Nano)
}

func (l *lines) deleted(guid string) error { return l.json.Encode(deletedLine{"deleted", guid}) }

func (l *lines) end() error { return nil }

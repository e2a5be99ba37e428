package chat

import (
	"strings"

	"ventriloquist/internal/terminal"
	"ventriloquist/internal/windows"
)

// Files keeps conversations as window lines.
type Files interface {
	// Save writes a file that only its owner can read; with replace, in the place of one that is there.
	Save(path string, text []byte, replace bool) error
	// Load reads one; the header is nil if the file has none.
	Load(path string) (*windows.Header, []windows.Message, error)
}

// save writes the conversation into a file.
func (d *Dialogue) save(path string) {
	if path == "" {
		d.say("/save FILE")
		return
	}
	c := d.conversation()
	text := windows.AppendHeader(nil, c.Header)
	for i := range c.Messages {
		text = windows.AppendMessage(text, &c.Messages[i])
	}
	if err := d.Files.Save(path, text, path == d.savedAs); err != nil {
		d.explain(err)
		return
	}
	d.savedAs = path
	d.say("saved %s", terminal.Quantity(len(c.Messages), "message"))
}

// load replaces the conversation by that of a file.
func (d *Dialogue) load(path string) {
	if path == "" {
		d.say("/load FILE")
		return
	}
	header, messages, err := d.Files.Load(path)
	if err != nil {
		d.explain(err)
		return
	}
	d.Messages, d.Members, d.Kind, d.Start = messages, nil, "", ""
	if header != nil {
		d.Members, d.Kind, d.Start = header.Members, header.Type, header.Start
	}
	d.last = d.Now()
	d.history.changed()
	d.say("loaded %s: %s of %s", terminal.Quantity(len(messages), "message"), d.conversation().Header.Type, strings.Join(d.members(), ", "))
	if n := len(messages); n > 0 {
		d.show(&messages[n-1])
	}
}

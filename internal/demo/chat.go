package demo

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

//go:embed chat.jsonl.gz
var chatFile []byte

// Line is one message of the bundled chat.
type Line struct {
	Members []string  `json:"members"` // sorted; all of them include the owner
	Time    time.Time `json:"time"`
	Name    string    `json:"name"`
	Nick    string    `json:"nick"` // the nickname that Name used: an address of its own in chat.db
	Text    string    `json:"text"`
	ReplyTo *int      `json:"reply_to"` // index of the line that this one answers
	Tapback string    `json:"tapback"`  // kind of a tapback on the line that it answers; "" for a message
}

// Chat returns the bundled chat in order of time.
func Chat() ([]Line, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(chatFile))
	if err != nil {
		return nil, fmt.Errorf("the bundled chat: %w", err)
	}
	rows := json.NewDecoder(unzipped)
	var lines []Line
	for {
		var line Line
		if err := rows.Decode(&line); err == io.EOF {
			return lines, nil
		} else if err != nil {
			return nil, fmt.Errorf("the bundled chat, line %d: %w", len(lines)+1, err)
		}
		if line.ReplyTo != nil && (*line.ReplyTo < 0 || *line.ReplyTo >= len(lines)) {
			return nil, fmt.Errorf("the bundled chat, line %d: answers line %d, which does not come before it", len(lines)+1, *line.ReplyTo)
		}
		lines = append(lines, line)
	}
}

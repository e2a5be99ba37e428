package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ventriloquist/internal/demo"
	"ventriloquist/internal/model/tiny"
	"ventriloquist/internal/windows"
)

// demoChat names the bundled chat.
const demoChat = "demo"

// owner is who the messages of a file are said to belong to: someone who writes none.
const owner = "Nobody"

// chat is the windows of one target of a chat. A window of S targets is the one of its last message, with more targets.
type chat struct {
	windows.List
	name          string
	conversations [][]int // the windows to train on, of each conversation
	heldOut       []int
}

// openChat opens the windows of the chat, of at most size messages. It collects and cuts them on first use.
func (o *options) openChat(ctx context.Context, size int) (*chat, error) {
	name := cmp.Or(o.name, strings.TrimSuffix(strings.TrimSuffix(filepath.Base(o.chat), ".gz"), ".jsonl"))
	folder := filepath.Join(o.results, "chats", fmt.Sprintf("%s-w%d-held%d", name, size, windows.DefaultHeldOut))
	database := filepath.Join(folder, "data", "messages.db")
	list, err := windows.OpenDatabase(ctx, database, nil)
	if err != nil {
		if err := makeFolder(ctx, folder, o.chat, o.messages, size); err != nil {
			return nil, err
		}
		if list, err = windows.OpenDatabase(ctx, database, nil); err != nil {
			return nil, err
		}
	}
	c := &chat{List: list, name: name, conversations: make([][]int, len(list.Conversations()))}
	c.split()
	return c, nil
}

// split finds the windows to train on and those held out: the same messages for every stride.
func (c *chat) split() {
	train, heldOut := windows.Split(c)
	for _, i := range train {
		of := c.Conversation(i)
		c.conversations[of] = append(c.conversations[of], i)
	}
	c.heldOut = heldOut
}

// makeFolder runs collect and preprocess on a chat.
func makeFolder(ctx context.Context, folder, source string, messages, size int) error {
	program, err := filepath.Abs("bin/vqctl")
	if err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	from := "chat.db"
	if source == demoChat {
		lines, err := demo.Chat()
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
			return err
		}
		if err := demo.WriteFolder(folder, lines); err != nil {
			return err
		}
	} else {
		from = "chat.jsonl"
		if err := writeFolder(folder, source, messages); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"collect", "--source", from},
		{"preprocess", "--window", strconv.Itoa(size), "--stride", "1", "--held-out", strconv.Itoa(windows.DefaultHeldOut), "--base-model", demo.Base},
	} {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir, cmd.Stderr = folder, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("vqctl %s: %w", args[0], err)
		}
	}
	return nil
}

// line is a line of a file of chats.
type line struct {
	Chat    string  `json:"chat"`
	Time    string  `json:"time"`
	Name    string  `json:"name"`
	Text    string  `json:"text"`
	ReplyTo *string `json:"reply_to"` // left out: the numbers of messages change
}

// writeFolder writes what collect needs: the messages of a file whose authors the built-in model has not seen, and contacts.
func writeFolder(folder, source string, most int) error {
	all, err := readLines(source)
	if err != nil {
		return err
	}
	kept, people := unseen(all)
	kept = kept[:min(most, len(kept))]
	if err := os.MkdirAll(filepath.Join(folder, "data"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, ".env"), []byte("MY_NAME="+owner+"\n"), 0o600); err != nil {
		return err
	}
	contacts := make([]any, 0, len(people))
	for _, name := range people {
		contacts = append(contacts, map[string]any{"contact": name, "ids": []string{name}})
	}
	return errors.Join(writeJSON(filepath.Join(folder, "chat.jsonl"), kept), writeJSON(filepath.Join(folder, "data", "contacts_to_ids.jsonl"), contacts))
}

func readLines(path string) (all []line, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	rows := json.NewDecoder(bufio.NewReader(in))
	for {
		var row struct {
			line
			ReplyTo any `json:"reply_to"`
		}
		if err := rows.Decode(&row); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(all)+1, err)
		}
		all = append(all, row.line)
	}
}

// unseen returns the lines of days, and by people, that the built-in model was not pretrained on, and the people.
func unseen(all []line) (kept []line, people []string) {
	known := map[string]bool{}
	for row := range strings.Lines(tiny.Days) {
		day, use, _ := strings.Cut(strings.TrimSpace(row), " ")
		known[day] = use != ""
	}
	dayOf := func(l line) string { return l.Chat[strings.LastIndexByte(l.Chat, ' ')+1:] }
	seen := map[string]bool{}
	for _, l := range all {
		if known[dayOf(l)] {
			seen[strings.ToLower(l.Name)] = true
		}
	}
	names := map[string]string{} // as first spelled, by lower case: the channel does not tell upper from lower case
	for _, l := range all {
		name := strings.ToLower(l.Name)
		if known[dayOf(l)] || seen[name] {
			continue
		}
		kept = append(kept, l)
		if names[name] == "" {
			names[name] = l.Name
		}
	}
	return kept, slices.Sorted(maps.Values(names))
}

func writeJSON[T any](path string, rows []T) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	out := json.NewEncoder(f)
	for _, row := range rows {
		err = errors.Join(err, out.Encode(row))
	}
	return errors.Join(err, f.Close())
}

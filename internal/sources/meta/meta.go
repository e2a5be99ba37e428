// Package meta reads the chats of Meta's download of one's information: Messenger's and Instagram's message_1.json, and Messenger's
// download of end-to-end encrypted chats.
//
// In: the path of a file, or of the unpacked folder, and the owner's names. Out: its messages, through source.Sink. It must not know
// contacts, windows or training.
//
// The files have no identifiers of messages or people: people are known by their names. Letters are written as the bytes of UTF-8, each
// as a character of its own, which is repaired.
package meta

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/usererr"
)

// largestValue limits a message in memory.
const largestValue = 4 << 20

// fileName is how the files of chats are called: message_1.json, or NAME_1.json of encrypted ones.
var fileName = regexp.MustCompile(`_\d+\.json$`)

// threadNumber is at the end of the titles of encrypted chats.
var threadNumber = regexp.MustCompile(`_\d+$`)

// Recognize reports whether a file is a chat, or a folder is a download.
func Recognize(h *sources.Head) bool {
	if len(h.Names) > 0 && len(h.Text) == 0 {
		isPart := func(name string) bool {
			switch name {
			case "your_activity_across_facebook", "your_facebook_activity", "your_instagram_activity", "inbox", "message_1.json":
				return true
			}
			return false
		}
		return slices.ContainsFunc(h.Names, func(name string) bool { return slices.ContainsFunc(strings.Split(name, "/"), isPart) }) ||
			h.Begins(fileName.MatchString, isChat)
	}
	return isChat(h.Text)
}

// isChat reports whether a text is the beginning of a chat.
func isChat(text []byte) bool {
	keys := map[string]bool{}
	s := jsonstream.New(bytes.NewReader(text), largestValue, nil)
	s.Object(func(key string) error {
		keys[key] = true
		return s.Skip()
	})
	return keys["participants"] && (keys["messages"] || keys["threadName"] || keys["title"]) && (bytes.Contains(text, []byte(`"sender_name"`)) || bytes.Contains(text, []byte(`"senderName"`)))
}

// Reader reads the chats of a download.
type Reader struct {
	*sources.Files
	chats   []string // the files of chats
	reading sources.Reading
}

// Open returns a reader for the file or folder at path.
func Open(path string, reading sources.Reading) (*Reader, error) {
	files, err := sources.OpenFiles(path)
	if err != nil {
		return nil, err
	}
	chats := files.JSON()
	if !files.Alone() {
		chats = slices.DeleteFunc(chats, func(name string) bool { return !fileName.MatchString(name) })
	}
	if len(chats) == 0 {
		files.Close()
		return nil, usererr.With(fmt.Errorf("%s holds no chats: no message_1.json", path), "download your information from Meta again, in the format JSON, with messages")
	}
	return &Reader{files, chats, reading}, nil
}

// Unit is the unit that Read counts.
func (r *Reader) Unit() string { return "messages and reactions" }

// thread is a chat; its messages are in one file or more.
type thread struct {
	sources.Chat
	key    string
	title  string
	people []string
	group  bool
}

// Read reads the files twice: first for the people, then for the messages.
func (r *Reader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := emitter{reader: r, sink: sink, threads: map[string]*thread{}, byFile: map[string]*thread{}, keys: map[string]*sources.Keys{}}
	for _, file := range r.chats {
		if err := e.survey(ctx, file); err != nil {
			return 0, err
		}
	}
	if err := e.people(); err != nil {
		return 0, err
	}
	for _, file := range r.chats {
		if e.byFile[file] == nil {
			continue
		}
		if err := e.file(ctx, file); err != nil {
			return e.done, err
		}
	}
	sources.NoteReplaced(sink, e.replaced)
	sink.Progress(e.done, e.done)
	return e.done, nil
}

// emitter passes the messages to the sink.
type emitter struct {
	reader   *Reader
	sink     sources.Sink
	threads  map[string]*thread
	byFile   map[string]*thread
	owner    string
	keys     map[string]*sources.Keys // by folder: there may be copies of a chat in several downloads
	seen     sources.Seen
	done     int64
	total    int64
	replaced int
	row      int64
}

// each calls visit for the messages of a file, and head for its other keys.
func (r *Reader) each(ctx context.Context, file string, head func(key string, value []byte) error, visit func(m *message) error, damaged func(string)) error {
	in, err := r.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	err = jsonstream.Read(in, r.At(file), largestValue, damaged, func(s *jsonstream.Scanner) error {
		return s.Object(func(key string) error {
			if key == "messages" {
				return jsonstream.Each(s, (*message).read, func(m *message) error {
					if err := ctx.Err(); err != nil {
						return err
					}
					return visit(m)
				})
			}
			raw, err := s.Value()
			if err != nil {
				return err
			}
			if err := head(key, raw); err != nil {
				return s.Reject(raw, err)
			}
			return nil
		})
	})
	return cmp.Or(ctx.Err(), err)
}

// survey reads who takes part in the chat of a file. A file that is no chat is passed over.
func (e *emitter) survey(ctx context.Context, file string) error {
	t := &thread{}
	spoke := false
	folder := ""
	err := e.reader.each(ctx, file, func(key string, value []byte) (err error) {
		switch key {
		case "participants":
			err = jsonstream.Elements(value, func(one []byte) error {
				name, err := participant(one)
				t.add(name)
				return err
			})
		case "title", "threadName":
			t.title, _, err = mended(value)
		case "thread_path":
			folder, _, err = mended(value)
		case "thread_type":
			kind, _, _ := mended(value)
			t.group = t.group || kind == "RegularGroup"
		}
		return err
	}, func(m *message) error {
		spoke = true
		t.add(m.sender)
		e.total += 1 + int64(len(m.reactions))
		return nil
	}, func(string) { e.total++ })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !spoke {
		if err != nil {
			e.sink.Unreadable(err.Error(), 0)
		}
		return nil
	}
	if t.key = folder; t.key == "" {
		t.key = fileName.ReplaceAllString(path.Base(file), "")
	}
	if known := e.threads[t.key]; known != nil {
		for _, name := range t.people {
			known.add(name)
		}
		t = known
	}
	e.threads[t.key], e.byFile[file] = t, t
	return nil
}

// participant returns the name of a participant: {"name": …}, or the name itself.
func participant(value []byte) (name string, err error) {
	if jsonstream.IsString(value) {
		name, _, err = mended(value)
		return name, err
	}
	err = jsonstream.Fields(value, func(key, value []byte) (err error) {
		if string(key) == "name" {
			name, _, err = mended(value)
		}
		return err
	})
	return name, err
}

func (t *thread) add(name string) {
	if name != "" && !slices.Contains(t.people, name) {
		t.people = append(t.people, name)
	}
}

// people finds the owner, and the members of the chats.
func (e *emitter) people() (err error) {
	var list []sources.Thread
	for _, key := range sortedKeys(e.threads) {
		t := e.threads[key]
		t.group = t.group || len(t.people) > 2
		list = append(list, sources.Thread{People: t.people, Title: threadNumber.ReplaceAllString(t.title, ""), Group: t.group})
	}
	if e.owner, err = e.reader.reading.FindOwner(e.reader.Path(), list, nil); err != nil {
		return err
	}
	for _, t := range e.threads {
		t.Source, t.Extent, t.Group = "meta "+t.key, messages.Span, t.group
		for _, name := range t.people {
			if name != e.owner {
				t.Members = append(t.Members, name)
			}
		}
	}
	return nil
}

func (e *emitter) address(name string) string {
	if name == e.owner {
		return messages.Owner
	}
	return name
}

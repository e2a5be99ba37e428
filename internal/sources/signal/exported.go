package signal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/usererr"
)

// RecognizeSigtop reports whether a file is a conversation that sigtop exported as JSON, or a folder or a zip holds one.
func RecognizeSigtop(h *sources.Head) bool {
	if len(h.Text) > 0 {
		return isConversation(h.Text)
	}
	return h.Begins(func(name string) bool { return strings.EqualFold(path.Ext(name), ".json") }, isConversation)
}

func isConversation(text []byte) bool {
	head := strings.TrimLeft(string(text), "\uFEFF \r\n\t")
	return strings.HasPrefix(head, "[") && strings.Contains(head, `"conversationId"`) && strings.Contains(head, `"sent_at"`)
}

// SigtopReader reads conversations that sigtop exported: the JSON of the messages in the database.
type SigtopReader struct {
	*sources.Files
	reading sources.Reading
}

// OpenSigtop returns a reader for the file, folder or zip at place.
func OpenSigtop(place string, reading sources.Reading) (*SigtopReader, error) {
	files, err := sources.OpenFiles(place)
	if err != nil {
		return nil, err
	}
	if len(files.JSON()) == 0 {
		files.Close()
		return nil, usererr.With(fmt.Errorf("%s holds no JSON files", place), "export again with sigtop export-messages -f json")
	}
	return &SigtopReader{files, reading.Remembering()}, nil
}

// Unit is the unit that Read counts.
func (r *SigtopReader) Unit() string { return "messages and reactions" }

// Read reads the conversations twice: first for the people, then for the messages.
func (r *SigtopReader) Read(ctx context.Context, sink sources.Sink) (int64, error) {
	defer r.Report(sink)
	e := newExported(r.Path(), r.reading, sink)
	var rows int64
	for _, file := range r.JSON() {
		if err := r.survey(ctx, e, file); err != nil {
			return 0, err
		}
	}
	for _, file := range r.JSON() {
		err := r.each(ctx, file, func(n *row) error {
			e.total++
			rows++
			n.number = rows
			return e.row(n)
		}, func(what string, units int64) {
			e.total += units
			sink.Unreadable(what, units)
		})
		if err != nil {
			return e.total, err
		}
	}
	if e.undated > 0 {
		sink.Note("%d messages have no date that can be; they were put behind the message before them", e.undated)
	}
	sink.Progress(e.total, e.total)
	return e.total, nil
}

// newExported returns an emitter for an export, with an empty directory.
func newExported(place string, reading sources.Reading, sink sources.Sink) *emitter {
	r := &Reader{path: place, reading: reading}
	d := &directory{reader: r, exported: true, chats: map[string]*chat{}, byID: map[string]*person{}, byACI: map[string]*person{}, byPhone: map[string]*person{}}
	return &emitter{reader: r, sink: sink, people: d, edited: map[editKey]int64{}}
}

// each passes the rows of a conversation to visit.
func (r *SigtopReader) each(ctx context.Context, file string, visit func(n *row) error, damaged func(what string, units int64)) error {
	in, err := r.Open(file)
	if err != nil {
		damaged(err.Error(), 0)
		return nil
	}
	defer in.Close()
	d := newDecoder()
	var failed error // of visit
	err = jsonstream.Read(in, r.At(file), largestText, func(what string) { damaged(what, 1) }, func(s *jsonstream.Scanner) error {
		return s.Array(func() error {
			raw, err := s.Value()
			if err != nil {
				return err
			}
			n, err := d.exportedRow(raw)
			if err != nil {
				return s.Reject(raw, err)
			}
			if failed = cmp.Or(ctx.Err(), visit(&n)); failed != nil {
				return failed
			}
			return nil
		})
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		damaged(err.Error(), 0)
	}
	return nil
}

// exportedRow decodes a row that is nothing but its JSON.
func (d *decoder) exportedRow(raw []byte) (n row, err error) {
	err = jsonstream.Fields(raw, func(key, value []byte) error {
		switch string(key) {
		case "id":
			n.id, _, _ = jsonstream.String(value)
		case "conversationId":
			n.conversation, _, _ = jsonstream.String(value)
		case "type":
			n.kind, _, _ = jsonstream.String(value)
		case "sent_at":
			_ = into(&n.sentAt, value)
		}
		return nil
	})
	if err != nil || n.conversation == "" {
		return n, cmp.Or(err, errors.New("it is no message of Signal"))
	}
	n.content, n.damage = d.decode(raw)
	n.body = n.Body
	return n, nil
}

// named splits the name of a file into what somebody is called and their number, identifier or name of account: sigtop's form.
var named = regexp.MustCompile(`^(.*) \(([^()]*)\)(?: \(\d+\))?$`)

// accountID matches the identifier of an account.
var accountID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// survey reads whose conversation a file is, and who takes part in it.
func (r *SigtopReader) survey(ctx context.Context, e *emitter, file string) error {
	d := e.people
	base := strings.TrimSuffix(path.Base(file), path.Ext(file))
	name, detail := base, ""
	if parts := named.FindStringSubmatch(base); parts != nil {
		name, detail = parts[1], parts[2]
	}
	var id, aci string
	var writers [][]string
	reacted := map[string]bool{}
	err := r.each(ctx, file, func(n *row) error {
		id = cmp.Or(id, n.conversation)
		switch own := aciOf(cmp.Or(n.SourceServiceID, n.SourceUUID)); {
		case n.kind == "outgoing":
			d.ownACI = cmp.Or(d.ownACI, own)
		case n.kind == "incoming":
			if aci = cmp.Or(aci, own); len(writers) == 0 || writers[len(writers)-1][0] != own {
				writers = append(writers, []string{own, n.Source})
			}
		}
		for _, one := range n.Reactions {
			reacted[one.FromID] = true
		}
		return nil
	}, func(string, int64) {})
	if err != nil || id == "" {
		return err
	}
	if d.chats[id] != nil { // a copy of the file
		return nil
	}
	if detail == "group" {
		d.addGroup(id, "conversation "+id, name, &details{})
		for _, w := range writers {
			d.chats[id].add(d.find(w...))
		}
		return nil
	}
	who := details{Name: name, ServiceID: aci}
	if accountID.MatchString(detail) {
		who.ServiceID = detail
	}
	if phone := phoneOf(detail); phone != "" {
		who.E164 = phone
	}
	d.addPerson(e.sink, id, who.name(), &who)
	for from := range reacted {
		if from != id && d.byID[from] == nil { // of two people, the other one
			d.byID[from] = owner
		}
	}
	return nil
}

// exportedChat is where a conversation exported by sigtop comes from: another device exports it alike. What signal-cli received is a
// source of its own, since it lacks what came at other times.
func exportedChat(key string) sources.Chat {
	return sources.Chat{Source: "signal-chat " + key, Extent: messages.Span}
}

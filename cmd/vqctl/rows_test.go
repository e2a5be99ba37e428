package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"howett.net/plist"

	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/sources/imessage/typedstream"
)

var update = flag.Bool("update", false, "write the results of the examples into docs/rows.md; review the diff")

// An example in docs/rows.md: rows, and the lines that they become.
var example = regexp.MustCompile("(?s)```rows\n(.*?)```\n\n```lines\n(.*?)```")

// Every example on the page is written to a database, collected and preprocessed.
func TestRowsPage_ExamplesHold(t *testing.T) {
	page := filepath.Join("..", "..", "docs", "rows.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	examples := example.FindAllSubmatchIndex(text, -1)
	if len(examples) < 20 {
		t.Fatalf("the page has %d examples", len(examples))
	}
	var renewed bytes.Buffer
	at := 0
	for _, e := range examples {
		rows, want := string(text[e[2]:e[3]]), string(text[e[4]:e[5]])
		heading := regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllSubmatch(text[:e[0]], -1)
		t.Run(string(heading[len(heading)-1][1]), func(t *testing.T) {
			got := linesOfRows(t, rows)
			if got != want && !*update {
				t.Errorf("the rows\n%sbecome\n%sbut the page says\n%s", rows, got, want)
			}
			renewed.Write(text[at:e[4]])
			renewed.WriteString(got)
			at = e[5]
		})
	}
	renewed.Write(text[at:])
	if *update {
		if err := os.WriteFile(page, renewed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// pageRow is a row as the page writes it.
type pageRow struct {
	From    string // "me", "John" or "Mary"
	In      string // "group" or "nowhere"; else the chat with John
	GUID    string
	Parts   []any            // words, or attachments
	Columns map[string]any   // as they are
	Info    map[string]any   // message_summary_info; "ec" lists texts
	Payload any              // payload_data, before it is archived
	Body    string           // attributedBody: "damaged" or "plain string"
	Deleted bool             // recently
	Added   map[string]any   // an attachment without a place in the body
	Other   string           // other_handle
	Files   []map[string]any // attachments of a row whose words are in the column text
}

// linesOfRows returns the fates of rows, and the lines of their windows.
func linesOfRows(t *testing.T, rows string) string {
	t.Helper()
	folder := t.TempDir()
	writePage(t, filepath.Join(folder, "chat.db"), rows)
	var summary bytes.Buffer
	o := collectOptions{source: filepath.Join(folder, "chat.db"), dataDir: folder, json: true}
	if err := runCollect(t.Context(), o, &summary); err != nil {
		t.Fatal(err)
	}
	var result collectResult
	if err := json.Unmarshal(summary.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	fates := make([]string, len(result.Fates))
	for i, f := range result.Fates {
		fates[i] = fmt.Sprintf("%d %s", f.Rows, inNumber(f.Rows, f.Fate))
	}
	out := strings.Join(fates, ", ") + "\n"
	if result.Messages == 0 {
		return out
	}
	contacts := `{"contact": "John", "ids": ["+15550000001"]}` + "\n" + `{"contact": "Mary", "ids": ["mary@x.org"]}` + "\n"
	if err := os.WriteFile(filepath.Join(folder, "contacts_to_ids.jsonl"), []byte(contacts), 0o600); err != nil {
		t.Fatal(err)
	}
	export := filepath.Join(folder, "windows.jsonl")
	if err := runPreprocess(t.Context(), preprocessOptions{dataDir: folder, owner: "Aidan", window: 100, stride: 100, export: export, json: true}, &summary); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(export)
	if err != nil {
		t.Fatal(err)
	}
	windows := json.NewDecoder(bytes.NewReader(data))
	several := strings.Contains(rows, `"group"`)
	for windows.More() {
		var w struct{ Text string }
		if err := windows.Decode(&w); err != nil {
			t.Fatal(err)
		}
		header, lines, _ := strings.Cut(w.Text, "\n")
		if several {
			out += header + "\n"
		}
		out += lines
	}
	return out
}

// writePage writes a database of rows, 30 seconds apart.
func writePage(t *testing.T, path, rows string) {
	t.Helper()
	w, err := chatdb.Create(path, chatdb.Latest)
	if err != nil {
		t.Fatal(err)
	}
	handles := map[string]int64{"John": w.Handle("+15550000001", "iMessage"), "Mary": w.Handle("mary@x.org", "iMessage")}
	john := w.Chat(chatdb.Chat{Handles: []int64{handles["John"]}})
	group := w.Chat(chatdb.Chat{Group: true, Handles: []int64{handles["John"], handles["Mary"]}})
	date := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)
	decoder := json.NewDecoder(strings.NewReader(rows))
	decoder.DisallowUnknownFields()
	for decoder.More() {
		var r pageRow
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		date = date.Add(30 * time.Second)
		m := chatdb.Message{GUID: r.GUID, Chat: john, Date: date, FromMe: r.From == "me", Handle: handles[r.From], Columns: map[string]any{}}
		switch {
		case r.In == "group":
			m.Chat = group
		case r.In == "nowhere" || r.Deleted:
			m.Chat = 0
		}
		r.fill(t, w, &m, handles)
		guid := w.Message(m)
		if r.Deleted {
			w.Exec(`INSERT INTO chat_recoverable_message_join (chat_id, message_id, delete_date) SELECT ?, ROWID, 1 FROM message WHERE guid = ?`, john, guid)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// fill sets the body, attachments and columns of a row.
func (r *pageRow) fill(t *testing.T, w *chatdb.Writer, m *chatdb.Message, handles map[string]int64) {
	t.Helper()
	var parts []chatdb.Part
	for _, p := range r.Parts {
		if words, is := p.(string); is {
			parts = append(parts, chatdb.Part{Text: words})
			continue
		}
		parts = append(parts, attach(w, m, p.(map[string]any)))
	}
	if r.Added != nil {
		attach(w, m, r.Added)
	}
	for _, f := range r.Files {
		attach(w, m, f)
	}
	if parts != nil {
		m.Body = chatdb.Parts(parts...)
	}
	for name, value := range r.Columns {
		m.Columns[name] = value
	}
	switch r.Body {
	case "damaged":
		whole := typedstream.Encode(m.Body)
		m.Columns["attributedBody"] = whole[:len(whole)-30]
	case "plain string":
		m.Columns["attributedBody"] = typedstream.EncodeString(m.Body.Text)
	}
	if r.Other != "" {
		m.Columns["other_handle"] = handles[r.Other]
	}
	if r.Payload != nil {
		m.Columns["payload_data"] = keyedArchive(t, r.Payload)
	}
	if r.Info != nil {
		m.Columns["message_summary_info"] = summaryInfo(t, r.Info)
	}
}

// attach adds an attachment, unless its row is missing, and returns its part of the body.
func attach(w *chatdb.Writer, m *chatdb.Message, p map[string]any) chatdb.Part {
	text := func(key string) string { s, _ := p[key].(string); return s }
	part := chatdb.Part{Attachment: "at_0_" + text("file")}
	if words := text("IMAudioTranscription"); words != "" {
		part.Attributes = []typedstream.Attribute{{Name: "IMAudioTranscription", Value: typedstream.Value{Kind: typedstream.String, Text: words}}}
	}
	if p["missing"] == nil {
		a := chatdb.Attachment{GUID: part.Attachment, Filename: "~/Library/Messages/Attachments/0a/" + text("file"), MIMEType: text("mime_type"), UTI: text("uti")}
		m.Attachments = append(m.Attachments, w.Attachment(a))
	}
	return part
}

// summaryInfo encodes message_summary_info; "ec" lists the versions of a text, oldest first.
func summaryInfo(t *testing.T, info map[string]any) []byte {
	t.Helper()
	content := map[string]any{}
	for key, value := range info {
		content[key] = value
	}
	if history, is := info["ec"].(map[string]any); is {
		edits := map[string]any{}
		for part, texts := range history {
			var versions []any
			for i, text := range texts.([]any) {
				versions = append(versions, map[string]any{"d": 7.3e8 + float64(i), "t": typedstream.Encode(chatdb.Parts(chatdb.Part{Text: text.(string)}))})
			}
			edits[part] = versions
		}
		content["ec"] = edits
	}
	if numbers, is := info["rp"].([]any); is {
		list := make([]any, len(numbers))
		for i, n := range numbers {
			list[i] = uint64(n.(float64))
		}
		content["rp"] = list
	}
	return mustPlist(t, content)
}

func mustPlist(t *testing.T, content any) []byte {
	t.Helper()
	data, err := plist.Marshal(content, plist.BinaryFormat)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// keyedArchive archives a value as NSKeyedArchiver does: dictionaries, texts, and URLs ({"NSURL": "…"}).
func keyedArchive(t *testing.T, value any) []byte {
	t.Helper()
	objects := []any{"$null"}
	var add func(v any) plist.UID
	add = func(v any) plist.UID {
		at := plist.UID(len(objects))
		objects = append(objects, nil)
		switch v := v.(type) {
		case map[string]any:
			if url, is := v["NSURL"]; is {
				objects[at] = map[string]any{"NS.base": plist.UID(0), "NS.relative": add(url)}
				break
			}
			var keys, values []any
			for key, x := range v {
				keys, values = append(keys, add(key)), append(values, add(x))
			}
			objects[at] = map[string]any{"NS.keys": keys, "NS.objects": values}
		default:
			objects[at] = v
		}
		return at
	}
	root := add(value)
	return mustPlist(t, map[string]any{"$version": 100000, "$archiver": "NSKeyedArchiver", "$top": map[string]any{"root": root}, "$objects": objects})
}

package imessage_test

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/sources/imessage/typedstream"
)

// selectAll are all rows of a store as they were put, without the place of the source.
var selectAll = []string{
	`SELECT concat_ws(' ', 'message', m.id, c.number, m.date, h.address, m.kind, m.state, hex(m.guid), m.part, m.text, m.target, m.target_part, m.quote)
		FROM message m LEFT JOIN chat c ON c.id = m.chat LEFT JOIN handle h ON h.id = m.sender ORDER BY m.id`,
	`SELECT concat_ws(' ', 'attachment', message, guid, transcript, path) FROM attachment ORDER BY message`,
	`SELECT concat_ws(' ', 'event', hex(guid), source_row, date, chat, kind, actor, subject, text) FROM event ORDER BY source_row`,
	`SELECT concat_ws(' ', 'version', hex(guid), part, number, date, text) FROM version ORDER BY guid, part, number`,
	`SELECT concat_ws(' ', 'period', c.number, c.is_group, p.until_date, p.until_row, m.place, h.address, m.absent)
		FROM chat c JOIN period p ON p.chat = c.id LEFT JOIN member m ON m.period = p.id LEFT JOIN handle h ON h.id = m.handle
		ORDER BY c.number, p.until_date, p.until_row, m.place`,
	`SELECT concat_ws(' ', 'retracted', hex(guid)) FROM retracted ORDER BY guid`,
	`SELECT concat_ws(' ', 'unresolved', message, hex(guid)) FROM unresolved ORDER BY message`,
}

// What becomes of the rows of testdata/rules may change only together with the list of rules: otherwise the next collect
// of a database would leave its rows as the version before read them. With VQ_UPDATE, and a new rule, the test writes what
// they become now.
func TestRules_OneForEveryChangeOfWhatRowsBecome(t *testing.T) {
	const golden = "testdata/rules/rows.txt"
	db := fresh(t)
	include, err := imessage.ParseInclude("scheduled")
	if err != nil {
		t.Fatal(err)
	}
	collectInto(t, unzip(t, "testdata/rules/chat.db.gz"), db, sources.Options{Include: include})
	var lines []string
	for _, query := range selectAll {
		lines = append(lines, messagestest.Rows(t, db, query)...)
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "\n", " / ")
	}
	var rules int
	data, err := os.ReadFile(golden)
	if err == nil {
		_, err = fmt.Sscanf(string(data), "%d rules", &rules)
	}
	head, body, _ := strings.Cut(strings.TrimSuffix(string(data), "\n"), "\n")
	before := strings.Split(body, "\n")
	same := err == nil && slices.Equal(lines, before)
	switch {
	case same && rules == imessage.Rules():
	case os.Getenv("VQ_UPDATE") != "" && (err != nil || rules < imessage.Rules()):
		text := fmt.Sprintf("%d rules\n%s\n", imessage.Rules(), strings.Join(lines, "\n"))
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	case same:
		t.Errorf("there are %d rules and not %s: run the test with VQ_UPDATE=1", imessage.Rules(), head)
	default:
		got, want := apart(lines, before)
		t.Errorf("rows become something else: append a rule for them in rules.go and run the test with VQ_UPDATE=1. They become\n  %s\nand became\n  %s", got, want)
	}
}

// TestRules_Write writes the database of the test above, of everything that may happen to a history.
func TestRules_Write(t *testing.T) {
	path := os.Getenv("VQ_RULES")
	if path == "" {
		t.Skip("VQ_RULES names no file")
	}
	l := newLife(t, 7)
	l.change(func() {
		for range 250 {
			l.happen()
		}
		for bundle, payload := range map[string][]byte{"com.apple.messages.URLBalloonProvider": linkPayload(t, "https://x.org/original", ""),
			"com.apple.messages.MSMessageExtensionBalloonPlugin:0:x": appPayload(t, "John made a move", "Chess")} {
			l.say(chatdb.Message{Columns: columns("balloon_bundle_id", bundle, "payload_data", payload)})
		}
		object := "\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84\x07NSArray\x00\x84\x84\x08NSObject\x00\x85\x86"
		l.say(chatdb.Message{Columns: columns("attributedBody", []byte(object))})
		l.say(chatdb.Message{Columns: columns("balloon_bundle_id", "app", "payload_data", linkPayload(t, "https://x.org/of-an-app", ""))})
		l.say(chatdb.Message{FromMe: true, Text: "tomorrow", Columns: columns("schedule_type", 2)})
		l.say(chatdb.Message{Columns: columns("date", 485000000, "text", "in seconds")})
		voice := l.Attachment(chatdb.Attachment{GUID: "voice", Filename: "~/x/voice.caf", UTI: "com.apple.coreaudio-format"})
		transcript := []typedstream.Attribute{{Name: "IMAudioTranscription", Value: typedstream.Value{Kind: typedstream.String, Text: "are you coming"}}}
		l.say(chatdb.Message{Body: chatdb.Parts(chatdb.Part{Attachment: "voice", Attributes: transcript}), Attachments: []int64{voice}})
	})
	l.exec("PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode = DELETE", "VACUUM")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zipped := gzip.NewWriter(file)
	if _, err := zipped.Write(readFile(t, l.path)); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
}

// unzip writes the content of a .gz to a file and returns its path.
func unzip(t *testing.T, path string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "chat.db")
	if err := os.WriteFile(out, unzipped(t, path), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

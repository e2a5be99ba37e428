package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// exportMessages is how many messages an export has.
const exportMessages = 300_000

// exportForms are the exports that are measured, by the name of their format: the name of the file, and what stands before, for and
// behind the messages.
var exportForms = []struct {
	format, name, head, tail string
	message                  func(i int, at time.Time, mine bool, text string) string
}{
	{"whatsapp", "WhatsApp Chat with John.txt", "", "", func(_ int, at time.Time, mine bool, text string) string {
		return at.Format("02/01/2006, 15:04") + " - " + choose(mine, "Me", "John") + ": " + text + "\n"
	}},
	{"telegram", "result.json", "{\n \"name\": \"John\",\n \"type\": \"personal_chat\",\n \"id\": 2,\n \"messages\": [\n", "  {\"id\": 0, \"type\": \"service\"}\n ]\n}\n", func(i int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("  {\n   \"id\": %d,\n   \"type\": \"message\",\n   \"date\": %q,\n   \"date_unixtime\": \"%d\",\n   \"from\": %q,\n   \"from_id\": %q,\n   \"text\": %q,\n   \"text_entities\": [\n    {\n     \"type\": \"plain\",\n     \"text\": %q\n    }\n   ]\n  },\n",
			i+1, at.Format("2006-01-02T15:04:05"), at.Unix(), choose(mine, "Me", "John"), choose(mine, "user1", "user2"), text, text)
	}},
	{"android-sms", "sms-1.xml", "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count=\"300000\">\n", "</smses>\n", func(_ int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("  <sms protocol=\"0\" address=\"+15550000001\" date=\"%d\" type=\"%s\" subject=\"null\" body=\"%s\" toa=\"null\" sc_toa=\"null\" service_center=\"null\" read=\"1\" status=\"-1\" locked=\"0\" date_sent=\"0\" sub_id=\"-1\" contact_name=\"John\" />\n",
			at.UnixMilli(), choose(mine, "2", "1"), text)
	}},
	{"jsonl", "chats.jsonl", "", "", func(_ int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("{\"chat\": \"John\", \"time\": %q, \"name\": %q, \"text\": %q, \"reply_to\": null}\n", at.Format(time.RFC3339), choose(mine, "Me", "John"), text)
	}},
	{"telegram-html", "messages.html", "<!DOCTYPE html>\n<html>\n <head>\n  <title>Exported Data</title>\n </head>\n <body>\n  <div class=\"page_wrap\">\n   <div class=\"page_header\"><div class=\"content\"><div class=\"text bold\">\nJohn\n</div></div></div>\n   <div class=\"page_body chat_page\"><div class=\"history\">\n", "    </div></div>\n  </div>\n </body>\n</html>\n", func(i int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("     <div class=\"message default clearfix\" id=\"message%d\">\n\n      <div class=\"pull_left userpic_wrap\">\n\n       <div class=\"userpic userpic1\" style=\"width: 42px; height: 42px\">\n\n        <div class=\"initials\" style=\"line-height: 42px\">\nJ\n        </div>\n\n       </div>\n\n      </div>\n\n      <div class=\"body\">\n\n       <div class=\"pull_right date details\" title=\"%s UTC+00:00\">\n%s\n       </div>\n\n       <div class=\"from_name\">\n%s \n       </div>\n\n       <div class=\"text\">\n%s\n       </div>\n\n      </div>\n\n     </div>\n\n",
			i+1, at.Format("02.01.2006 15:04:05"), at.Format("15:04"), choose(mine, "Me", "John"), text)
	}},
	{"imessage-exporter", "+15550000001.html", "<html>\n<head><meta charset=\"UTF-8\"></head>\n<body>\n", "</body>\n</html>\n", func(i int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("<div class=\"message\">\n    <div class=\"%s\">\n        <p>\n            <span class=\"timestamp\">\n                <a title=\"Reveal in Messages app\" href=\"sms://open?message-guid=4E1AB31C-0000-4000-8000-%012X\">%s</a>\n                \n            </span>\n            \n            <span class=\"sender\">%s</span>\n        </p>\n        <hr>\n<div class=\"message_part\">\n    <span class=\"bubble\">%s</span>\n    </div>\n    </div>\n</div>\n",
			choose(mine, "sent iMessage", "received"), i, at.Format("Jan 02, 2006 ")+fmt.Sprintf("%2s", at.Format("3"))+at.Format(":04:05 PM"), choose(mine, "Me", "+15550000001"), text)
	}},
	{"google-voice", "John - Text - 2020-09-13T12_26_40Z.html", "<html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title>John</title></head>\n<body><div class=\"hChatLog hfeed\">\n", "</div></body></html>\n", func(_ int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("<div class=\"message\"><abbr class=\"dt\" title=\"%s\">%s</abbr>:\n<cite class=\"sender vcard\"><a class=\"tel\" href=\"tel:%s\">%s</a></cite>:\n<q>%s</q>\n</div> ",
			at.Format("2006-01-02T15:04:05.000-07:00"), at.Format("Jan 2, 2006, 3:04:05 PM"), choose(mine, "+15550000000", "+15550000001"), choose(mine, `<abbr class="fn" title="">Me</abbr>`, `<span class="fn">John</span>`), text)
	}},
	{"meta", "message_1.json", "{\n  \"participants\": [{\"name\": \"John\"}, {\"name\": \"Me\"}],\n  \"messages\": [\n", "    {\"sender_name\": \"John\", \"timestamp_ms\": 1500000000000}\n  ],\n  \"title\": \"John\", \"thread_path\": \"inbox/john_1\"\n}\n", func(_ int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("    {\n      \"sender_name\": %q,\n      \"timestamp_ms\": %d,\n      \"content\": %q,\n      \"is_geoblocked_for_viewer\": false\n    },\n", choose(mine, "Me", "John"), at.UnixMilli(), text)
	}},
	{"discord", "chat.json", "{\n  \"guild\": {\"id\": \"0\", \"name\": \"Direct Messages\"},\n  \"channel\": {\"id\": \"7\", \"type\": \"DirectTextChat\", \"name\": \"John\"},\n  \"messages\": [\n", "    {\"id\": \"0\", \"type\": \"Call\"}\n  ]\n}\n", func(i int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("    {\n      \"id\": \"%d\",\n      \"type\": \"Default\",\n      \"timestamp\": %q,\n      \"timestampEdited\": null,\n      \"isPinned\": false,\n      \"content\": %q,\n      \"author\": {\n        \"id\": %q,\n        \"name\": %q,\n        \"discriminator\": \"0000\",\n        \"nickname\": %q,\n        \"color\": null,\n        \"isBot\": false,\n        \"roles\": [],\n        \"avatarUrl\": \"https://example.org/a.png\"\n      },\n      \"attachments\": [],\n      \"embeds\": [],\n      \"stickers\": [],\n      \"reactions\": [],\n      \"mentions\": []\n    },\n",
			i+1, at.Format(time.RFC3339), text, choose(mine, "100", "200"), choose(mine, "Me", "John"), choose(mine, "Me", "John"))
	}},
	{"imazing", "Messages - John.csv", "Chat Session,Message ID,Message Date,Delivered Date,Read Date,Edited Date,Deleted Date,Service,Type,Sender ID,Sender Name,Status,Replying to,Subject,Text,Reactions,Attachment,Attachment type\n", "", func(i int, at time.Time, mine bool, text string) string {
		return fmt.Sprintf("John,%d,%s,,,,,iMessage,%s,%s,%s,Read,,,%s,,,\n", i+1, at.Format("2006-01-02 15:04:05"), choose(mine, "Outgoing", "Incoming"), choose(mine, "", "+15550000001"), choose(mine, "", "John"), text)
	}},
}

func choose(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// exports measures a first collect of each history, or of those of one format.
func (b *bench) exports(only string) error {
	for _, h := range histories() {
		if only != "all" && only != h.format {
			continue
		}
		if err := b.export(h); err != nil {
			return fmt.Errorf("%s: %w", h.format, err)
		}
	}
	return nil
}

// history is an export, or a database, of exportMessages messages.
type history struct {
	format, name string
	write        func(path string) error
}

func histories() (list []history) {
	for _, f := range exportForms {
		list = append(list, history{f.format, f.name, func(path string) error { return writeExport(path, f.head, f.tail, f.message) }})
	}
	return append(list, folders...)
}

// export measures a first collect of a history, which is written if it does not exist yet.
func (b *bench) export(h history) error {
	if _, err := os.Stat(filepath.Join(b.folder, h.name)); errors.Is(err, os.ErrNotExist) {
		// In another process: the system counts the memory of this one as that of its children.
		writer := exec.Command(os.Args[0], "-folder", b.folder, "-write", h.format)
		writer.Stderr = os.Stderr
		if err := writer.Run(); err != nil {
			return err
		}
	}
	data := "data-" + h.format
	if err := os.RemoveAll(filepath.Join(b.folder, data)); err != nil {
		return err
	}
	seconds, memory, output, err := b.vqctl("collect", "--source", h.name, "--data-dir", data, "--zone", "UTC", "--json")
	if err != nil {
		return err
	}
	var summary struct{ Messages float64 }
	if err := json.Unmarshal(output, &summary); err != nil {
		return err
	}
	if summary.Messages < exportMessages {
		return fmt.Errorf("%v messages of %d were collected", summary.Messages, exportMessages)
	}
	b.figures[h.format+"_messages_per_second"] = summary.Messages / seconds
	b.figures[h.format+"_memory_mb"] = memory
	b.figures[h.format+"_cpu_seconds"] = b.cpu
	return nil
}

// writeHistory writes the history of a format.
func writeHistory(folder, format string) error {
	for _, h := range histories() {
		if h.format == format {
			path := filepath.Join(folder, h.name)
			part := path + ".part"
			if err := errors.Join(os.RemoveAll(part), h.write(part)); err != nil {
				return err
			}
			return os.Rename(part, path)
		}
	}
	return fmt.Errorf("there is no export of the format %q", format)
}

// writeExport writes a file with all messages.
func writeExport(path, head, tail string, message func(i int, at time.Time, mine bool, text string) string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	_, err = io.WriteString(out, head)
	err = errors.Join(err, eachMessage(func(i int, at time.Time, mine bool, text string) error {
		_, err := io.WriteString(out, message(i, at, mine, text))
		return err
	}))
	if err == nil {
		_, err = io.WriteString(out, tail)
	}
	return errors.Join(err, out.Flush(), f.Close())
}

// eachMessage calls visit for every message of the history.
func eachMessage(visit func(i int, at time.Time, mine bool, text string) error) error {
	words := strings.Fields("the pub opens at noon and who is in for a walk by the river before that or shall we all meet there")
	for i := range exportMessages {
		at := time.Unix(1_600_000_000+int64(i)*61, 0).UTC()
		from := i * 7 % len(words)
		text := strings.Join(words[from:min(len(words), from+1+i%11)], " ") + fmt.Sprint(" ", i)
		if err := visit(i, at, i%3 == 0, text); err != nil {
			return err
		}
	}
	return nil
}

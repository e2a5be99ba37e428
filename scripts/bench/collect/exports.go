package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
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
}

func choose(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// exports measures a first collect of each export.
func (b *bench) exports() error {
	for _, f := range exportForms {
		path := filepath.Join(b.folder, f.name)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			if err := writeExport(path, f.head, f.tail, f.message); err != nil {
				return err
			}
		}
		data := "data-" + f.format
		if err := os.RemoveAll(filepath.Join(b.folder, data)); err != nil {
			return err
		}
		seconds, memory, output, err := b.vqctl("collect", "--source", f.name, "--data-dir", data, "--zone", "UTC", "--json")
		if err != nil {
			return err
		}
		var summary struct{ Messages float64 }
		if err := json.Unmarshal(output, &summary); err != nil {
			return err
		}
		if summary.Messages < exportMessages {
			return fmt.Errorf("of %s, %v messages of %d were collected", f.name, summary.Messages, exportMessages)
		}
		b.figures[f.format+"_messages_per_second"] = summary.Messages / seconds
		b.figures[f.format+"_memory_mb"] = memory
	}
	return nil
}

func writeExport(path, head, tail string, message func(i int, at time.Time, mine bool, text string) string) error {
	f, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	words := strings.Fields("the pub opens at noon and who is in for a walk by the river before that or shall we all meet there")
	_, err = io.WriteString(out, head)
	for i := 0; i < exportMessages && err == nil; i++ {
		at := time.Unix(1_600_000_000+int64(i)*61, 0).UTC()
		from := i * 7 % len(words)
		text := strings.Join(words[from:min(len(words), from+1+i%11)], " ") + fmt.Sprint(" ", i)
		_, err = io.WriteString(out, message(i, at, i%3 == 0, text))
	}
	if err == nil {
		_, err = io.WriteString(out, tail)
	}
	if err = errors.Join(err, out.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

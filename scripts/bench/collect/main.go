// Command collect measures vqctl on a long history: it writes a database of a million messages once, and exports of 300,000 in other
// formats, runs bin/vqctl on them, and prints time, peak memory and the size of messages.db as one JSON object.
//
//	go run ./scripts/bench/collect [-messages 1000000] [-chats 300] [-exports FORMAT|all]
package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"ventriloquist/internal/sources/imessage/chatdb"
)

func main() {
	messages := flag.Int("messages", 1_000_000, "messages of the history")
	chats := flag.Int("chats", 300, "chats of the history")
	folder := flag.String("folder", "build/bench/history", "where the history is kept")
	exports := flag.String("exports", "", "measure only the exports, of this `format`, or of all")
	write := flag.String("write", "", "only write the export of this `format`; a process that writes one holds more memory than one that collects it")
	flag.Parse()
	if *write != "" {
		if err := writeHistory(*folder, *write); err != nil {
			fmt.Fprintln(os.Stderr, "collect:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(*folder, *messages, *chats, *exports); err != nil {
		fmt.Fprintln(os.Stderr, "collect:", err)
		os.Exit(1)
	}
}

// bench is one measurement.
type bench struct {
	folder   string
	source   string
	messages int
	cpu      float64 // seconds of the last command
	figures  map[string]float64
}

func run(folder string, messages, chats int, only string) error {
	b := bench{folder: folder, source: filepath.Join(folder, "chat.db"), messages: messages, figures: map[string]float64{}}
	if only != "" {
		err := os.MkdirAll(folder, 0o755)
		if err == nil {
			err = b.exports(only)
		}
		return errors.Join(err, json.NewEncoder(os.Stdout).Encode(b.figures))
	}
	if err := b.prepare(chats); err != nil {
		return err
	}
	for _, step := range []func() error{b.collect, b.size, b.preprocess} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := chatdb.AppendHistory(b.source, chatdb.History{Messages: newMessages, Chats: chats, Seed: uint64(time.Now().UnixNano())}); err != nil {
		return err
	}
	if err := b.again("again"); err != nil {
		return err
	}
	if err := b.edit(); err != nil {
		return err
	}
	if err := b.again("changed"); err != nil {
		return err
	}
	if err := b.exports("all"); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(b.figures)
}

const (
	newMessages    = 100    // added before the second collect
	editedMessages = 10_000 // edited all over the history before the third
)

// prepare writes the contacts, and the history if it does not exist yet.
func (b *bench) prepare(chats int) error {
	if err := os.MkdirAll(filepath.Join(b.folder, "data"), 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(b.source); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "collect: writing a history of %d messages to %s\n", b.messages, b.source)
		if err := chatdb.WriteHistory(b.source+".part", chatdb.History{Messages: b.messages, Chats: chats, Seed: 1}); err != nil {
			return err
		}
		if err := os.Rename(b.source+".part", b.source); err != nil {
			return err
		}
	}
	contacts := []byte{}
	for i := range 2 * chats * 5 {
		contacts = fmt.Appendf(contacts, "{\"contact\": \"Person %d\", \"ids\": [\"+1555%07d\"]}\n", i+1, i+1)
	}
	return errors.Join(os.WriteFile(filepath.Join(b.folder, "data", "contacts_to_ids.jsonl"), contacts, 0o644),
		os.RemoveAll(filepath.Join(b.folder, "data", "messages.db")))
}

// vqctl runs a command and returns its seconds, its peak memory in MB, and its output.
func (b *bench) vqctl(arguments ...string) (seconds, memory float64, output []byte, err error) {
	path, err := filepath.Abs("bin/vqctl")
	if err != nil {
		return 0, 0, nil, err
	}
	cmd := exec.Command(path, arguments...)
	cmd.Dir, cmd.Stderr = b.folder, os.Stderr
	cmd.Env = append(os.Environ(), "MY_NAME=Me", "USER_IDENTIFIERS=")
	start := time.Now()
	output, err = cmd.Output()
	seconds = time.Since(start).Seconds()
	if cmd.ProcessState == nil {
		return 0, 0, nil, fmt.Errorf("cannot run bin/vqctl: %w (make builds it)", err)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		memory = float64(usage.Maxrss) / 1024
		b.cpu = float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
	}
	return seconds, memory, output, err
}

func (b *bench) collect() error {
	seconds, memory, output, err := b.vqctl("collect", "--source", "chat.db", "--json")
	if err != nil {
		return err
	}
	var summary struct{ Rows float64 }
	if err := json.Unmarshal(output, &summary); err != nil {
		return err
	}
	b.figures["collect_messages_per_second"] = summary.Rows / seconds
	b.figures["collect_memory_mb"] = memory
	return nil
}

// size is the size of messages.db as a multiple of the text and the identifiers in it.
func (b *bench) size() error {
	path := filepath.Join(b.folder, "data", "messages.db")
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	var held float64
	// An identifier is 36 characters in the source and 16 bytes in messages.db.
	err = db.QueryRow(`SELECT (SELECT sum(length(CAST(text AS BLOB)) + iif(typeof(guid) = 'blob', 36, length(guid))) FROM message WHERE kind < 9)
		+ (SELECT coalesce(sum(length(guid) + coalesce(length(path), 0) + coalesce(length(transcript), 0)), 0) FROM attachment)`).Scan(&held)
	b.figures["size_ratio"] = float64(info.Size()) / held
	return err
}

func (b *bench) preprocess() error {
	seconds, memory, output, err := b.vqctl("preprocess", "--json")
	if err != nil {
		return err
	}
	var summary struct{ Messages float64 }
	if err := json.Unmarshal(output, &summary); err != nil {
		return err
	}
	b.figures["preprocess_messages_per_second"] = summary.Messages / seconds
	b.figures["preprocess_memory_mb"] = memory
	return nil
}

// edit changes messages all over the history.
func (b *bench) edit() error {
	db, err := sql.Open("sqlite3", b.source)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(`UPDATE message SET text = 'edited ' || ROWID || ' ' || ?, attributedBody = NULL WHERE ROWID % ? = 0`, time.Now().UnixNano(), max(b.messages/editedMessages, 1))
	return err
}

// again measures another collect.
func (b *bench) again(name string) error {
	seconds, memory, _, err := b.vqctl("collect", "--source", "chat.db", "--json")
	if err != nil {
		return err
	}
	b.figures[name+"_seconds"], b.figures[name+"_per_second"] = seconds, 1/seconds
	b.figures[name+"_memory_mb"] = memory
	return nil
}

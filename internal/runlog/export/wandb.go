package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"ventriloquist/internal/runlog"
)

// wandb writes an offline run of Weights & Biases: a log in LevelDB's format of wandb_internal.Record messages.
// Source: wandb/proto/wandb_internal.proto, wandb/sdk/internal/datastore.py.
type wandb struct {
	folder  string
	options Options
	file    *os.File
	written int64 // bytes
	number  int64 // of the last record
	begun   time.Time
	latest  map[string]string // values as JSON, for the summary
}

// The fields of a Record that are used.
const (
	historyField = 2
	summaryField = 3
	runField     = 17
	exitField    = 18
	headerField  = 21
	footerField  = 22
)

// The log's blocks, and the kinds of records in them.
const (
	blockBytes  = 32768
	headerBytes = 7
	fullRecord  = 1
	firstRecord = 2
	midRecord   = 3
	lastRecord  = 4
)

func (w *wandb) begin(s *runlog.Start) (err error) {
	w.begun, w.latest = s.Time, map[string]string{}
	id := idOf(s)
	path := filepath.Join(w.folder, fmt.Sprintf("offline-run-%s-%s", s.Time.UTC().Format("20060102_150405"), id), "run-"+id+".wandb")
	if w.file, err = create(path); err != nil {
		return err
	}
	if err := w.raw(append([]byte(":W&B"), 0xe1, 0xbe, 0)); err != nil { // ident, magic, version
		return err
	}
	if err := w.record(headerField, appendBytes(nil, 1, appendBytes(nil, 1, []byte("vqctl")))); err != nil { // version_info.producer
		return err
	}
	return w.record(runField, w.runRecord(id, s))
}

// idOf returns the id of a run: eight letters and digits that stay the same when it is resumed.
func idOf(s *runlog.Start) string {
	text, _ := json.Marshal(s) // it was JSON before
	sum := sha256.Sum256(text)
	const letters = "0123456789abcdefghijklmnopqrstuvwxyz"
	id := make([]byte, 8)
	for i := range id {
		id[i] = letters[int(sum[i])%len(letters)]
	}
	return string(id)
}

// runRecord describes the run. It has no path, and no name of the machine or of its user.
func (w *wandb) runRecord(id string, s *runlog.Start) []byte {
	r := appendBytes(nil, 1, []byte(id))
	if w.options.Entity != "" {
		r = appendBytes(r, 2, []byte(w.options.Entity))
	}
	r = appendBytes(r, 3, []byte(w.options.Project))
	config := map[string]any{"base_model": filepath.Base(s.BaseModel), "total_steps": s.TotalSteps, "windows": s.Windows, "held_out_windows": s.HeldOutWindows,
		"tokens_per_epoch": s.Tokens, "target_tokens_per_epoch": s.TargetTokens, "device": s.Machine.Device, "threads": s.Machine.Threads, "system": s.Machine.System}
	for name, value := range s.LoRA {
		config["lora_"+name] = value
	}
	maps.Copy(config, s.Options)
	var list []byte
	for _, name := range names(config) {
		list = appendBytes(list, 1, item(name, jsonOf(config[name])))
	}
	r = appendBytes(r, 4, list)
	if s.Name != "" {
		r = appendBytes(r, 8, []byte(s.Name)) // display_name
	}
	at := appendVarint(nil, 1, uint64(s.Time.Unix()))
	return appendBytes(r, 17, appendVarint(at, 2, uint64(s.Time.Nanosecond()))) // start_time
}

// item is a ConfigItem, a HistoryItem or a SummaryItem: a key and its value as JSON.
func item(key, value string) []byte {
	return appendBytes(appendBytes(nil, 1, []byte(key)), 16, []byte(value))
}

func jsonOf(value any) string {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if e.Encode(value) != nil {
		return "null"
	}
	return string(bytes.TrimSpace(text.Bytes()))
}

func (w *wandb) add(r *record) error {
	values := map[string]string{"_step": jsonOf(r.step)}
	if !r.at.IsZero() {
		values["_timestamp"], values["_runtime"] = jsonOf(float64(r.at.UnixMilli())/1e3), jsonOf(r.at.Sub(w.begun).Seconds())
	}
	for name, value := range r.numbers {
		values[name] = jsonOf(value)
	}
	for name, text := range r.texts {
		values[name] = jsonOf(text)
	}
	var history []byte
	for _, name := range names(values) {
		history = appendBytes(history, 1, item(name, values[name]))
		w.latest[name] = values[name]
	}
	return w.record(historyField, appendBytes(history, 2, appendVarint(nil, 1, uint64(r.step))))
}

func (w *wandb) end(done *runlog.Done) error {
	var summary []byte
	for _, name := range names(w.latest) {
		summary = appendBytes(summary, 1, item(name, w.latest[name]))
	}
	if err := w.record(summaryField, summary); err != nil {
		return err
	}
	if err := w.record(exitField, appendVarint(nil, 2, uint64(max(done.Seconds, 0)))); err != nil { // exit_code 0, runtime
		return err
	}
	return w.record(footerField, nil)
}

// record writes a Record with one field.
func (w *wandb) record(field int, value []byte) error {
	w.number++
	return w.data(appendBytes(appendVarint(nil, 1, uint64(w.number)), protowire.Number(field), value))
}

// data writes data as one record, or as several where a block ends.
func (w *wandb) data(data []byte) error {
	for kind := byte(fullRecord); ; kind = midRecord {
		room := blockBytes - int(w.written%blockBytes)
		if room < headerBytes {
			if err := w.raw(make([]byte, room)); err != nil {
				return err
			}
			room = blockBytes
		}
		n := min(len(data), room-headerBytes)
		switch rest := len(data) - n; {
		case kind == fullRecord && rest > 0:
			kind = firstRecord
		case kind == midRecord && rest == 0:
			kind = lastRecord
		}
		head := binary.LittleEndian.AppendUint32(nil, crc32.Update(crc32.ChecksumIEEE([]byte{kind}), crc32.IEEETable, data[:n]))
		head = append(binary.LittleEndian.AppendUint16(head, uint16(n)), kind)
		if err := w.raw(append(head, data[:n]...)); err != nil {
			return err
		}
		if data = data[n:]; len(data) == 0 {
			return nil
		}
	}
}

func (w *wandb) raw(data []byte) error {
	n, err := w.file.Write(data)
	w.written += int64(n)
	return err
}

func (w *wandb) sync() {
	if w.file != nil {
		_ = w.file.Sync() // training goes on without
	}
}

func (w *wandb) close() {
	if w.file != nil {
		w.file.Close()
	}
}

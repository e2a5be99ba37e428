package export

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"ventriloquist/internal/runlog"
)

var update = flag.Bool("update", false, "write the golden files again (then run scripts/check_metrics_export.py)")

var begun = time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)

func start() runlog.Start {
	return runlog.Start{Event: runlog.StartEvent, Version: 1, Time: begun, Name: "first try", TotalSteps: 4, BaseModel: "/home/me/models/tiny", Windows: 20, HeldOutWindows: 4,
		LoRA: map[string]any{"r": 8.0}, Options: map[string]any{"learning_rate": 1e-3}, Settings: map[string]any{"command": map[string]any{"data-dir": "/home/me/data"}}}
}

// events are those of a run of four steps.
func events() (list []any) {
	list = append(list, start())
	for s := range 5 {
		at := begun.Add(time.Duration(s) * time.Second)
		if s%2 == 0 {
			text := "no"
			if s == 0 {
				text = strings.Repeat("long ", 9000) // more than a block
			}
			list = append(list, runlog.Evaluation{Step: s, Time: at, Loss: 2 - 0.25*float64(s), PerContact: map[string]runlog.Figures{"Ann/李": {Loss: 1.5}}},
				runlog.Sample{Step: s, Time: at, Number: 1, Context: []runlog.Line{{Name: "Ben", Text: "are you there?"}}, Real: runlog.Line{Name: "Ann/李", Text: "yes"}, Text: text})
		}
		if s > 0 {
			list = append(list, runlog.Metrics{Step: s, Loss: 3 - 0.5*float64(s), GradNorm: 0.5, LearningRate: 1e-3, Epoch: float64(s) / 2, Tokens: 100, TargetTokens: 90, TokensPerSecond: 1234.5, Memory: 1 << 28, Time: &at})
		}
	}
	return append(list, runlog.Done{Seconds: 4})
}

// written exports events, and returns the paths of the files by format.
func written(t *testing.T, o Options, folder string, log *runlog.Log, list []any) map[string]string {
	t.Helper()
	o.Formats, o.Project = Formats, "vqctl"
	e, err := Open(folder, o, log, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range list {
		e.Add(event)
		e.Sync()
	}
	e.Close()
	files := map[string]string{}
	for format, pattern := range map[string]string{TensorBoard: "tensorboard/*", WandB: "wandb/*/*"} {
		found, _ := filepath.Glob(filepath.Join(folder, pattern))
		if len(found) != 1 {
			t.Fatalf("%s: %q", format, found)
		}
		if info, err := os.Stat(found[0]); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", format, info.Mode(), err)
		}
		files[format] = found[0]
	}
	return files
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The files are those that the readers of TensorBoard and of Weights & Biases have read: scripts/check_metrics_export.py.
func TestExporter_WritesTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string]bool{"plain": false, "texts": true} {
		for format, path := range written(t, Options{Texts: texts}, t.TempDir(), &runlog.Log{}, events()) {
			golden := filepath.Join("testdata", name+"."+format)
			if *update {
				if err := os.WriteFile(golden, content(t, path), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(content(t, path), content(t, golden)) {
				t.Errorf("%s differs", golden)
			}
		}
	}
}

// Without texts, no name, no text and no path is in the files.
func TestExporter_KeepsNamesAndTextsOut(t *testing.T) {
	t.Parallel()
	for _, path := range written(t, Options{}, t.TempDir(), &runlog.Log{}, events()) {
		for _, private := range []string{"Ann", "Ben", "long", "there", "/home/me", "李"} {
			if bytes.Contains(content(t, path), []byte(private)) {
				t.Errorf("%s has %q", path, private)
			}
		}
	}
}

// A run that is resumed has the files of one that was not.
func TestExporter_ResumedIsTheSame(t *testing.T) {
	t.Parallel()
	whole := written(t, Options{Texts: true}, t.TempDir(), &runlog.Log{}, events())
	folder := t.TempDir()
	all := events()
	written(t, Options{Texts: true}, folder, &runlog.Log{}, all[:8])
	log := &runlog.Log{}
	at := 0
	for i, event := range all {
		switch event := event.(type) {
		case runlog.Start:
			log.Starts = append(log.Starts, event)
		case runlog.Metrics:
			log.Steps = append(log.Steps, event)
		case runlog.Evaluation:
			log.Evaluations = append(log.Evaluations, event)
		case runlog.Sample:
			log.Samples = append(log.Samples, event)
		}
		if len(log.Steps) == 2 {
			at = i + 1
			break
		}
	}
	again := start()
	again.Step = 2
	for format, path := range written(t, Options{Texts: true}, folder, log, append([]any{again}, all[at:]...)) {
		if filepath.Base(path) != filepath.Base(whole[format]) || !bytes.Equal(content(t, path), content(t, whole[format])) {
			t.Errorf("%s differs", format)
		}
	}
}

// All records of a log have their checksum, also those at the ends of blocks.
func TestWandB_RecordsAtTheEndsOfBlocks(t *testing.T) {
	t.Parallel()
	for size := blockBytes - 40; size < blockBytes+20; size++ {
		path := filepath.Join(t.TempDir(), "log")
		file, err := create(path)
		if err != nil {
			t.Fatal(err)
		}
		w := &wandb{file: file}
		var want [][]byte
		for _, n := range []int{size, 3, 2*blockBytes + size, 0} {
			data := bytes.Repeat([]byte{byte(n)}, n)
			if err := w.data(data); err != nil {
				t.Fatal(err)
			}
			want = append(want, data)
		}
		file.Close()
		got, err := recordsOf(content(t, path))
		if err != nil || len(got) != len(want) {
			t.Fatalf("size %d: %d records, %v", size, len(got), err)
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("size %d: record %d differs", size, i)
			}
		}
	}
}

// recordsOf reads a log in LevelDB's format, as wandb's datastore.py does.
func recordsOf(log []byte) (list [][]byte, err error) {
	var data []byte
	for at := 0; at < len(log); {
		if room := blockBytes - at%blockBytes; room < headerBytes {
			at += room
			continue
		}
		sum, n, kind := binary.LittleEndian.Uint32(log[at:]), int(binary.LittleEndian.Uint16(log[at+4:])), log[at+6]
		part := log[at+headerBytes : at+headerBytes+n]
		if crc32.Update(crc32.ChecksumIEEE([]byte{kind}), crc32.IEEETable, part) != sum {
			return nil, fmt.Errorf("the checksum at %d is wrong", at)
		}
		at += headerBytes + n
		data = append(data, part...)
		if kind == fullRecord || kind == lastRecord {
			list, data = append(list, data), nil
		}
	}
	return list, nil
}

// The checksum of a TFRecord is that of TensorFlow: the first record of every event file begins with these bytes.
func TestAppendTFRecord_Checksums(t *testing.T) {
	t.Parallel()
	event := appendBytes(appendTime(nil, time.Unix(0, 0)), 3, []byte("brain.Event:2"))
	record := appendTFRecord(nil, event)
	if got := fmt.Sprintf("%x", record[:12]); got != "1800000000000000a37f4b22" {
		t.Errorf("%s", got)
	}
	if _, _, n := protowire.ConsumeField(event); n != 9 {
		t.Errorf("the first field has %d bytes", n)
	}
}

// A disk that is full ends the export, once, and not the run.
func TestExporter_FailsOnce(t *testing.T) {
	t.Parallel()
	failures := 0
	e, err := Open(t.TempDir(), Options{Formats: Formats}, &runlog.Log{}, func(error) { failures++ })
	if err != nil {
		t.Fatal(err)
	}
	e.Add(start())
	e.writers[0].close()
	for _, event := range events()[1:] {
		e.Add(event)
	}
	e.Sync()
	e.Close()
	if failures != 1 {
		t.Errorf("%d failures", failures)
	}
}

package export

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"ventriloquist/internal/runlog"
)

// tensorBoard writes an event file: TFRecords of tensorflow.Event messages.
// Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, tensorflow/core/lib/io/record_writer.h.
type tensorBoard struct {
	folder string
	file   *os.File
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedCRC is the checksum of TFRecords.
func maskedCRC(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// appendTFRecord appends a record: its length, data, and the checksums of both.
func appendTFRecord(dst, data []byte) []byte {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	dst = append(dst, length...)
	dst = binary.LittleEndian.AppendUint32(dst, maskedCRC(length))
	dst = append(dst, data...)
	return binary.LittleEndian.AppendUint32(dst, maskedCRC(data))
}

func (t *tensorBoard) begin(s *runlog.Start) (err error) {
	path := filepath.Join(t.folder, fmt.Sprintf("events.out.tfevents.%d.vqctl", s.Time.Unix()))
	if t.file, err = create(path); err != nil {
		return err
	}
	event := appendBytes(appendTime(nil, s.Time), 3, []byte("brain.Event:2")) // file_version
	return t.write(event)
}

func (t *tensorBoard) write(event []byte) error {
	_, err := t.file.Write(appendTFRecord(nil, event))
	return err
}

func (t *tensorBoard) add(r *record) error {
	var summary []byte
	for _, name := range names(r.numbers) {
		value := appendBytes(nil, 1, []byte(name)) // tag
		value = protowire.AppendTag(value, 2, protowire.Fixed32Type)
		value = protowire.AppendFixed32(value, math.Float32bits(float32(r.numbers[name]))) // simple_value
		summary = appendBytes(summary, 1, value)
	}
	for _, name := range names(r.texts) {
		value := appendBytes(nil, 1, []byte(name))
		value = appendBytes(value, 9, appendBytes(nil, 1, appendBytes(nil, 1, []byte("text")))) // metadata.plugin_data.plugin_name
		tensor := appendVarint(nil, 1, 7)                                                       // dtype: DT_STRING
		tensor = appendBytes(tensor, 2, appendBytes(nil, 2, appendVarint(nil, 1, 1)))           // tensor_shape.dim.size
		tensor = appendBytes(tensor, 8, []byte(r.texts[name]))                                  // string_val
		summary = appendBytes(summary, 1, appendBytes(value, 8, tensor))
	}
	event := appendVarint(appendTime(nil, r.at), 2, uint64(r.step))
	return t.write(appendBytes(event, 5, summary))
}

func (t *tensorBoard) end(*runlog.Done) error { return nil }

func (t *tensorBoard) sync() {
	if t.file != nil {
		_ = t.file.Sync() // training goes on without
	}
}

func (t *tensorBoard) close() {
	if t.file != nil {
		t.file.Close()
	}
}

// appendTime appends the field wall_time of an event.
func appendTime(dst []byte, at time.Time) []byte {
	dst = protowire.AppendTag(dst, 1, protowire.Fixed64Type)
	return protowire.AppendFixed64(dst, math.Float64bits(float64(at.UnixMicro())/1e6))
}

// appendBytes appends a field of bytes, a string or a message.
func appendBytes(dst []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, field, protowire.BytesType), value)
}

// appendVarint appends a field of an integer.
func appendVarint(dst []byte, field protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), value)
}

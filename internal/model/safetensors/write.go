package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// Entry is a tensor to write. Write writes its data, row-major and little-endian.
type Entry struct {
	Name  string
	DType DType
	Shape []int
	Write func(w io.Writer) error
}

// Size returns the number of bytes of the tensor.
func (s Entry) Size() int64 {
	return int64(Tensor{Shape: s.Shape}.Elements()) * int64(s.DType.Size())
}

// Write writes a file to w, one tensor after the other in the order given. The same input gives the same bytes.
func Write(w io.Writer, metadata map[string]string, tensors []Entry) error {
	head, err := encodeHeader(metadata, tensors)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, t := range tensors {
		counted := &counter{w: w}
		if err := t.Write(counted); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if counted.n != t.Size() {
			return fmt.Errorf("tensor %q: wrote %d bytes for %s of shape %v, which has %d", t.Name, counted.n, t.DType, t.Shape, t.Size())
		}
	}
	return nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// encodeHeader returns the length and the header, padded with spaces so that the data begins at a multiple of 8.
func encodeHeader(metadata map[string]string, tensors []Entry) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, lengthBytes))
	b.WriteByte('{')
	if metadata != nil {
		if err := encodeEntry(&b, metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	var offset int64
	seen := map[string]bool{metadataKey: true}
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q would be written twice", t.Name)
		}
		seen[t.Name] = true
		end := offset + t.Size()
		err := encodeEntry(&b, t.Name, struct {
			DType   DType    `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{t.DType, append([]int{}, t.Shape...), [2]int64{offset, end}})
		if err != nil {
			return nil, err
		}
		offset = end
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	head := b.Bytes()
	if len(head)-lengthBytes > maxHeader {
		return nil, fmt.Errorf("the header of %d tensors exceeds the limit of the format", len(tensors))
	}
	binary.LittleEndian.PutUint64(head, uint64(len(head)-lengthBytes))
	return head, nil
}

func encodeEntry(b *bytes.Buffer, name string, value any) error {
	if b.Len() > lengthBytes+1 {
		b.WriteByte(',')
	}
	key, err := json.Marshal(name)
	if err != nil {
		return err
	}
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	b.Write(key)
	b.WriteByte(':')
	b.Write(body)
	return nil
}

package convert_test

import (
	"io"
	"os"
	"testing"

	"ventriloquist/internal/model/gguf"
)

// rewrite copies a GGUF file with another value for a key.
func rewrite(t *testing.T, from, to, key string, value any) {
	t.Helper()
	file, err := gguf.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	metadata, replaced := []gguf.KeyValue{}, false
	for _, kv := range file.Metadata() {
		if kv.Key == key {
			kv.Value, replaced = value, true
		}
		metadata = append(metadata, kv)
	}
	if !replaced {
		metadata = append(metadata, gguf.KeyValue{Key: key, Value: value})
	}
	var entries []gguf.Entry
	for _, name := range file.Names() {
		tensor, _ := file.Tensor(name)
		entries = append(entries, gguf.Entry{Name: name, Type: tensor.Type, Shape: tensor.Shape, Write: func(w io.Writer) error {
			_, err := w.Write(tensor.Data)
			return err
		}})
	}
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := gguf.Write(out, metadata, entries); err != nil {
		t.Fatal(err)
	}
}

package model

import (
	"fmt"
	"hash/fnv"
	"io"
)

// Of each tensor so many pieces of so many bytes are looked at: all of a small one, a few KB of a large one. Another
// training of a model changes nearly every weight, so that a few of each tensor tell two models apart.
const (
	fingerprintPieces = 64
	fingerprintBytes  = 64
)

// Fingerprint tells models apart by their configuration and their weights, without reading the whole of them. The files
// that the weights lie in, and their names, do not matter.
func (m *Model) Fingerprint() (string, error) {
	hash := fnv.New64a()
	config := m.Config
	config.EOSTokenIDs, config.MaxPositions, config.DType = nil, 0, "" // these change nothing of what is computed
	fmt.Fprintf(hash, "%+v", config)
	for _, spec := range RequiredTensors(m.Config) {
		t, err := m.Tensor(spec.Name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %s", t.Name, t.DType)
		writePieces(hash, t.Data)
	}
	return fmt.Sprintf("%016x", hash.Sum64()), nil
}

// writePieces writes pieces of data at even distances, the first and the last bytes among them.
func writePieces(w io.Writer, data []byte) {
	if len(data) <= fingerprintPieces*fingerprintBytes {
		w.Write(data)
		return
	}
	last := len(data) - fingerprintBytes
	for i := range fingerprintPieces {
		begin := last / (fingerprintPieces - 1) * i
		if i == fingerprintPieces-1 {
			begin = last
		}
		w.Write(data[begin : begin+fingerprintBytes])
	}
}

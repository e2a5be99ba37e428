package model

import (
	"fmt"
	"hash/fnv"
	"io"
)

// The fingerprint reads this many pieces of this many bytes of each tensor: all of a small tensor, a few KiB of a large one.
// Training changes nearly every weight, so a few of each tensor tell two models apart.
const (
	fingerprintPieces = 64
	fingerprintBytes  = 64
)

// Fingerprint identifies a model by its configuration and weights without reading all of them. It does not depend on the
// names and number of the weight files.
func (m *Model) Fingerprint() (string, error) {
	hash := fnv.New64a()
	config := m.Config
	config.EOSTokenIDs, config.MaxPositions, config.DType = nil, 0, "" // these do not change the computation
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

// writePieces writes pieces of data at even distances, including the first and the last bytes.
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

package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"sort"
	"unicode/utf8"

	"ventriloquist/internal/usererr"
)

const (
	lengthBytes = 8
	// maxHeader is the limit of the reference implementation.
	maxHeader = 100_000_000
	// maxTensors and maxDimensions bound what a header makes us allocate; models have some thousand tensors of at most 5.
	maxTensors    = 200_000
	maxDimensions = 32
	metadataKey   = "__metadata__"
)

// entry is a tensor's entry in the header; begin and end count from the end of the header.
type entry struct {
	dtype      DType
	shape      []int
	begin, end uint64
}

type header struct {
	tensors  map[string]entry
	metadata map[string]string
}

// split separates a file's header from its data.
func split(name string, content []byte) (head, data []byte, err error) {
	if len(content) < lengthBytes {
		return nil, nil, damaged(name, "%d bytes are too few for a safetensors file", len(content))
	}
	if IsPointer(content) {
		return nil, nil, PointerError(name)
	}
	n := binary.LittleEndian.Uint64(content)
	if n > maxHeader {
		return nil, nil, damaged(name, "a header of %d bytes is over the format's limit of %d", n, maxHeader)
	}
	rest := content[lengthBytes:]
	if n > uint64(len(rest)) {
		return nil, nil, damaged(name, "the header has %d bytes, but only %d follow", n, len(rest))
	}
	return rest[:n], rest[n:], nil
}

// IsPointer reports whether a file's content is a Git LFS pointer, which stands for a large file that was not downloaded. Many
// clones of model repositories contain only these.
func IsPointer(content []byte) bool {
	return bytes.HasPrefix(content, []byte("version https://git-lfs"))
}

// PointerError is the error of such a file.
func PointerError(path string) error {
	return usererr.With(fmt.Errorf("%s is a Git LFS pointer, not the file itself", path),
		"run `git lfs pull` in its folder, or download the model with `vqctl model pull`")
}

// parseHeader parses the JSON object key by key, because encoding/json would keep the last of repeated keys.
func parseHeader(head []byte) (*header, error) {
	if !utf8.Valid(head) {
		return nil, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(head))
	if tok, err := dec.Token(); err != nil {
		return nil, jsonError(err)
	} else if tok != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	h := &header{tensors: map[string]entry{}}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, jsonError(err)
		}
		name := tok.(string) // a token before a value in an object is its key
		if seen[name] {
			return nil, fmt.Errorf("tensor %q is listed twice", name)
		}
		if len(seen) == maxTensors {
			return nil, fmt.Errorf("more than %d tensors", maxTensors)
		}
		seen[name] = true
		if err := h.readValue(dec, name); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, jsonError(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("data after the JSON object")
	}
	return h, nil
}

func (h *header) readValue(dec *json.Decoder, name string) error {
	if name == metadataKey {
		if err := dec.Decode(&h.metadata); err != nil {
			return fmt.Errorf("%s: %w", metadataKey, jsonError(err))
		}
		return nil
	}
	var raw map[string]json.RawMessage // not a struct, whose names encoding/json matches in any case
	if err := dec.Decode(&raw); err != nil {
		return fmt.Errorf("tensor %q: %w", name, jsonError(err))
	}
	var e entry
	var shape, offsets []uint64
	for _, field := range []struct {
		key string
		out any
	}{{"dtype", &e.dtype}, {"shape", &shape}, {"data_offsets", &offsets}} {
		value, ok := raw[field.key]
		if !ok || string(value) == "null" {
			return fmt.Errorf("tensor %q has no %s", name, field.key)
		}
		if err := json.Unmarshal(value, field.out); err != nil {
			return fmt.Errorf("tensor %q: %s: %w", name, field.key, err)
		}
	}
	if len(shape) > maxDimensions {
		return fmt.Errorf("tensor %q has %d dimensions, more than %d", name, len(shape), maxDimensions)
	}
	if len(offsets) != 2 {
		return fmt.Errorf("tensor %q: data_offsets has %d numbers, not 2", name, len(offsets))
	}
	e.begin, e.end, e.shape = offsets[0], offsets[1], make([]int, len(shape))
	for i, d := range shape {
		if d > math.MaxInt {
			return fmt.Errorf("tensor %q: dimension %d is too large", name, d)
		}
		e.shape[i] = int(d)
	}
	h.tensors[name] = e
	return nil
}

func jsonError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON is truncated")
	}
	return err
}

func (h *header) before(a, b string) bool {
	x, y := h.tensors[a], h.tensors[b]
	if x.begin != y.begin {
		return x.begin < y.begin
	}
	if x.end != y.end {
		return x.end < y.end
	}
	return a < b
}

// check checks the tensors against each other and against the size of the data.
func (h *header) check(size uint64) error {
	names := make([]string, 0, len(h.tensors))
	for n := range h.tensors {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool { return h.before(names[i], names[j]) })
	var covered uint64
	for i, name := range names {
		e := h.tensors[name]
		if e.end < e.begin {
			return fmt.Errorf("tensor %q: its bytes end at %d, before they begin at %d", name, e.end, e.begin)
		}
		if e.end > size {
			return fmt.Errorf("tensor %q: bytes %d to %d are outside the file, which has %d after the header", name, e.begin, e.end, size)
		}
		if e.begin < covered {
			return fmt.Errorf("tensors %q and %q overlap at byte %d", names[i-1], name, e.begin)
		}
		if e.begin > covered {
			return fmt.Errorf("tensor %q begins at byte %d, but the one before it ends at %d", name, e.begin, covered)
		}
		if err := e.checkSize(name); err != nil {
			return err
		}
		covered = e.end
	}
	if covered != size {
		return fmt.Errorf("%d bytes follow the last tensor", size-covered)
	}
	return nil
}

// checkSize checks a tensor's type and shape against its number of bytes.
func (e entry) checkSize(name string) error {
	width, ok := widths[e.dtype]
	if !ok {
		return fmt.Errorf("tensor %q has unknown type %q", name, e.dtype)
	}
	total := width
	for _, d := range e.shape {
		high, low := bits.Mul64(total, uint64(d))
		if high != 0 || low > math.MaxInt {
			return fmt.Errorf("tensor %q: shape %v is too large", name, e.shape)
		}
		total = low
	}
	if total%8 != 0 || total/8 != e.end-e.begin {
		return fmt.Errorf("tensor %q: %s of shape %v needs %d bytes, but it has %d", name, e.dtype, e.shape, (total+7)/8, e.end-e.begin)
	}
	return nil
}

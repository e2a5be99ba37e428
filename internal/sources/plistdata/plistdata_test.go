package plistdata_test

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"

	"howett.net/plist"

	"ventriloquist/internal/sources/plistdata"
)

// build makes a binary list of objects as they are written, with references of one byte; the first is the top.
func build(objects ...[]byte) []byte {
	out := []byte("bplist00")
	var offsets []byte
	for _, o := range objects {
		offsets = binary.BigEndian.AppendUint16(offsets, uint16(len(out)))
		out = append(out, o...)
	}
	table := uint64(len(out))
	out = append(append(out, offsets...), 0, 0, 0, 0, 0, 0, 2, 1)
	for _, n := range []uint64{uint64(len(objects)), 0, table} {
		out = binary.BigEndian.AppendUint64(out, n)
	}
	return out
}

// doubling makes arrays each of which contains the next one twice.
func doubling(levels int) []byte {
	var objects [][]byte
	for i := range levels {
		objects = append(objects, []byte{0xA2, byte(i + 1), byte(i + 1)})
	}
	return build(append(objects, []byte{0x09})...)
}

func chain(levels int) []byte {
	var objects [][]byte
	for i := range levels {
		objects = append(objects, []byte{0xA1, byte(i + 1)})
	}
	return build(append(objects, []byte{0x09})...)
}

// overlapping makes many objects out of the bytes of one.
func overlapping() []byte {
	list := build(append([]byte{0xAF, 0x10, 200}, make([]byte, 200)...), []byte{0x09})
	table := list[len(list)-32-4:]
	copy(table[2:4], table[:2])
	return list
}

func TestUnmarshal_RefusesWhatGrows(t *testing.T) {
	t.Parallel()
	long := func(kind byte, length uint64) []byte {
		return build(binary.BigEndian.AppendUint64([]byte{kind | 0xF, 0x13}, length))
	}
	for name, c := range map[string]struct {
		list []byte
		want string
	}{
		"ContainedManyTimes": {doubling(60), "more than 1048576 values"},
		"Circular":           {build([]byte{0xA1, 1}, []byte{0xA1, 0}), "contains itself"},
		"Deep":               {chain(250), "deeper than 200"},
		"Overlapping":        {overlapping(), "overlap"},
		"LongData":           {long(0x40, math.MaxUint64), "damaged"},
		"LongText":           {long(0x50, math.MaxUint64-10), "damaged"},
		"LongUTF16":          {long(0x60, 1<<63), "damaged"},
		"LongArray":          {long(0xA0, 1<<63), "damaged"},
		"LongDictionary":     {long(0xD0, 1<<62), "damaged"},
		"DeepXML":            {[]byte("<plist>" + strings.Repeat("<array>", 1_000_000)), "deeper than 200"},
		"Text":               {[]byte(strings.Repeat("(", 1_000_000)), "neither"},
		"Empty":              {nil, "neither"},
	} {
		var into any
		if err := plistdata.Unmarshal(c.list, &into); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
	}
}

func TestUnmarshal_ReadsWhatIsInOrder(t *testing.T) {
	t.Parallel()
	want := map[string]any{"a": []any{uint64(1), "b", "ü", []byte{1, 2}, true, 1.5}, "c": map[string]any{"d": strings.Repeat("x", 300)}}
	for _, format := range []int{plist.BinaryFormat, plist.XMLFormat} {
		data, err := plist.Marshal(want, format)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := plistdata.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, any(want)) {
			t.Errorf("format %d: %v (%v)", format, got, err)
		}
	}
	var got any
	if err := plistdata.Unmarshal(doubling(10), &got); err != nil {
		t.Errorf("error %v", err)
	}
}

// Whatever the bytes, decoding ends, without a panic.
func FuzzUnmarshal(f *testing.F) {
	f.Add(doubling(20))
	f.Add(chain(10))
	f.Add(overlapping())
	f.Add([]byte("<plist><dict><key>a</key><data>AAAA</data></dict></plist>"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var into any
		plistdata.Unmarshal(data, &into)
	})
}

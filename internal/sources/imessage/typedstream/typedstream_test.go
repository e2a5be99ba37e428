package typedstream_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ventriloquist/internal/sources/imessage/typedstream"
)

const part = "__kIMMessagePartAttributeName"

func partRun(length int, number int64, more ...typedstream.Attribute) typedstream.Run {
	return typedstream.Run{Length: length, Attributes: append([]typedstream.Attribute{
		{Name: part, Value: typedstream.Value{Kind: typedstream.Int, Int: number}}}, more...)}
}

func text(name, value string) typedstream.Attribute {
	return typedstream.Attribute{Name: name, Value: typedstream.Value{Kind: typedstream.String, Text: value}}
}

// realArchives reads the archives that Apple's Messages wrote, where they are at hand: they are not ours to copy.
func realArchives(t *testing.T) map[string][]byte {
	t.Helper()
	folder := filepath.Join("..", "..", "..", "..", "shared", "imessage", "typedstream")
	files, _ := filepath.Glob(filepath.Join(folder, "*.bin"))
	if len(files) == 0 {
		t.Skip("no real archives beside this checkout")
	}
	archives := map[string][]byte{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		archives[filepath.Base(f)] = data
	}
	index, err := os.ReadFile(filepath.Join(folder, "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	archives["index.tsv"] = index
	return archives
}

func TestDecode_RealArchives(t *testing.T) {
	archives := realArchives(t)
	for _, line := range strings.Split(strings.TrimRight(string(archives["index.tsv"]), "\n"), "\n")[1:] {
		fields := strings.Split(line, "\t")
		t.Run(fields[0], func(t *testing.T) {
			want := ""
			if len(fields) > 1 {
				if err := json.Unmarshal([]byte(`"`+fields[1]+`"`), &want); err != nil {
					t.Fatal(err)
				}
			}
			body, err := typedstream.Decode(archives[fields[0]])
			if err != nil {
				t.Fatal(err)
			}
			if body.Text != want {
				t.Errorf("text is %q, want %q", body.Text, want)
			}
			sum := 0
			for _, run := range body.Runs {
				sum += run.Length
				if len(run.Attributes) == 0 {
					t.Errorf("a run has no attributes")
				}
			}
			if sum != typedstream.Length16(want) {
				t.Errorf("runs cover %d units of %d", sum, typedstream.Length16(want))
			}
		})
	}
}

// What Apple writes for a body is what Encode writes for it, where Apple, too, archives no two equal strings.
func TestEncode_EqualsRealArchive(t *testing.T) {
	archives := realArchives(t)
	for _, name := range []string{"AttributedBodyTextOnly.bin", "LongMessage.bin"} {
		t.Run(name, func(t *testing.T) {
			body, err := typedstream.Decode(archives[name])
			if err != nil {
				t.Fatal(err)
			}
			if got := typedstream.Encode(body); !bytes.Equal(got, archives[name]) {
				t.Errorf("encoded\n% x\nApple wrote\n% x", got, archives[name])
			}
		})
	}
}

func TestEncodeDecode_RoundTrip(t *testing.T) {
	data := bytes.Repeat([]byte{0, 0x84, 0x86, 0xff}, 200)
	bodies := map[string]*typedstream.Body{
		"Plain":      {Text: "hello", Runs: []typedstream.Run{partRun(5, 0)}},
		"Empty":      {},
		"NoRuns":     {Text: "hello"},
		"Surrogates": {Text: "🅱️Bold", Runs: []typedstream.Run{partRun(3, 0), partRun(4, 1)}},
		"RepeatedID": {Text: "abc", Runs: []typedstream.Run{partRun(1, 0), partRun(1, 1), partRun(1, 0)}},
		"Values": {Text: "x", Runs: []typedstream.Run{partRun(1, -111, text("t", "v"),
			typedstream.Attribute{Name: "f", Value: typedstream.Value{Kind: typedstream.Float, Float: 1.5}},
			typedstream.Attribute{Name: "q", Value: typedstream.Value{Kind: typedstream.Int, Int: 1 << 40}},
			typedstream.Attribute{Name: "u", Value: typedstream.Value{Kind: typedstream.URL, Text: "https://x.org"}},
			typedstream.Attribute{Name: "d", Value: typedstream.Value{Kind: typedstream.Data, Data: data}},
			typedstream.Attribute{Name: "o", Value: typedstream.Value{}})}},
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			got, err := typedstream.Decode(typedstream.Encode(body))
			if err != nil {
				t.Fatal(err)
			}
			if got.Text != body.Text || len(got.Runs) != len(body.Runs) || len(body.Runs) > 0 && !reflect.DeepEqual(got.Runs, body.Runs) {
				t.Errorf("decoded %+v, want %+v", got, body)
			}
		})
	}
}

// Fault 4 of the reference pipeline: bodies over 32 KB were dropped, and texts cut at the word "NSString".
func TestDecode_LongBodies(t *testing.T) {
	for _, n := range []int{127, 128, 255, 32767, 32768, 65535, 65536, 200000} {
		want := strings.Repeat("x", n)
		got, err := typedstream.Decode(typedstream.Encode(&typedstream.Body{Text: want, Runs: []typedstream.Run{partRun(n, 0)}}))
		if err != nil || got.Text != want || got.Runs[0].Length != n {
			t.Errorf("%d bytes: decoded %d bytes, %v", n, len(got.Text), err)
		}
	}
}

func TestDecode_TextContainingClassNamesAndTags(t *testing.T) {
	for _, want := range []string{"an NSString, and NSDictionary", "\x86\u0084\x01+ streamtyped", "iI", "\x01+\x05hello"} {
		got, err := typedstream.Decode(typedstream.Encode(&typedstream.Body{Text: want, Runs: []typedstream.Run{partRun(typedstream.Length16(want), 0)}}))
		want := strings.ToValidUTF8(want, "\uFFFD")
		if err != nil || got.Text != want {
			t.Errorf("decoded %q (%v), want %q", got.Text, err, want)
		}
	}
}

// Past 110 objects references take another form than one byte below 0x80, past 237 three bytes.
func TestDecode_ReferencesBeyond110(t *testing.T) {
	for _, n := range []int{30, 60, 130, 1000} {
		body := &typedstream.Body{Text: strings.Repeat("ab", n)}
		for i := range n {
			body.Runs = append(body.Runs, partRun(1, int64(i), text("guid", fmt.Sprint("at_", i))), partRun(1, int64(i)))
		}
		got, err := typedstream.Decode(typedstream.Encode(body))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Runs, body.Runs) {
			t.Errorf("%d parts: runs differ", n)
		}
	}
}

func TestDecode_PlainStringRoot(t *testing.T) {
	got, err := typedstream.Decode(typedstream.EncodeString("just text"))
	if err != nil || got.Text != "just text" || len(got.Runs) != 0 {
		t.Errorf("decoded %+v, %v", got, err)
	}
}

// Classes, arrays, structs, selectors and floats that messages do not have must be stepped over.
func TestDecode_OtherClasses(t *testing.T) {
	archive := "\x04\x0bstreamtyped\x81\xe8\x03" +
		"\x84\x01@\x84\x84\x84\x12NSAttributedString\x00\x84\x84\x08NSObject\x00\x85" + // objects 0, 1, 2
		"\x92\x84\x84\x84\x08NSString\x01\x94\x84\x01+\x02hi\x86" + // 3, 4
		"\x84\x02iI\x01\x02\x92\x84\x84\x84\x0cNSDictionary\x00\x94\x84\x01i\x02" + // 5, 6
		"\x92\x84\x96\x96\x01k\x86" + // 7
		"\x92\x84\x84\x84\x07NSOther\x00\x94" + // 8, 9
		"\x84\x0a{_A=f[2s]}\x83\x00\x00\xc0\x3f\x01\x81\x00\x10" +
		"\x84\x04:%#@\x84\x03sel\x85\x96\x95\x86" +
		"\x92\x84\x96\x96\x01l\x86" +
		"\x92\x84\x84\x84\x08NSNumber\x00\x94\x84\x01*\x84\x84\x01d\xa0\x83\x00\x00\x00\x00\x00\x00\xf8\x3f\x86" +
		"\x86\x86"
	got, err := typedstream.Decode([]byte(archive))
	if err != nil {
		t.Fatal(err)
	}
	want := []typedstream.Attribute{{Name: "k"}, {Name: "l", Value: typedstream.Value{Kind: typedstream.Float, Float: 1.5}}}
	if got.Text != "hi" || len(got.Runs) != 1 || !reflect.DeepEqual(got.Runs[0].Attributes, want) {
		t.Errorf("decoded %+v", got)
	}
}

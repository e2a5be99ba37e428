package typedstream_test

import (
	"strings"
	"testing"

	"ventriloquist/internal/sources/imessage/typedstream"
)

func archive(text string) []byte {
	return typedstream.Encode(&typedstream.Body{Text: text, Runs: []typedstream.Run{partRun(typedstream.Length16(text), 0)}})
}

func TestScan_FindsTheTextOfADamagedArchive(t *testing.T) {
	long := strings.Repeat("long ", 100)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"CutAfterTheText": {archive("hello")[:len(archive("hello"))-40], "hello"},
		"NoHeader":        {archive("hello")[20:], "hello"},
		"LongText":        {archive(long)[:len(archive(long))-40], long},
		"HoldsTheEndMark": {archive("a \u0086\u0084 b")[5:], "a \u0086\u0084 b"},
		"WrongLength":     {[]byte("\x84\x01+\x50hello\x86\x84\x02iI"), "hello"},
		"ShortLength":     {[]byte("\x84\x01+\x02hello\x86\x84\x02iI"), "hello"},
		"WrongLongLength": {[]byte("\x84\x01+\x81\xff\x7fhello\x86\x84\x02iI"), "hello"},
		"InvalidUTF8":     {[]byte("\x84\x01+\x05he\xfflo\x86\x84\x02iI"), "he\uFFFDlo"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, found := typedstream.Scan(c.data); !found || got != c.want {
				t.Errorf("found %q (%v), want %q", got, found, c.want)
			}
		})
	}
}

func TestScan_FindsNothingRatherThanHalfAText(t *testing.T) {
	whole := archive("hello there")
	for n := range whole {
		if strings.Contains(string(whole[:n]), "hello there") {
			break
		}
		if got, found := typedstream.Scan(whole[:n]); found {
			t.Errorf("%d bytes: found %q", n, got)
		}
	}
}

// An archive that is cut anywhere is an error, never a text without its runs.
func TestDecode_RefusesACutArchive(t *testing.T) {
	whole := archive("hello there")
	for n := range whole {
		if body, err := typedstream.Decode(whole[:n]); err == nil {
			t.Errorf("%d bytes: decoded %+v", n, body)
		}
	}
}

func TestDecode_RefusesNonsense(t *testing.T) {
	head := "\x04\x0bstreamtyped\x81\xe8\x03"
	for name, data := range map[string]string{
		"OtherFormat":      "bplist00",
		"Empty":            "",
		"NoString":         head + "\x84\x01@\x84\x84\x84\x08NSObject\x00\x85\x86",
		"NilRoot":          head + "\x84\x01@\x85\x86",
		"BadReference":     head + "\x84\x01@\x99",
		"ClassAsObject":    head + "\x84\x01@\x84\x84\x84\x0cNSDictionary\x00\x85\x92\x93\x86",
		"ReservedTag":      head + "\x84\x01i\x90",
		"UnknownType":      head + "\x84\x01?\x00",
		"UnendedType":      head + "\x84\x02[3\x00",
		"HugeArray":        head + "\x84\x0c[2000000000i\x00",
		"EndlessNesting":   head + "\x84\x01@" + strings.Repeat("\x84\x85\x92", 100000),
		"EndlessClasses":   head + "\x84\x01@\x84" + strings.Repeat("\x84\x84\x01A\x00", 100000),
		"NegativeLength":   head + "\x84\x01+\xff",
		"LongTypeEncoding": head + "\x84\x81\xff\x7f" + strings.Repeat("i", 0x7fff),
	} {
		t.Run(name, func(t *testing.T) {
			if body, err := typedstream.Decode([]byte(data)); err == nil {
				t.Errorf("decoded %+v", body)
			}
		})
	}
}

// FuzzTypedstream decodes anything: it must not panic or hang, and what it decodes must survive encoding.
func FuzzTypedstream(f *testing.F) {
	f.Add(archive("hello"))
	f.Add(archive("🅱️ NSString"))
	f.Add(typedstream.EncodeString("plain"))
	f.Add([]byte("\x84\x01+\x50hello\x86\x84\x02iI"))
	f.Fuzz(func(t *testing.T, data []byte) {
		typedstream.Scan(data)
		body, err := typedstream.Decode(data)
		if err != nil {
			return
		}
		again, err := typedstream.Decode(typedstream.Encode(body))
		if err != nil || again.Text != body.Text || len(again.Runs) != len(body.Runs) {
			t.Fatalf("%+v was encoded, and decodes to %+v, %v", body, again, err)
		}
		for i := range body.Runs {
			if again.Runs[i].Length != body.Runs[i].Length || len(again.Runs[i].Attributes) != len(body.Runs[i].Attributes) {
				t.Fatalf("run %d: %+v was encoded, and decodes to %+v", i, body.Runs[i], again.Runs[i])
			}
		}
	})
}

// One decoder reads archive after archive and gives for each what a new one gives.
func TestDecoder_IsReused(t *testing.T) {
	var d typedstream.Decoder
	for _, text := range []string{"first", strings.Repeat("second ", 1000), "", "fourth"} {
		body, err := d.Decode(archive(text))
		if err != nil || body.Text != text || len(body.Runs) != 1 || body.Runs[0].Get(part).Kind != typedstream.Int {
			t.Errorf("decoded %+v, %v", body, err)
		}
		if _, err := d.Decode([]byte("nonsense")); err == nil {
			t.Error("nonsense was decoded")
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data := archive("see you at eight then")
	var d typedstream.Decoder
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "bodies/s")
}

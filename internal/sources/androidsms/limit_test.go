package androidsms_test

import (
	"fmt"
	"strings"
	"testing"

	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/usererr"
)

// mostAllocated is what a refused file may allocate. Its limit of 4 MiB is held several times while a buffer grows.
const mostAllocated = 64 << 20

func TestReader_RefusesAnAttributeOverTheLimit(t *testing.T) {
	path := sourcetest.Bomb(t, "<smses>\n<sms date='1710529320000' address='+1' type='1' body='", "x", 512)
	wantRefusal(t, path, ":2: ", "longer than 4 MiB")
}

func TestReader_RefusesTextOverTheLimit(t *testing.T) {
	for name, head := range map[string]string{"Text": "<smses>\n", "Directive": "<smses>\n<!DOCTYPE ", "Instruction": "<smses>\n<?x ", "Name": "<smses>\n<x"} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, sourcetest.Bomb(t, head, "x", 512), ":2: ", "longer than 4 MiB")
		})
	}
}

func TestReader_RefusesAMessageOverTheLimit(t *testing.T) {
	for name, c := range map[string]struct{ unit, want string }{
		"Parts":     {"<part text='a'/>", "more than 10000 parts"},
		"Addresses": {"<addr address='1'/>", "more than 10000 addresses"},
		"Others":    {"<other/>                ", "longer than 4 MiB"},
		"Depth":     {"<part>", "deeper than 64 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, sourcetest.Bomb(t, "<smses>\n<mms date='1' msg_box='1' address='+1'>", c.unit, 64), ":2: ", c.want)
		})
	}
}

func wantRefusal(t *testing.T, path, where, want string) {
	t.Helper()
	allocated := sourcetest.Allocated(func() {
		_, err := read(t, path)
		if err == nil || !strings.Contains(err.Error(), path+where) || !strings.Contains(err.Error(), want) || usererr.Of(err) == "" {
			t.Errorf("error %v, want %s", err, want)
		}
	})
	if allocated > mostAllocated {
		t.Errorf("%d MiB were allocated", allocated>>20)
	}
}

// The content of a file of any size is not in memory.
func TestReader_HoldsNoFileContents(t *testing.T) {
	path := sourcetest.Bomb(t, "<smses><mms date='1' msg_box='1' address='+1'><parts><part ct='image/png' cl='a.png' data='", "QUJD", 128)
	allocated := sourcetest.Allocated(func() {
		if s, err := read(t, path); err != nil || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "unexpected EOF") {
			t.Errorf("error %v", err)
		}
	})
	if allocated > 8<<20 {
		t.Errorf("%d MiB were allocated", allocated>>20)
	}
}

// What lies between messages may be of any size, as long as no single element is.
func TestReader_LimitsOnlyMessages(t *testing.T) {
	path := sourcetest.Bomb(t, "<smses>", "<other a='b'>text</other>\n", 6)
	if _, err := read(t, path); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("error %v", err)
	}
}

func TestReader_WorkGrowsLinearlyWithMembers(t *testing.T) {
	measure := func(n int) uint64 {
		var list strings.Builder
		for i := range n {
			fmt.Fprintf(&list, "+1%08d~", i)
		}
		path := write(t, "<smses><sms date='1710529320000' address='"+list.String()+"' type='1' body='x'/></smses>")
		return sourcetest.Allocated(func() {
			if s, err := read(t, path); err != nil || len(s.Messages[0].Chat.Members) != n {
				t.Errorf("error %v", err)
			}
		})
	}
	if few, many := measure(1_000), measure(4_000); many > 6*few {
		t.Errorf("%d and %d bytes were allocated", few, many)
	}
}

// A text with an entity that the file declares would be read as the name of the entity.
func TestReader_RefusesDeclaredEntities(t *testing.T) {
	var entities strings.Builder
	for i := range 9 {
		fmt.Fprintf(&entities, "<!ENTITY l%d \"%s\">\n", i+1, strings.Repeat(fmt.Sprintf("&l%d;", i), 10))
	}
	for name, content := range map[string]string{
		"Document":  "<!DOCTYPE smses [\n<!ENTITY l0 'lol'>\n" + entities.String() + "]>\n<smses count='1'><sms date='1710529320000' address='+1' type='1' body='&l9;'/></smses>",
		"External":  "<!DOCTYPE smses [\n<!ENTITY l9 SYSTEM 'file:///etc/passwd'>]>\n<smses count='1'><sms date='1710529320000' address='+1' type='1' body='&l9;'/></smses>",
		"Parameter": "<smses>\n<!ENTITY % p 'x'><sms date='1710529320000' address='+1' type='1' body='%p;'/></smses>",
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, sourcetest.Write(t, "sms.xml", content), ":2: ", "declares entities")
		})
	}
}

package imessage

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Bodies that Messages wrote, where they are at hand (they are not ours to copy), cut into parts.
func TestPieces_RealBodies(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "shared", "imessage", "typedstream")
	for name, want := range map[string][]string{
		"MultiPart.bin":            {"0 first", "1 test 1", "2 second", "3 test 2 ", "4 third", "5 test 3"},
		"MultiPartWithDeleted.bin": {"0 From arbitrary byte stream:\r", "1 first", "2 To native Rust data structures:\r"},
		"Attachment.bin":           {"0 first", "1 This is how the notes look to me fyi, in case it helps make sense of anything"},
		"Mention.bin":              {"0 Test Dad "},
		"EmojiBoldUnderline.bin":   {"0 🅱️Bold_Underline"},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				t.Skip("no real bodies beside this checkout")
			}
			files := []attachment{{guid: "a", name: "first"}, {guid: "b", name: "second"}, {guid: "c", name: "third"}}
			rd := reader{files: files[:count(want)]}
			list, _, _ := rd.parts(&row{body: body})
			var got []string
			for _, p := range list {
				got = append(got, string(rune('0'+p.Number))+" "+p.Text)
			}
			if !slices.Equal(got, want) {
				t.Errorf("parts are %q, want %q", got, want)
			}
		})
	}
}

// count is how many attachments a list of parts names.
func count(parts []string) (n int) {
	for _, p := range parts {
		if slices.Contains([]string{"first", "second", "third"}, p[2:]) {
			n++
		}
	}
	return n
}

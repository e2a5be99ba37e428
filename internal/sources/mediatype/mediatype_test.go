package mediatype_test

import (
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/mediatype"
)

// The MIME type counts before Apple's identifier, and that before the name.
func TestOf(t *testing.T) {
	for _, c := range []struct {
		mime, uti, name string
		want            messages.Kind
	}{
		{"image/heic", "", "a.pdf", messages.Image},
		{"Image/JPEG; name=x", "", "", messages.Image},
		{"text/x-vCard", "", "", messages.Contact},
		{"text/x-vlocation", "", "", messages.Location},
		{"text/plain", "", "a.jpg", messages.Document},
		{"application/octet-stream", "", "a.jpg", messages.File},
		{"", "com.apple.coreaudio-format", "a.jpg", messages.Audio},
		{"", "dyn.ah62d4rv4", "a.mov", messages.Video},
		{"", "", "PTT-20240315-WA0002.opus", messages.Audio},
		{"", "", "Place.loc.vcf", messages.Location},
		{"", "", "John.VCF", messages.Contact},
		{"", "", "Resume.pdf", messages.Document},
		{"", "", "noextension", messages.File},
		{"", "", "", messages.File},
	} {
		if got := mediatype.Of(c.mime, c.uti, c.name); got != c.want {
			t.Errorf("%q %q %q is %v, want %v", c.mime, c.uti, c.name, got, c.want)
		}
	}
}

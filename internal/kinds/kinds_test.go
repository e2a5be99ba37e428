package kinds_test

import (
	"testing"

	"ventriloquist/internal/kinds"
	"ventriloquist/internal/store"
)

// The MIME type counts before Apple's identifier, and that before the name.
func TestOf(t *testing.T) {
	for _, c := range []struct {
		mime, uti, name string
		want            store.Kind
	}{
		{"image/heic", "", "a.pdf", store.Image},
		{"Image/JPEG; name=x", "", "", store.Image},
		{"text/x-vCard", "", "", store.Contact},
		{"text/x-vlocation", "", "", store.Location},
		{"text/plain", "", "a.jpg", store.Document},
		{"application/octet-stream", "", "a.jpg", store.File},
		{"", "com.apple.coreaudio-format", "a.jpg", store.Audio},
		{"", "dyn.ah62d4rv4", "a.mov", store.Video},
		{"", "", "PTT-20240315-WA0002.opus", store.Audio},
		{"", "", "Place.loc.vcf", store.Location},
		{"", "", "John.VCF", store.Contact},
		{"", "", "Resume.pdf", store.Document},
		{"", "", "noextension", store.File},
		{"", "", "", store.File},
	} {
		if got := kinds.Of(c.mime, c.uti, c.name); got != c.want {
			t.Errorf("%q %q %q is %v, want %v", c.mime, c.uti, c.name, got, c.want)
		}
	}
}

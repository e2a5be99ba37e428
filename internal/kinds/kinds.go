// Package kinds tells what an attachment is: an image, a document, a contact.
//
// What enters: what a source says of the attachment, its MIME type, Apple's uniform type identifier, its file name. What
// leaves: the store's kind. It must not look at the file itself, which may not be there.
package kinds

import (
	"path"
	"strings"

	"ventriloquist/internal/store"
)

// Of is the type of an attachment by its MIME type, else its uniform type identifier, else its name's extension.
func Of(mime, uti, name string) store.Kind {
	mime, _, _ = strings.Cut(strings.ToLower(mime), ";")
	if mime = strings.TrimSpace(mime); mime != "" {
		return match(mimeKinds, mime)
	}
	// dyn.… are identifiers that the system makes up for extensions that it does not know.
	if uti = strings.ToLower(strings.TrimSpace(uti)); uti != "" && !strings.HasPrefix(uti, "dyn.") {
		return match(utiKinds, uti)
	}
	name = strings.ToLower(name)
	if strings.HasSuffix(name, ".loc.vcf") {
		return store.Location
	}
	if kind, known := extensionKinds[path.Ext(name)]; known {
		return kind
	}
	return store.File
}

// rule gives a kind to names that begin so.
type rule struct {
	prefix string
	kind   store.Kind
}

// match returns the kind of the first rule that fits; a file is what none fits.
func match(rules []rule, name string) store.Kind {
	for _, r := range rules {
		if strings.HasPrefix(name, r.prefix) {
			return r.kind
		}
	}
	return store.File
}

var mimeKinds = []rule{
	{"image/", store.Image}, {"video/", store.Video}, {"audio/", store.Audio},
	{"text/x-vlocation", store.Location}, {"text/vlocation", store.Location},
	{"text/vcard", store.Contact}, {"text/x-vcard", store.Contact}, {"text/directory", store.Contact},
	{"text/", store.Document}, {"application/pdf", store.Document}, {"application/x-pdf", store.Document},
	{"application/rtf", store.Document}, {"application/msword", store.Document}, {"application/vnd.ms-word", store.Document},
	{"application/vnd.ms-excel", store.Document}, {"application/vnd.ms-powerpoint", store.Document},
	{"application/msexcel", store.Document}, {"application/mspowerpoint", store.Document},
	{"application/vnd.openxmlformats-officedocument", store.Document}, {"application/vnd.oasis.opendocument", store.Document},
	{"application/vnd.apple.pages", store.Document}, {"application/vnd.apple.numbers", store.Document},
	{"application/vnd.apple.keynote", store.Document}, {"application/x-iwork", store.Document},
	{"application/vnd.apple.iwork", store.Document},
}

var utiKinds = []rule{
	{"public.vcard", store.Contact}, {"public.contact", store.Contact},
	{"public.vlocation", store.Location}, {"com.apple.mapkit.map-item", store.Location},

	{"public.image", store.Image}, {"public.jpeg", store.Image}, {"public.png", store.Image}, {"public.heic", store.Image},
	{"public.heif", store.Image}, {"public.tiff", store.Image}, {"public.svg-image", store.Image}, {"public.webp", store.Image},
	{"public.avif", store.Image}, {"public.camera-raw-image", store.Image}, {"com.compuserve.gif", store.Image},
	{"com.microsoft.bmp", store.Image}, {"com.microsoft.ico", store.Image}, {"com.apple.icns", store.Image},
	{"org.webmproject.webp", store.Image}, {"com.google.webp", store.Image}, {"com.adobe.raw-image", store.Image},
	{"com.apple.private.auto-loop-gif", store.Image}, {"com.adobe.photoshop-image", store.Image},

	{"public.mpeg-4-audio", store.Audio}, {"public.audio", store.Audio}, {"public.mp3", store.Audio},
	{"public.mp2", store.Audio}, {"public.aac-audio", store.Audio}, {"public.aiff", store.Audio}, {"public.aifc", store.Audio},
	{"public.ulaw-audio", store.Audio}, {"public.au-audio", store.Audio}, {"public.enhanced-ac3-audio", store.Audio},
	{"public.ac3-audio", store.Audio}, {"com.apple.coreaudio-format", store.Audio}, {"com.apple.m4a-audio", store.Audio},
	{"com.apple.protected-mpeg-4-audio", store.Audio}, {"com.apple.mpeg-4-ringtone", store.Audio},
	{"com.microsoft.waveform-audio", store.Audio}, {"com.microsoft.windows-media-wma", store.Audio},
	{"org.3gpp.adaptive-multi-rate-audio", store.Audio}, {"org.xiph.flac", store.Audio}, {"org.xiph.ogg-audio", store.Audio},
	{"public.midi-audio", store.Audio},

	{"public.movie", store.Video}, {"public.video", store.Video}, {"public.mpeg", store.Video}, {"public.avi", store.Video},
	{"public.3gpp", store.Video}, {"com.apple.quicktime-movie", store.Video}, {"com.apple.m4v-video", store.Video},
	{"com.apple.protected-mpeg-4-video", store.Video}, {"com.microsoft.windows-media-wmv", store.Video},
	{"org.webmproject.webm", store.Video}, {"org.matroska.mkv", store.Video},

	{"com.adobe.pdf", store.Document}, {"public.plain-text", store.Document}, {"public.text", store.Document},
	{"public.utf8", store.Document}, {"public.utf16", store.Document}, {"public.rtf", store.Document},
	{"public.html", store.Document}, {"public.xml", store.Document}, {"public.comma-separated-values-text", store.Document},
	{"public.tab-separated-values-text", store.Document}, {"public.delimited-values-text", store.Document},
	{"public.source-code", store.Document}, {"public.script", store.Document}, {"public.log", store.Document},
	{"net.daringfireball.markdown", store.Document}, {"com.apple.rtfd", store.Document}, {"com.apple.flat-rtfd", store.Document},
	{"com.apple.ical.ics", store.Document}, {"com.apple.log", store.Document}, {"com.apple.iwork", store.Document},
	{"com.apple.pages", store.Document}, {"com.apple.numbers", store.Document}, {"com.apple.keynote", store.Document},
	{"com.microsoft.word", store.Document}, {"com.microsoft.excel", store.Document}, {"com.microsoft.powerpoint", store.Document},
	{"org.openxmlformats", store.Document}, {"org.oasis-open.opendocument", store.Document},
}

// extensions lists the extensions of each kind.
var extensions = map[store.Kind]string{
	store.Image: "jpg jpeg png gif heic heif heics tif tiff bmp webp avif svg ico dng raw",
	store.Video: "mov mp4 m4v avi 3gp 3g2 3gpp mpg mpeg wmv webm mkv",
	store.Audio: "caf m4a mp3 wav aac amr aif aiff aifc flac ogg oga opus m4r wma mid midi",
	store.Document: "pdf txt text rtf rtfd html htm xml csv tsv md log ics doc docx docm dot dotx xls xlsx xlsm ppt pptx pptm pps ppsx " +
		"odt ods odp pages numbers key keynote",
	store.Contact: "vcf vcard",
}

var extensionKinds = func() map[string]store.Kind {
	kinds := make(map[string]store.Kind)
	for kind, list := range extensions {
		for _, extension := range strings.Fields(list) {
			kinds["."+extension] = kind
		}
	}
	return kinds
}()

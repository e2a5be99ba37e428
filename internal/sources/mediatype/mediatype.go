// Package mediatype classifies attachments: an image, a document, a contact.
//
// In: what a source states about the attachment: its MIME type, Apple's uniform type identifier, its file name. Out: the
// store's kind. It must not look at the file itself, which may not exist.
package mediatype

import (
	"path"
	"strings"

	"ventriloquist/internal/messages"
)

// Of returns the type of an attachment by its MIME type, else its uniform type identifier, else its name's extension.
func Of(mime, uti, name string) messages.Kind {
	mime, _, _ = strings.Cut(strings.ToLower(mime), ";")
	if mime = strings.TrimSpace(mime); mime != "" {
		return match(mimeKinds, mime)
	}
	// The system makes up dyn.… identifiers for extensions that it does not know.
	if uti = strings.ToLower(strings.TrimSpace(uti)); uti != "" && !strings.HasPrefix(uti, "dyn.") {
		return match(utiKinds, uti)
	}
	name = strings.ToLower(name)
	if strings.HasSuffix(name, ".loc.vcf") {
		return messages.Location
	}
	if kind, known := extensionKinds[path.Ext(name)]; known {
		return kind
	}
	return messages.File
}

// rule assigns a kind to names with a prefix.
type rule struct {
	prefix string
	kind   messages.Kind
}

// match returns the kind of the first rule that fits, or a file if none does.
func match(rules []rule, name string) messages.Kind {
	for _, r := range rules {
		if strings.HasPrefix(name, r.prefix) {
			return r.kind
		}
	}
	return messages.File
}

var mimeKinds = []rule{
	{"image/", messages.Image}, {"video/", messages.Video}, {"audio/", messages.Audio},
	{"text/x-vlocation", messages.Location}, {"text/vlocation", messages.Location},
	{"text/vcard", messages.Contact}, {"text/x-vcard", messages.Contact}, {"text/directory", messages.Contact},
	{"text/", messages.Document}, {"application/pdf", messages.Document}, {"application/x-pdf", messages.Document},
	{"application/rtf", messages.Document}, {"application/msword", messages.Document}, {"application/vnd.ms-word", messages.Document},
	{"application/vnd.ms-excel", messages.Document}, {"application/vnd.ms-powerpoint", messages.Document},
	{"application/msexcel", messages.Document}, {"application/mspowerpoint", messages.Document},
	{"application/vnd.openxmlformats-officedocument", messages.Document}, {"application/vnd.oasis.opendocument", messages.Document},
	{"application/vnd.apple.pages", messages.Document}, {"application/vnd.apple.numbers", messages.Document},
	{"application/vnd.apple.keynote", messages.Document}, {"application/x-iwork", messages.Document},
	{"application/vnd.apple.iwork", messages.Document},
}

var utiKinds = []rule{
	{"public.vcard", messages.Contact}, {"public.contact", messages.Contact},
	{"public.vlocation", messages.Location}, {"com.apple.mapkit.map-item", messages.Location},

	{"public.image", messages.Image}, {"public.jpeg", messages.Image}, {"public.png", messages.Image}, {"public.heic", messages.Image},
	{"public.heif", messages.Image}, {"public.tiff", messages.Image}, {"public.svg-image", messages.Image}, {"public.webp", messages.Image},
	{"public.avif", messages.Image}, {"public.camera-raw-image", messages.Image}, {"com.compuserve.gif", messages.Image},
	{"com.microsoft.bmp", messages.Image}, {"com.microsoft.ico", messages.Image}, {"com.apple.icns", messages.Image},
	{"org.webmproject.webp", messages.Image}, {"com.google.webp", messages.Image}, {"com.adobe.raw-image", messages.Image},
	{"com.apple.private.auto-loop-gif", messages.Image}, {"com.adobe.photoshop-image", messages.Image},

	{"public.mpeg-4-audio", messages.Audio}, {"public.audio", messages.Audio}, {"public.mp3", messages.Audio},
	{"public.mp2", messages.Audio}, {"public.aac-audio", messages.Audio}, {"public.aiff", messages.Audio}, {"public.aifc", messages.Audio},
	{"public.ulaw-audio", messages.Audio}, {"public.au-audio", messages.Audio}, {"public.enhanced-ac3-audio", messages.Audio},
	{"public.ac3-audio", messages.Audio}, {"com.apple.coreaudio-format", messages.Audio}, {"com.apple.m4a-audio", messages.Audio},
	{"com.apple.protected-mpeg-4-audio", messages.Audio}, {"com.apple.mpeg-4-ringtone", messages.Audio},
	{"com.microsoft.waveform-audio", messages.Audio}, {"com.microsoft.windows-media-wma", messages.Audio},
	{"org.3gpp.adaptive-multi-rate-audio", messages.Audio}, {"org.xiph.flac", messages.Audio}, {"org.xiph.ogg-audio", messages.Audio},
	{"public.midi-audio", messages.Audio},

	{"public.movie", messages.Video}, {"public.video", messages.Video}, {"public.mpeg", messages.Video}, {"public.avi", messages.Video},
	{"public.3gpp", messages.Video}, {"com.apple.quicktime-movie", messages.Video}, {"com.apple.m4v-video", messages.Video},
	{"com.apple.protected-mpeg-4-video", messages.Video}, {"com.microsoft.windows-media-wmv", messages.Video},
	{"org.webmproject.webm", messages.Video}, {"org.matroska.mkv", messages.Video},

	{"com.adobe.pdf", messages.Document}, {"public.plain-text", messages.Document}, {"public.text", messages.Document},
	{"public.utf8", messages.Document}, {"public.utf16", messages.Document}, {"public.rtf", messages.Document},
	{"public.html", messages.Document}, {"public.xml", messages.Document}, {"public.comma-separated-values-text", messages.Document},
	{"public.tab-separated-values-text", messages.Document}, {"public.delimited-values-text", messages.Document},
	{"public.source-code", messages.Document}, {"public.script", messages.Document}, {"public.log", messages.Document},
	{"net.daringfireball.markdown", messages.Document}, {"com.apple.rtfd", messages.Document}, {"com.apple.flat-rtfd", messages.Document},
	{"com.apple.ical.ics", messages.Document}, {"com.apple.log", messages.Document}, {"com.apple.iwork", messages.Document},
	{"com.apple.pages", messages.Document}, {"com.apple.numbers", messages.Document}, {"com.apple.keynote", messages.Document},
	{"com.microsoft.word", messages.Document}, {"com.microsoft.excel", messages.Document}, {"com.microsoft.powerpoint", messages.Document},
	{"org.openxmlformats", messages.Document}, {"org.oasis-open.opendocument", messages.Document},
}

// extensions lists the extensions of each kind.
var extensions = map[messages.Kind]string{
	messages.Image: "jpg jpeg png gif heic heif heics tif tiff bmp webp avif svg ico dng raw",
	messages.Video: "mov mp4 m4v avi 3gp 3g2 3gpp mpg mpeg wmv webm mkv",
	messages.Audio: "caf m4a mp3 wav aac amr aif aiff aifc flac ogg oga opus m4r wma mid midi",
	messages.Document: "pdf txt text rtf rtfd html htm xml csv tsv md log ics doc docx docm dot dotx xls xlsx xlsm ppt pptx pptm pps ppsx " +
		"odt ods odp pages numbers key keynote",
	messages.Contact: "vcf vcard",
}

var extensionKinds = func() map[string]messages.Kind {
	kinds := make(map[string]messages.Kind)
	for kind, list := range extensions {
		for _, extension := range strings.Fields(list) {
			kinds["."+extension] = kind
		}
	}
	return kinds
}()

package describe

import (
	"bytes"
	"encoding/binary"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"ventriloquist/internal/messages"
)

// headSize is the number of bytes read to detect a format.
const headSize = 4096

// Formats that are named here; all are MIME types.
const (
	jpegFormat = "image/jpeg"
	pngFormat  = "image/png"
	heicFormat = "image/heic"
	avifFormat = "image/avif"
	cafFormat  = "audio/x-caf"
	m4aFormat  = "audio/mp4"
	amrFormat  = "audio/amr"
	wavFormat  = "audio/wav"
	flacFormat = "audio/flac"
	aacFormat  = "audio/aac"
	mp3Format  = "audio/mp3"
	movFormat  = "video/quicktime"
	mp4Format  = "video/mp4"
	pdfFormat  = "application/pdf"
	textFormat = "text/plain"
)

// magics are the first bytes of formats.
var magics = []struct{ begins, format string }{
	{"\xFF\xD8\xFF", jpegFormat}, {"\x89PNG\r\n\x1a\n", pngFormat}, {"GIF8", "image/gif"}, {"BM", "image/bmp"},
	{"II*\x00", "image/tiff"}, {"MM\x00*", "image/tiff"},
	{"caff", cafFormat}, {"#!AMR", amrFormat}, {"fLaC", flacFormat}, {"OggS", "audio/ogg"}, {"ID3", mp3Format},
	{"\x1aE\xdf\xa3", "video/webm"}, {"\x00\x00\x01\xba", "video/mpeg"}, {"FLV\x01", "video/x-flv"}, {"0&\xb2u", "video/x-ms-asf"},
	{"%PDF-", pdfFormat},
}

// brands are the formats of ISO base media files (ISO/IEC 14496-12), by the brand after "ftyp".
var brands = map[string]string{
	"heic": heicFormat, "heix": heicFormat, "heim": heicFormat, "heis": heicFormat, "hevc": heicFormat, "hevx": heicFormat,
	"avif": avifFormat, "avis": avifFormat, "M4A ": m4aFormat, "M4B ": m4aFormat, "qt  ": movFormat,
}

// formatOf detects a file's format by its first bytes, and by its name where these are ambiguous; "" cannot be described.
func formatOf(head []byte, name string) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.begins)) && (m.format != "image/bmp" || len(head) > 14 && head[6]|head[7]|head[8]|head[9] == 0) {
			return m.format
		}
	}
	switch {
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		return isoFormat(head, name)
	case len(head) >= 12 && string(head[:4]) == "RIFF":
		return map[string]string{"WEBP": "image/webp", "WAVE": wavFormat, "AVI ": "video/x-msvideo"}[string(head[8:12])]
	case len(head) >= 12 && string(head[:4]) == "FORM" && (string(head[8:12]) == "AIFF" || string(head[8:12]) == "AIFC"):
		return "audio/aiff"
	case len(head) >= 8 && (string(head[4:8]) == "moov" || string(head[4:8]) == "mdat" || string(head[4:8]) == "wide" || string(head[4:8]) == "free"):
		return movFormat
	case len(head) >= 2 && head[0] == 0xFF && head[1]&0xF6 == 0xF0:
		return aacFormat
	case len(head) >= 2 && head[0] == 0xFF && head[1]&0xE0 == 0xE0 && head[1]&0x06 != 0:
		return mp3Format
	case isText(head) && isTextName(name):
		return textFormat
	}
	return ""
}

// isoFormat distinguishes MP4, QuickTime, HEIF and AVIF.
func isoFormat(head []byte, name string) string {
	size := min(int(binary.BigEndian.Uint32(head)), len(head))
	if format, known := brands[string(head[8:12])]; known {
		return format
	}
	for at := 16; at+4 <= size; at += 4 { // the compatible brands
		if format := brands[string(head[at:at+4])]; format == heicFormat || format == avifFormat {
			return format
		}
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".m4a", ".m4b", ".m4r":
		return m4aFormat
	case ".3gp", ".3g2", ".3gpp":
		return "video/3gpp"
	case ".heic", ".heif":
		return heicFormat
	}
	if major := string(head[8:12]); major == "mif1" || major == "msf1" { // some picture
		return heicFormat
	}
	return mp4Format
}

// isText reports whether head, which may end within a character, is text.
func isText(head []byte) bool {
	for range utf8.UTFMax - 1 {
		if utf8.Valid(head) || len(head) == 0 {
			break
		}
		head = head[:len(head)-1]
	}
	control := func(c byte) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' || c == 0x7F }
	return len(head) > 0 && utf8.Valid(head) && !slices.ContainsFunc(head, control)
}

// isTextName excludes texts that are not prose: web pages, cards, calendars, programs.
func isTextName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".txt", ".text", ".md", ".markdown", ".csv", ".tsv", ".log", "":
		return true
	}
	return false
}

// kindOf returns the kind of an attachment in a format.
func kindOf(format string) messages.Kind {
	family, _, _ := strings.Cut(format, "/")
	switch family {
	case "image":
		return messages.Image
	case "video":
		return messages.Video
	case "audio":
		return messages.Audio
	case "":
		return messages.File
	}
	return messages.Document
}

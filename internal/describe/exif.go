package describe

import (
	"bytes"
	"encoding/binary"
	"io"

	"ventriloquist/internal/regularfile"
)

// The markers of JPEG segments (ITU-T T.81, B.1.1.3).
const (
	startOfImage = 0xD8
	endOfImage   = 0xD9
	startOfScan  = 0xDA
	firstRestart = 0xD0 // of eight
	app0         = 0xE0 // JFIF
	app1         = 0xE1 // Exif: location, camera, orientation; XMP
	app2         = 0xE2 // color profile
	app14        = 0xEE // Adobe: color encoding
	app15        = 0xEF
	comment      = 0xFE
)

// clean copies a JPEG without the metadata on where, when and with what it was taken, but with its orientation.
func clean(path, out string) ([]Medium, error) {
	data, err := regularfile.Read(path, largestJPEG)
	if err != nil {
		return nil, errDamaged
	}
	cleaned, ok := withoutMetadata(data)
	if !ok {
		return nil, errDamaged
	}
	if err := writePrivate(out, func(w io.Writer) error { _, err := w.Write(cleaned); return err }); err != nil {
		return nil, err
	}
	return file(jpegFormat, out)
}

// withoutMetadata returns a JPEG without its metadata segments, and without what follows the image, where cameras put videos and
// other pictures.
func withoutMetadata(data []byte) (cleaned []byte, ok bool) {
	if len(data) < 4 || data[0] != 0xFF || data[1] != startOfImage {
		return nil, false
	}
	cleaned = make([]byte, 0, len(data))
	cleaned = append(cleaned, 0xFF, startOfImage)
	if turned := orientation(data); turned > 1 {
		cleaned = append(cleaned, exifWith(turned)...)
	}
	scanned := false
	for at := 2; at+2 <= len(data); {
		marker := data[at+1]
		switch {
		case data[at] != 0xFF:
			return nil, false
		case marker == 0xFF: // padding
			at++
			continue
		case marker == endOfImage:
			return append(cleaned, 0xFF, endOfImage), scanned
		case at+4 > len(data):
			return cleaned, scanned
		}
		end := at + 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		if end > len(data) || end < at+4 {
			return cleaned, scanned
		}
		if marker == startOfScan {
			scanned = true
			end = scanEnd(data, end)
		}
		if !isMetadata(marker, data[at+4:end]) {
			cleaned = append(cleaned, data[at:end]...)
		}
		at = end
	}
	return cleaned, scanned // a truncated picture is still one
}

// scanEnd returns the end of the coded data at a position: the next marker that is neither a stuffed byte nor a restart.
func scanEnd(data []byte, at int) int {
	for ; at+1 < len(data); at++ {
		if data[at] == 0xFF && data[at+1] != 0 && data[at+1] != 0xFF && data[at+1]&0xF8 != firstRestart {
			return at
		}
	}
	return len(data)
}

// isMetadata reports whether a segment is not needed to show the picture.
func isMetadata(marker byte, content []byte) bool {
	switch marker {
	case app0, app14:
		return false
	case app2:
		return !bytes.HasPrefix(content, []byte("ICC_PROFILE\x00"))
	case comment:
		return true
	}
	return marker >= app1 && marker <= app15
}

// orientationTag is the Exif orientation, a number from 1 (upright) to 8 (Exif 2.32, 4.6.4).
const orientationTag = 0x0112

// orientation returns the orientation of a JPEG; 1 if it has none.
func orientation(data []byte) uint16 {
	for at := 2; at+10 <= len(data) && data[at] == 0xFF && data[at+1] != startOfScan; {
		end := at + 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		if end > len(data) {
			return 1
		}
		if data[at+1] == app1 && end >= at+10 && string(data[at+4:at+10]) == "Exif\x00\x00" {
			return tiffOrientation(data[at+10 : end])
		}
		at = end
	}
	return 1
}

// tiffOrientation reads the orientation from the first directory of a TIFF.
func tiffOrientation(tiff []byte) uint16 {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if string(tiff[:2]) == "MM" {
		order = binary.BigEndian
	}
	at := int(order.Uint32(tiff[4:]))
	if at < 8 || at+2 > len(tiff) {
		return 1
	}
	entries := int(order.Uint16(tiff[at:]))
	const entrySize = 12
	for at += 2; entries > 0 && at+entrySize <= len(tiff); at, entries = at+entrySize, entries-1 {
		if order.Uint16(tiff[at:]) == orientationTag {
			if turned := order.Uint16(tiff[at+8:]); turned >= 1 && turned <= 8 {
				return turned
			}
			return 1
		}
	}
	return 1
}

// exifWith returns an Exif segment with only the orientation.
func exifWith(turned uint16) []byte {
	segment := []byte{0xFF, app1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1}
	segment = binary.BigEndian.AppendUint16(segment, orientationTag)
	segment = append(segment, 0, 3, 0, 0, 0, 1) // one value of type SHORT
	segment = binary.BigEndian.AppendUint16(segment, turned)
	return append(segment, 0, 0, 0, 0, 0, 0)
}

package describe

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"ventriloquist/internal/lines"
	"ventriloquist/internal/regularfile"
)

// How much of a PDF is shown to a model that does not accept PDFs.
const (
	pagesAsText     = "10"
	pagesAsPictures = "3"
)

// textOf returns the beginning of a text document.
func textOf(path string) ([]Medium, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errDamaged
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestText))
	if err != nil {
		return nil, errDamaged
	}
	return asWords(text)
}

func asWords(text []byte) ([]Medium, error) {
	text = lines.WithoutMark(text)
	for len(text) > 0 && !utf8.Valid(text[max(0, len(text)-utf8.UTFMax):]) && len(text) == longestText {
		text = text[:len(text)-1] // the last character was cut
	}
	content := strings.TrimSpace(strings.ToValidUTF8(string(text), ""))
	if content == "" {
		return nil, errDamaged
	}
	return []Medium{{Format: textFormat, Text: content, Size: int64(len(content))}}, nil
}

// document prepares a PDF: as it is, as text, or as pictures of its pages.
func (p *preparer) document(ctx context.Context, path, dir string) ([]Medium, error) {
	if p.takes.Formats[pdfFormat] {
		return file(pdfFormat, path)
	}
	media, err := p.pdfWords(ctx, path, dir)
	if err == nil || ctx.Err() != nil {
		return media, err
	}
	media, pageErr := p.pdfPages(ctx, path, dir)
	if pageErr != nil {
		return nil, errors.Join(ctx.Err(), pageErr)
	}
	return media, nil
}

// errNoWords is the error of a PDF without text, such as a scan.
var errNoWords = errors.New("no text")

func (p *preparer) pdfWords(ctx context.Context, path, dir string) ([]Medium, error) {
	if p.tools.PDFToText == "" {
		return nil, errNoWords
	}
	out := filepath.Join(dir, "words.txt")
	if err := run(ctx, p.tools.PDFToText, out, "-q", "-enc", "UTF-8", "-l", pagesAsText, path, out); err != nil {
		return nil, err
	}
	text, err := textOf(out)
	if err == nil && len(strings.Fields(text[0].Text)) < 10 {
		return nil, errNoWords
	}
	return text, err
}

// pdfPages renders the first pages.
func (p *preparer) pdfPages(ctx context.Context, path, dir string) ([]Medium, error) {
	switch {
	case p.tools.PDFToPPM != "":
		if err := run(ctx, p.tools.PDFToPPM, "", "-q", "-jpeg", "-scale-to", "1600", "-l", pagesAsPictures, path, filepath.Join(dir, "page")); err != nil {
			return nil, err
		}
		return pictures(regularfile.Glob(dir, "page*.jpg"))
	case p.tools.Sips != "":
		out := filepath.Join(dir, "page.jpg")
		if err := p.sips(ctx, path, out); err != nil {
			return nil, err
		}
		return pictures([]string{out})
	}
	return nil, &MissingTool{"PDFs without words, such as scans,", "poppler (pdftoppm) with this server; a Mac has sips"}
}

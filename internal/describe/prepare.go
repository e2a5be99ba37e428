package describe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/regularfile"
)

// preparer converts files to what a service accepts.
type preparer struct {
	takes    Accepted
	tools    Tools
	decoding sync.Mutex
}

// errUnknownForm is the error of a file in a format that cannot be described.
var errUnknownForm = errors.New("its file is in a format that cannot be described")

// checkTools returns an error if the installed programs cannot prepare files of a format. The error names what is missing.
func (p *preparer) checkTools(format string) error {
	t := &p.tools
	missing := func(what, want string, paths ...string) error {
		if slices.ContainsFunc(paths, func(path string) bool { return path != "" }) {
			return nil
		}
		return &MissingTool{what, want}
	}
	switch kind := kindOf(format); {
	case format == "":
		return errUnknownForm
	case p.takes.Formats[format] || format == textFormat || decodable[format]:
		return nil
	case kind == messages.Image:
		return missing("HEIC and AVIF pictures", "libheif (heif-convert) or ffmpeg; a Mac has sips", t.Sips, t.HEIF, t.FFmpeg)
	case kind == messages.Audio:
		return missing("voice messages in this format (CAF, M4A, AMR)", "ffmpeg; a Mac has afconvert", t.FFmpeg, t.AFConvert)
	case kind == messages.Video:
		return missing("videos", "ffmpeg", t.FFmpeg)
	case format == pdfFormat:
		return missing("PDFs", "poppler (pdftotext, pdftoppm) with this server; a Mac has sips", t.PDFToText, t.PDFToPPM, t.Sips)
	}
	return errUnknownForm
}

// prepare makes the request for a file. It writes temporary files to dir, which the caller removes.
func (p *preparer) prepare(ctx context.Context, path, format, dir string) (*Request, error) {
	if err := p.checkTools(format); err != nil {
		return nil, err
	}
	r := &Request{Kind: kindOf(format)}
	var err error
	switch {
	case format == textFormat:
		r.Media, err = textOf(path)
	case r.Kind == messages.Image:
		r.Media, err = p.picture(ctx, path, format, dir)
	case r.Kind == messages.Audio:
		r.Media, err = p.sound(ctx, path, format, dir)
	case r.Kind == messages.Video && p.takes.Video:
		r.Media, err = p.video(ctx, path, format, dir)
	case r.Kind == messages.Video:
		r.Frames = true
		r.Media, err = p.frames(ctx, path, dir)
	default:
		r.Media, err = p.document(ctx, path, dir)
	}
	return r, err
}

// file returns a medium for a file.
func file(format, path string) ([]Medium, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errDamaged
	}
	if info.Size() == 0 {
		return nil, errDamaged
	}
	return []Medium{{Format: format, Path: path, Size: info.Size()}}, nil
}

// sound converts a whole voice message to what the service accepts.
func (p *preparer) sound(ctx context.Context, path, format, dir string) ([]Medium, error) {
	if p.takes.Formats[format] {
		return file(format, path)
	}
	var err error
	out, made := filepath.Join(dir, "sound.wav"), wavFormat
	// A small file may hold years of silence. ffmpeg stops a little after this size, so that the result is too large for the service.
	largest := fmt.Sprint(p.takes.Largest + 1<<20)
	switch {
	case p.tools.FFmpeg == "":
		err = run(ctx, p.tools.AFConvert, out, "-f", "WAVE", "-d", "LEI16@16000", "-c", "1", path, out)
	case p.takes.Sound == flacFormat:
		out, made = filepath.Join(dir, "sound.flac"), flacFormat
		err = p.tools.ffmpeg(ctx, 0, path, out, "-map", "0:a:0", "-map_metadata", "-1", "-ac", "1", "-ar", "16000", "-c:a", "flac", "-fs", largest, "-f", "flac")
	default:
		err = p.tools.ffmpeg(ctx, 0, path, out, "-map", "0:a:0", "-map_metadata", "-1", "-ac", "1", "-ar", "16000", "-c:a", "pcm_s16le", "-fs", largest, "-f", "wav")
	}
	if err != nil {
		return nil, err
	}
	return file(made, out)
}

// video cuts out the beginning of a video if ffmpeg is installed. Otherwise the whole video is sent, and the prompt asks about
// the beginning.
func (p *preparer) video(ctx context.Context, path, format, dir string) ([]Medium, error) {
	if p.tools.FFmpeg != "" {
		out := filepath.Join(dir, "beginning.mp4")
		err := p.tools.ffmpeg(ctx, videoLength, path, out, "-map", "0:v:0", "-map", "0:a:0?", "-map_metadata", "-1", "-c", "copy",
			"-movflags", "+faststart", "-f", "mp4")
		if err == nil {
			return file(mp4Format, out)
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
	if !p.takes.Formats[format] {
		return nil, errDamaged
	}
	return file(format, path)
}

// Frames that stand for a video: one every few seconds of its beginning.
const (
	frameEvery = 3 * time.Second
	frameWidth = "scale=w='min(768,iw)':h=-2"
)

// frames extracts frames from the beginning of a video.
func (p *preparer) frames(ctx context.Context, path, dir string) ([]Medium, error) {
	pattern := filepath.Join(dir, "frame%d.jpg")
	rate := fmt.Sprintf("fps=1/%g:round=up,%s", frameEvery.Seconds(), frameWidth)
	take := func(args ...string) error {
		args = append(args, "-an", "-map_metadata", "-1", "-q:v", "4", "-f", "image2")
		return p.tools.ffmpegImages(ctx, videoLength, path, pattern, args...)
	}
	err := take("-vf", rate, "-frames:v", fmt.Sprint(int(videoLength/frameEvery)))
	found := regularfile.Glob(dir, "frame*.jpg")
	if err == nil && len(found) == 0 { // shorter than the time between two frames
		err = take("-vf", frameWidth, "-frames:v", "1")
		found = regularfile.Glob(dir, "frame*.jpg")
	}
	if err != nil {
		return nil, err
	}
	return pictures(found)
}

// pictures returns JPEGs that a program made.
func pictures(paths []string) ([]Medium, error) {
	if len(paths) == 0 {
		return nil, errDamaged
	}
	slices.Sort(paths)
	var media []Medium
	for _, path := range paths {
		if err := makePrivate(path); err != nil {
			return nil, err
		}
		medium, err := file(jpegFormat, path)
		if err != nil {
			return nil, err
		}
		media = append(media, medium...)
	}
	return media, nil
}

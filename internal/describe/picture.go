package describe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // decoders of formats that models do not accept
	"image/jpeg"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	_ "golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// decodable are picture formats that are converted to JPEG without another program.
var decodable = map[string]bool{"image/gif": true, "image/bmp": true, "image/tiff": true, "image/webp": true}

const (
	longestSide = 2048            // of a picture made for a model, in pixels
	mostPixels  = 100 << 20       // of a picture to decode
	largestJPEG = int64(64) << 20 // of a JPEG that is read into memory
	quality     = 88              // of the JPEGs that are written
)

// errTooLarge is the error of a picture that would fill the memory.
var errTooLarge = fmt.Errorf("the picture has more than %d million pixels", mostPixels/1_000_000)

// picture converts a picture to what the service accepts.
func (p *preparer) picture(ctx context.Context, path, format, dir string) ([]Medium, error) {
	out := filepath.Join(dir, "picture.jpg")
	switch {
	case format == jpegFormat:
		return clean(path, out)
	case p.takes.Formats[format]:
		return file(format, path)
	case decodable[format]:
		if err := p.asJPEG(path, out); err != nil {
			return nil, err
		}
		return file(jpegFormat, out)
	}
	made := filepath.Join(dir, "converted.jpg")
	if err := p.convert(ctx, path, format, made); err != nil {
		return nil, err
	}
	return clean(made, out)
}

// convert makes a JPEG of a HEIC or AVIF with the first program that is installed and can. ffmpeg comes last, because old
// versions return one tile of a picture.
func (p *preparer) convert(ctx context.Context, path, format, out string) error {
	var err error
	t := &p.tools
	if t.Sips != "" {
		if err = p.sips(ctx, path, out); err == nil || ctx.Err() != nil {
			return err
		}
	}
	if t.HEIF != "" {
		if err = run(ctx, t.HEIF, out, "-q", fmt.Sprint(quality), path, out); errors.Is(err, errDamaged) {
			// For a file with several pictures it writes several numbered files.
			first := out[:len(out)-len(".jpg")] + "-1.jpg"
			if makePrivate(first) == nil {
				err = os.Rename(first, out)
			}
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	if t.FFmpeg != "" {
		err = t.ffmpeg(ctx, 0, path, out, "-frames:v", "1", "-q:v", "3", "-f", "image2", "-update", "1")
		switch {
		case errors.Is(err, errDamaged) && format == heicFormat && t.Sips == "" && t.HEIF == "":
			return errOldFFmpeg
		case err == nil:
			err = isWhole(path, format, out)
		}
		return err
	}
	return err
}

func (p *preparer) sips(ctx context.Context, path, out string) error {
	return run(ctx, p.tools.Sips, out, "-s", "format", "jpeg", "-s", "formatOptions", fmt.Sprint(quality), "-Z", fmt.Sprint(longestSide), path, "--out", out)
}

// errOldFFmpeg is the error of a HEIC that ffmpeg cannot read or reads only in part, as versions before 7.1 do.
var errOldFFmpeg = &MissingTool{"HEIC pictures", "libheif (heif-convert), or ffmpeg 7.1 or later; a Mac has sips"}

// isWhole returns an error if a JPEG is only one of the tiles of a HEIC.
func isWhole(path, format, made string) error {
	if format != heicFormat {
		return nil
	}
	width, height := heicSize(path)
	f, err := os.Open(made)
	if err != nil {
		return errDamaged
	}
	defer f.Close()
	c, err := jpeg.DecodeConfig(f)
	if err != nil {
		return errDamaged
	}
	if max(c.Width, c.Height)*2 <= max(width, height) {
		return errOldFFmpeg
	}
	return nil
}

// heicSize returns the size of the largest picture in a HEIC, from its ispe boxes (ISO/IEC 23008-12); 0 if there are none.
func heicSize(path string) (width, height int) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	const boxes = 1 << 20 // how much of the file is searched for boxes
	head, err := io.ReadAll(io.LimitReader(f, boxes))
	if err != nil {
		return 0, 0
	}
	for {
		at := bytes.Index(head, []byte("ispe"))
		if at < 0 || at+16 > len(head) {
			return width, height
		}
		w, h := int(binary.BigEndian.Uint32(head[at+8:])), int(binary.BigEndian.Uint32(head[at+12:]))
		if w < 1<<16 && h < 1<<16 && w*h > width*height {
			width, height = w, h
		}
		head = head[at+16:]
	}
}

// asJPEG converts a picture to JPEG; of an animation its first frame. Only one picture at a time is decoded: the largest take 800 MiB.
func (p *preparer) asJPEG(path, out string) error {
	p.decoding.Lock()
	defer p.decoding.Unlock()
	f, err := os.Open(path)
	if err != nil {
		return errDamaged
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(f)
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return errDamaged
	}
	if c.Width > mostPixels/c.Height {
		return errTooLarge
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return errDamaged
	}
	decoded, _, err := image.Decode(f)
	if err != nil {
		return errDamaged
	}
	return writePrivate(out, func(w io.Writer) error { return jpeg.Encode(w, onWhite(decoded), &jpeg.Options{Quality: quality}) })
}

// onWhite returns a picture without transparency, scaled down to longestSide.
func onWhite(picture image.Image) image.Image {
	size := picture.Bounds().Size()
	if long := max(size.X, size.Y); long > longestSide {
		size = image.Pt(max(1, size.X*longestSide/long), max(1, size.Y*longestSide/long))
	}
	canvas := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(canvas, canvas.Bounds(), image.White, image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(canvas, canvas.Bounds(), picture, picture.Bounds(), draw.Over, nil)
	return canvas
}

// writePrivate writes a temporary file. An error of fill is about the file that it reads.
func writePrivate(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err == nil {
		err = errors.Join(fill(f), f.Close())
	}
	var failed *fs.PathError
	switch {
	case err == nil:
		return nil
	case f == nil || errors.As(err, &failed) && failed.Op == "write":
		return cannotWrite(err)
	}
	return errDamaged
}

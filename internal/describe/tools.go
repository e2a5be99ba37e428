package describe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// toolTime is the time limit of a program for one file.
const toolTime = 2 * time.Minute

// Tools are the paths of programs that convert files; empty if not installed.
type Tools struct {
	FFmpeg    string
	Sips      string // of macOS, for pictures
	HEIF      string // heif-dec or heif-convert of libheif
	AFConvert string // of macOS, for sound
	PDFToText string // of poppler
	PDFToPPM  string
}

// FindTools looks for the programs on the PATH.
func FindTools() Tools {
	return Tools{FFmpeg: find("ffmpeg"), Sips: find("sips"), HEIF: find("heif-dec", "heif-convert"), AFConvert: find("afconvert"),
		PDFToText: find("pdftotext"), PDFToPPM: find("pdftoppm")}
}

func find(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			if absolute, err := filepath.Abs(path); err == nil {
				return absolute
			}
		}
	}
	return ""
}

// Names returns the installed programs, and the missing ones by kind of attachment.
func (t Tools) Names() (there, missing []string) {
	for _, path := range []string{t.FFmpeg, t.Sips, t.HEIF, t.AFConvert, t.PDFToText, t.PDFToPPM} {
		if path != "" {
			there = append(there, filepath.Base(path))
		}
	}
	if t.FFmpeg == "" {
		missing = append(missing, "ffmpeg (videos, voice messages)")
	}
	if t.Sips == "" && t.HEIF == "" {
		missing = append(missing, "libheif's heif-convert (HEIC pictures)")
	}
	if t.Sips == "" && (t.PDFToText == "" || t.PDFToPPM == "") {
		missing = append(missing, fmt.Sprintf("poppler's pdftotext and pdftoppm (PDFs, with %v)", endpointOption))
	}
	return there, missing
}

// MissingTool is the error of a file that needs a program that is not installed.
type MissingTool struct {
	For  string // such as "HEIC pictures"
	Want string // what to install
}

func (m *MissingTool) Error() string { return m.For + " need " + m.Want }

// errDamaged is the error of a file that a program could not convert.
var errDamaged = errors.New("its file is corrupt or in an unsupported format")

// run runs a program that writes a file, which is private from the start. The program's output is discarded: it may quote the
// file.
func run(ctx context.Context, program, made string, args ...string) error {
	if made != "" {
		if err := os.WriteFile(made, nil, 0o600); err != nil {
			return cannotWrite(err)
		}
	}
	limited, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	command := exec.CommandContext(limited, program, args...)
	// A program may be a script that runs others; all of them must end together.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second
	err := command.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return fmt.Errorf("%s took longer than %v", filepath.Base(program), toolTime)
	case err != nil:
		return errDamaged
	case made == "":
		return nil
	}
	return makePrivate(made)
}

// makePrivate checks that a program wrote its file, and makes the file private.
func makePrivate(made string) error {
	info, err := os.Stat(made)
	if err != nil || info.Size() == 0 {
		return errDamaged
	}
	if err := os.Chmod(made, 0o600); err != nil {
		return cannotWrite(err)
	}
	return nil
}

// ffmpeg converts the beginning of a file, or all of it if length is 0. It reads nothing but that file, whatever the file
// refers to.
func (t *Tools) ffmpeg(ctx context.Context, length time.Duration, in, out string, args ...string) error {
	all := []string{"-nostdin", "-v", "quiet", "-y", "-protocol_whitelist", "file"}
	if length > 0 {
		all = append(all, "-t", fmt.Sprintf("%g", length.Seconds()))
	}
	all = append(append(all, "-i", "file:"+in), args...)
	return run(ctx, t.FFmpeg, out, append(all, "file:"+out)...)
}

// ffmpegImages is ffmpeg with many numbered output files.
func (t *Tools) ffmpegImages(ctx context.Context, length time.Duration, in, pattern string, args ...string) error {
	all := []string{"-nostdin", "-v", "quiet", "-y", "-protocol_whitelist", "file", "-t", fmt.Sprintf("%g", length.Seconds()), "-i", "file:" + in}
	return run(ctx, t.FFmpeg, "", append(append(all, args...), "file:"+pattern)...)
}

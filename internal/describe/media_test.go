package describe_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/describe/describetest"
	"ventriloquist/internal/messages"
)

// First bytes of Apple's formats.
var (
	heic = []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x00\x14ispe\x00\x00\x00\x00\x00\x00\x0f\xc0\x00\x00\x0b\xd0pixels")
	caf  = []byte("caff\x00\x01\x00\x00desc, and a voice")
	mov  = []byte("\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  \x00\x00\x00\x08wide, and pictures")
	m4a  = []byte("\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42, and a voice")
	pdf  = []byte("%PDF-1.4\npages")
)

// tool creates an executable that stands for a program, and returns its path. The script has the last of its arguments,
// without ffmpeg's "file:", in $out, and records its arguments.
func tool(t *testing.T, name, script string) (path, called string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("scripts stand for programs in this test, which Windows does not run")
	}
	dir := t.TempDir()
	path, called = filepath.Join(dir, name), filepath.Join(dir, "called")
	text := "#!/bin/sh\necho \"$@\" >>" + called + "\nfor out; do :; done\nout=${out#file:}\n" + script + "\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, called
}

// writes returns a script that writes a file with this content.
func writes(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return "cat " + path + " >\"$out\""
}

func calledWith(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPrepare_HEICBecomesJPEG(t *testing.T) {
	script := writes(t, photo(3))
	for name, tools := range map[string]func(t *testing.T) describe.Tools{
		"sips": func(t *testing.T) describe.Tools { p, _ := tool(t, "sips", script); return describe.Tools{Sips: p} },
		"heif-convert": func(t *testing.T) describe.Tools {
			p, _ := tool(t, "heif-convert", script)
			return describe.Tools{HEIF: p}
		},
		"SeveralPictures": func(t *testing.T) describe.Tools {
			p, _ := tool(t, "heif-convert", "rm \"$out\"; out=${out%.jpg}-1.jpg\n"+script)
			return describe.Tools{HEIF: p}
		},
		"ffmpeg": func(t *testing.T) describe.Tools {
			large := image.NewGray(image.Rect(0, 0, 4032, 8))
			var out bytes.Buffer
			if err := jpeg.Encode(&out, large, nil); err != nil {
				t.Fatal(err)
			}
			p, _ := tool(t, "ffmpeg", writes(t, out.Bytes()))
			return describe.Tools{FFmpeg: p}
		},
		"SecondWhenTheFirstFails": func(t *testing.T) describe.Tools {
			broken, _ := tool(t, "sips", "exit 1")
			p, _ := tool(t, "heif-convert", script)
			return describe.Tools{Sips: broken, HEIF: p}
		},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
				a.options.Tools = tools(t)
				a.add("IMG_1.HEIC", messages.Image, heic)
				if _, err := a.describe(s); err != nil {
					t.Fatal(err)
				}
				a.want("IMG_1.HEIC: described A cat on a sofa.")
				if m := server.Asked()[0].Media[0]; m.Format != "image/jpeg" || !bytes.HasPrefix(m.Data, []byte("\xFF\xD8\xFF")) {
					t.Errorf("sent %s %.20q", m.Format, m.Data)
				}
			})
		})
	}
}

// An old ffmpeg returns one tile of a HEIC.
func TestPrepare_DetectsATile(t *testing.T) {
	a, server := newAlbum(t), describetest.NewGemini()
	a.options.Tools.FFmpeg, _ = tool(t, "ffmpeg", writes(t, photo(3)))
	a.add("IMG_1.HEIC", messages.Image, heic)
	g := a.gemini(server)
	for range 2 {
		report, err := a.describe(g)
		if err != nil || len(server.Asked()) != 0 || len(report.Left) != 1 || !strings.Contains(report.Left[0].Why, "libheif") {
			t.Errorf("report is %+v (%v)", report, err)
		}
		a.want("IMG_1.HEIC:")
		a.options.Tools.FFmpeg, _ = tool(t, "ffmpeg", "exit 1") // and an older one reads none
	}
}

func TestPlan_MissingTools(t *testing.T) {
	a := newAlbum(t)
	a.add("a.heic", messages.Image, heic).add("b.caf", messages.Audio, caf).add("c.mov", messages.Video, mov).add("d.pdf", messages.Document, pdf).add("e.jpg", messages.Image, photo(1))
	for _, c := range []struct {
		service describe.Service
		files   int
		left    []string
	}{
		{a.gemini(describetest.NewGemini()), 3, []string{"HEIC and AVIF pictures need libheif (heif-convert) or ffmpeg; a Mac has sips",
			"voice messages in this format (CAF, M4A, AMR) need ffmpeg; a Mac has afconvert"}},
		{a.openAI(describetest.NewOpenAI()), 1, []string{"HEIC and AVIF", "PDFs need poppler", "videos need ffmpeg", "voice messages"}},
	} {
		plan, err := describe.NewPlan(t.Context(), a.db, &describe.Locator{}, c.service, a.options)
		if err != nil || plan.Files != c.files || len(plan.Left) != len(c.left) {
			t.Fatalf("plan is %+v (%v)", plan, err)
		}
		for i, left := range c.left {
			if got := plan.Left[i]; got.Attachments != 1 || !strings.Contains(got.Why, left) {
				t.Errorf("left out is %+v, want %q", got, left)
			}
		}
	}
}

func TestPrepare_ConvertsSound(t *testing.T) {
	made := []byte("fLaC or RIFF, as it is called")
	for name, content := range map[string][]byte{"memo.caf": caf, "memo.m4a": m4a, "memo.amr": []byte("#!AMR\nvoice"), "memo.bin": caf} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
				var called string
				a.options.Tools.FFmpeg, called = tool(t, "ffmpeg", writes(t, made))
				a.add(name, messages.Audio, content)
				server.Answer = answers(describetest.Reply{Text: "Hello,\nit is me."})
				if _, err := a.describe(s); err != nil {
					t.Fatal(err)
				}
				a.want(name + ": described Hello, it is me.")
				m, args := server.Asked()[0].Media[0], calledWith(t, called)
				if m.Format != "audio/flac" && m.Format != "wav" || string(m.Data) != string(made) || server.Asked()[0].MaxTokens != 0 {
					t.Errorf("sent %s %q", m.Format, m.Data)
				}
				if strings.Contains(args, "-t ") {
					t.Errorf("a voice message is cut: %s", args)
				}
			})
		})
	}
	a, server := newAlbum(t), describetest.NewGemini() // on a Mac
	a.options.Tools.AFConvert, _ = tool(t, "afconvert", writes(t, made))
	a.add("memo.caf", messages.Audio, caf)
	if _, err := a.describe(a.gemini(server)); err != nil || server.Asked()[0].Media[0].Format != "audio/wav" {
		t.Errorf("asked %+v (%v)", server.Asked(), err)
	}
}

func TestPrepare_SoundUnchanged(t *testing.T) {
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.add("memo.wav", messages.Audio, wav)
		if _, err := a.describe(s); err != nil {
			t.Fatal(err)
		}
		if m := server.Asked()[0].Media[0]; strings.TrimPrefix(m.Format, "audio/") != "wav" || string(m.Data) != string(wav) {
			t.Errorf("sent %s %q", m.Format, m.Data)
		}
	})
}

func TestPrepare_Video(t *testing.T) {
	beginning := []byte("\x00\x00\x00\x14ftypmp42, of 15 seconds")
	a, server := newAlbum(t), describetest.NewGemini()
	var called string
	a.options.Tools.FFmpeg, called = tool(t, "ffmpeg", writes(t, beginning))
	a.add("a.mov", messages.Video, mov)
	if _, err := a.describe(a.gemini(server)); err != nil {
		t.Fatal(err)
	}
	if m := server.Asked()[0].Media[0]; m.Format != "video/mp4" || string(m.Data) != string(beginning) || m.EndOffset != "15s" {
		t.Errorf("sent %s %q to %s", m.Format, m.Data, m.EndOffset)
	}
	if args := calledWith(t, called); !strings.Contains(args, "-t 15 -i file:") || !strings.Contains(args, "-map_metadata -1") {
		t.Errorf("ffmpeg was called with %s", args)
	}

	b, whole := newAlbum(t), describetest.NewGemini() // without ffmpeg: the whole, of which the beginning is looked at
	b.add("a.mov", messages.Video, mov)
	if _, err := b.describe(b.gemini(whole)); err != nil {
		t.Fatal(err)
	}
	if m := whole.Asked()[0].Media[0]; m.Format != "video/quicktime" || string(m.Data) != string(mov) || m.EndOffset != "15s" {
		t.Errorf("sent %s %q to %s", m.Format, m.Data, m.EndOffset)
	}
}

func TestPrepare_FramesOfAVideo(t *testing.T) {
	content := writes(t, photo(1))
	numbered := func(n int) string {
		return fmt.Sprintf("pattern=$out; for i in $(seq %d); do out=$(echo \"$pattern\" | sed s/%%d/$i/); %s; done", n, content)
	}
	for name, c := range map[string]struct {
		script string
		want   int
	}{
		"Long":  {numbered(5), 5},
		"Short": {"case \"$*\" in *fps=*) exit 0;; esac; " + numbered(1), 1},
	} {
		t.Run(name, func(t *testing.T) {
			a, server := newAlbum(t), describetest.NewOpenAI()
			a.options.Tools.FFmpeg, _ = tool(t, "ffmpeg", c.script)
			a.add("a.mov", messages.Video, mov)
			if _, err := a.describe(a.openAI(server)); err != nil {
				t.Fatal(err)
			}
			a.want("a.mov: described A cat on a sofa.")
			if asked := server.Asked()[0]; len(asked.Media) != c.want || asked.Media[0].Format != "image/jpeg" || !strings.Contains(asked.Prompt, "frames of the beginning") {
				t.Errorf("asked %q with %d pictures", asked.Prompt, len(asked.Media))
			}
		})
	}
}

func TestPrepare_PDF(t *testing.T) {
	a, server := newAlbum(t), describetest.NewGemini()
	a.add("a.pdf", messages.Document, pdf)
	if _, err := a.describe(a.gemini(server)); err != nil || server.Asked()[0].Media[0].Format != "application/pdf" {
		t.Errorf("asked %+v (%v)", server.Asked(), err)
	}
	const wordy = "An invoice of the dentist for Aidan, 120 pounds, to be paid by the end of March."
	toText, _ := tool(t, "pdftotext", writes(t, []byte(wordy)))
	noText, _ := tool(t, "pdftotext", writes(t, []byte("\f\f")))
	toPages, _ := tool(t, "pdftoppm", "prefix=$out; for i in 1 2; do out=$prefix-$i.jpg; "+writes(t, photo(1))+"; done")
	sips, _ := tool(t, "sips", writes(t, photo(1)))
	for name, c := range map[string]struct {
		tools describe.Tools
		words bool
		media int
	}{
		"Words":     {describe.Tools{PDFToText: toText, PDFToPPM: toPages}, true, 0},
		"Scan":      {describe.Tools{PDFToText: noText, PDFToPPM: toPages}, false, 2},
		"FirstPage": {describe.Tools{PDFToText: noText, Sips: sips}, false, 1},
		"Neither":   {describe.Tools{PDFToText: noText}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a, server := newAlbum(t), describetest.NewOpenAI()
			a.options.Tools = c.tools
			a.add("a.pdf", messages.Document, pdf)
			report, err := a.describe(a.openAI(server))
			if err != nil {
				t.Fatal(err)
			}
			if name == "Neither" {
				if len(report.Left) != 1 || !strings.Contains(report.Left[0].Why, "pdftoppm") || len(server.Asked()) != 0 {
					t.Errorf("report is %+v", report)
				}
				return
			}
			if asked := server.Asked()[0]; len(asked.Media) != c.media || strings.Contains(asked.Prompt, wordy) != c.words {
				t.Errorf("asked %q with %d pictures", asked.Prompt, len(asked.Media))
			}
		})
	}
}

func TestPrepare_Text(t *testing.T) {
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		long := strings.Repeat("é", 20<<10)
		a.add("note.txt", messages.Document, []byte("\uFEFFbuy milk")).add("long.md", messages.Document, []byte(long))
		if _, err := a.describe(s); err != nil {
			t.Fatal(err)
		}
		asked := server.Asked()
		if !strings.Contains(asked[0].Prompt, "buy milk") || strings.Contains(asked[0].Prompt, "\uFEFF") {
			t.Errorf("asked %q", asked[0].Prompt)
		}
		if n := strings.Count(asked[1].Prompt, "é"); n != 12<<10 || strings.Contains(asked[1].Prompt, "\uFFFD") {
			t.Errorf("%d characters were sent", n)
		}
	})
}

func TestPrepare_ConvertsPicturesToJPEG(t *testing.T) {
	var animated bytes.Buffer
	palette := image.NewPaletted(image.Rect(0, 0, 3000, 2), color.Palette{color.White, color.Black})
	if err := gif.EncodeAll(&animated, &gif.GIF{Image: []*image.Paletted{palette, palette}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.add("a.gif", messages.Image, animated.Bytes()).add("broken.gif", messages.Image, animated.Bytes()[:40])
		if _, err := a.describe(s); err != nil {
			t.Fatal(err)
		}
		a.want("a.gif: described A cat on a sofa.", "broken.gif: failed its file is corrupt or in an unsupported format")
		m := server.Asked()[0].Media[0]
		c, err := jpeg.DecodeConfig(bytes.NewReader(m.Data))
		if err != nil || m.Format != "image/jpeg" || c.Width != 2048 {
			t.Errorf("sent %s %+v (%v)", m.Format, c, err)
		}
	})
}

// A file's name does not determine its format.
func TestPrepare_DetectsFormatByContent(t *testing.T) {
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.add("png.heic", messages.Image, out.Bytes()).add("nothing.jpg", messages.Image, []byte("<html>")).add("empty.jpg", messages.Image, []byte{})
		if _, err := a.describe(s); err != nil {
			t.Fatal(err)
		}
		a.want("png.heic: described A cat on a sofa.", "nothing.jpg:", "empty.jpg:")
		if m := server.Asked()[0].Media[0]; m.Format != "image/png" || string(m.Data) != out.String() {
			t.Errorf("sent %s", m.Format)
		}
	})
}

func TestTools_CorruptAndSlow(t *testing.T) {
	a, server := newAlbum(t), describetest.NewGemini()
	a.options.Tools.FFmpeg, _ = tool(t, "ffmpeg", "echo SECRET >&2; exit 1")
	a.add("a.caf", messages.Audio, caf).add("b.jpg", messages.Image, photo(1))
	if _, err := a.describe(a.gemini(server)); err != nil {
		t.Fatal(err)
	}
	a.want("a.caf: failed its file is corrupt or in an unsupported format", "b.jpg: described A cat on a sofa.")
}

// When a run is interrupted, its programs and their children end as well.
func TestTools_Interrupted(t *testing.T) {
	a := newAlbum(t)
	pids := filepath.Join(t.TempDir(), "pids")
	a.options.Tools.FFmpeg, _ = tool(t, "ffmpeg", "sleep 60 & echo $! >"+pids+".part; mv "+pids+".part "+pids+"; wait")
	a.add("a.caf", messages.Audio, caf)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		for {
			if _, err := os.Stat(pids); err == nil {
				interrupt()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := a.describeUntil(ctx, a.gemini(describetest.NewGemini())); err != context.Canceled {
		t.Errorf("error is %v", err)
	}
	a.want("a.caf:")
	pid := strings.TrimSpace(calledWith(t, pids))
	for range 5000 { // a process that was killed goes when it is noticed
		state, err := exec.Command("ps", "-o", "stat=", "-p", pid).Output()
		if err != nil || strings.HasPrefix(string(state), "Z") {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("process %s is still running", pid)
}

// Files written by programs are private.
func TestTools_FilesArePrivate(t *testing.T) {
	a, server := newAlbum(t), describetest.NewGemini()
	modes := filepath.Join(t.TempDir(), "modes")
	a.options.Tools.FFmpeg, _ = tool(t, "ffmpeg", "ls -ld \"$out\" $(dirname \"$out\") $(dirname $(dirname \"$out\")) | cut -c1-10 >"+modes+"; "+writes(t, wav))
	a.add("a.caf", messages.Audio, caf)
	if _, err := a.describe(a.gemini(server)); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(calledWith(t, modes)); strings.Join(got, " ") != "drwx------ drwx------ -rw-------" {
		t.Errorf("modes are %v", got)
	}
}

func TestGemini_LargeFilesAreUploadedAndDeleted(t *testing.T) {
	large := append(append([]byte{}, mov...), make([]byte, 15<<20)...)
	for name, c := range map[string]struct {
		set  func(*describetest.Server)
		want string
	}{
		"AtOnce":     {func(*describetest.Server) {}, "described A cat on a sofa."},
		"Processing": {func(s *describetest.Server) { s.SlowFiles(3) }, "described A cat on a sofa."},
		"Unreadable": {func(s *describetest.Server) { s.SlowFiles(3); s.BadFiles() }, "failed the server could not read its file"},
		"Refused":    {func(s *describetest.Server) { s.Answer = answers(describetest.Reply{Block: "SAFETY"}) }, "refused the model refuses: SAFETY"},
		"Throttled": {func(s *describetest.Server) {
			s.Answer = answers(describetest.Reply{Status: 503}, describetest.Reply{Text: "A dog."})
		}, "described A dog."},
	} {
		t.Run(name, func(t *testing.T) {
			a, server := newAlbum(t), describetest.NewGemini()
			c.set(server)
			a.add("a.mov", messages.Video, large)
			if _, err := a.describe(a.gemini(server)); err != nil {
				t.Fatal(err)
			}
			a.want("a.mov: " + c.want)
			if server.Held() != 0 {
				t.Errorf("%d files were left there", server.Held())
			}
			if asked := server.Asked(); len(asked) > 0 {
				if m := asked[0].Media[0]; !m.Uploaded || !bytes.Equal(m.Data, large) || m.EndOffset != "15s" {
					t.Errorf("sent %d bytes of %d to %s", len(m.Data), len(large), m.EndOffset)
				}
			}
		})
	}
}

func TestTools_RealFFmpeg(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed: it is stood for by scripts in the other tests, and this one is left out")
	}
	source := t.TempDir()
	video, voice := filepath.Join(source, "v.mov"), filepath.Join(source, "v.m4a")
	make := func(args ...string) {
		if out, err := exec.Command(ffmpeg, append([]string{"-v", "error", "-y"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	make("-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=20", "-f", "lavfi", "-i", "sine=duration=20", "-c:v", "mpeg4", "-c:a", "aac", video)
	make("-f", "lavfi", "-i", "sine=duration=40", "-c:a", "aac", voice)
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.options.Tools.FFmpeg = ffmpeg
		for _, path := range []string{video, voice} {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			kind := messages.Video
			if path == voice {
				kind = messages.Audio
			}
			a.add(filepath.Base(path), kind, content)
		}
		if _, err := a.describe(s); err != nil {
			t.Fatal(err)
		}
		asked := server.Asked()
		if s.Local() && len(asked[0].Media) != 5 {
			t.Errorf("%d frames were sent, want 5", len(asked[0].Media))
		}
		if seconds := length(t, ffmpeg, asked[1].Media[0].Data); seconds < 39*time.Second || seconds > 41*time.Second {
			t.Errorf("the voice message has %v, want 40 s", seconds)
		}
		if !s.Local() {
			if seconds := length(t, ffmpeg, asked[0].Media[0].Data); seconds < 14*time.Second || seconds > 17*time.Second {
				t.Errorf("the video has %v, want 15 s", seconds)
			}
		}
	})
}

func TestTools_RealPoppler(t *testing.T) {
	tools := describe.FindTools()
	if tools.PDFToText == "" || tools.PDFToPPM == "" {
		t.Skip("poppler (pdftotext, pdftoppm) is not installed: it is stood for by scripts in the other tests, and this one is left out")
	}
	const content = "BT /F 24 Tf 40 100 Td (An invoice for Aidan over one hundred and twenty pounds, due in March) Tj ET"
	page := func(content string) []byte {
		return fmt.Appendf(nil, "%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"+
			"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 900 200]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"+
			"4 0 obj<</Length %d>>stream\n%s\nendstream endobj\ntrailer<</Root 1 0 R>>\n", len(content), content)
	}
	a, server := newAlbum(t), describetest.NewOpenAI()
	a.options.Tools = tools
	a.add("words.pdf", messages.Document, page(content)).add("scan.pdf", messages.Document, page("40 40 400 100 re f"))
	if _, err := a.describe(a.openAI(server)); err != nil {
		t.Fatal(err)
	}
	a.want("words.pdf: described A cat on a sofa.", "scan.pdf: described A cat on a sofa.")
	if asked := server.Asked(); !strings.Contains(asked[0].Prompt, "An invoice for Aidan") || len(asked[1].Media) != 1 || asked[1].Media[0].Format != "image/jpeg" {
		t.Errorf("asked %q, and with %d pictures", asked[0].Prompt, len(asked[1].Media))
	}
}

func TestTools_RealLibheif(t *testing.T) {
	encoder, err := exec.LookPath("heif-enc")
	if tools := describe.FindTools(); err != nil || tools.HEIF == "" {
		t.Skip("libheif (heif-convert, heif-enc) is not installed: it is stood for by scripts in the other tests, and this one is left out")
	}
	dir := t.TempDir()
	picture, made := filepath.Join(dir, "a.jpg"), filepath.Join(dir, "a.heic")
	if err := os.WriteFile(picture, photo(5), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(encoder, picture, "-o", made).CombinedOutput(); err != nil {
		t.Skipf("this libheif makes no HEIC: %s", out)
	}
	content, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.options.Tools.HEIF = describe.FindTools().HEIF
		a.add("IMG_1.HEIC", messages.Image, content)
		if _, err := a.describe(s); err != nil {
			t.Fatal(err)
		}
		a.want("IMG_1.HEIC: described A cat on a sofa.")
		if c, err := jpeg.DecodeConfig(bytes.NewReader(server.Asked()[0].Media[0].Data)); err != nil || c.Width != 16 || c.Height != 8 {
			t.Errorf("sent %+v (%v)", c, err)
		}
	})
}

// length returns the length of a sound or video.
func length(t *testing.T, ffmpeg string, data []byte) time.Duration {
	t.Helper()
	path := filepath.Join(t.TempDir(), "media")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(ffmpeg, "-v", "error", "-i", path, "-map", "0:a:0", "-ac", "1", "-ar", "8000", "-f", "s16le", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(len(out)/2) * time.Second / 8000
}

// byteOrder is the byte order of a TIFF.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// turned returns a JPEG as a camera writes it: rotated, with a location.
func turned(order byteOrder) []byte {
	tiff := []byte("II*\x00")
	if order.String() == binary.BigEndian.String() {
		tiff = []byte("MM\x00*")
	}
	short := func(n uint16) []byte { return order.AppendUint16(nil, n) }
	long := func(n uint32) []byte { return order.AppendUint32(nil, n) }
	tiff = append(tiff, long(8)...)
	tiff = append(tiff, short(2)...)
	tiff = append(append(append(append(tiff, short(0x010F)...), short(2)...), long(4)...), "GPS\x00"...)
	tiff = append(append(append(append(tiff, short(0x0112)...), short(3)...), long(1)...), append(short(6), 0, 0)...)
	tiff = append(tiff, long(0)...)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	picture := photo(1)
	head := append([]byte{0xFF, 0xD8, 0xFF, 0xE1}, binary.BigEndian.AppendUint16(nil, uint16(len(segment)+2))...)
	head = append(head, segment...)
	head = append(head, "\xFF\xFE\x00\x0AGPS here"...)
	return append(append(head, picture[2:]...), "a video behind the picture, with GPS"...)
}

// A cleaned JPEG has no location, but its orientation.
func TestPrepare_RemovesLocationFromJPEGs(t *testing.T) {
	for _, order := range []byteOrder{binary.LittleEndian, binary.BigEndian} {
		both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
			a.add("a.jpg", messages.Image, turned(order))
			if _, err := a.describe(s); err != nil {
				t.Fatal(err)
			}
			sent := server.Asked()[0].Media[0].Data
			if bytes.Contains(sent, []byte("GPS")) {
				t.Errorf("the JPEG still has %q", sent)
			}
			if got := describe.Orientation(sent); got != 6 {
				t.Errorf("it is turned %d, want 6", got)
			}
			if _, err := jpeg.Decode(bytes.NewReader(sent)); err != nil {
				t.Error(err)
			}
		})
	}
}

func FuzzWithoutMetadata(f *testing.F) {
	f.Add(photo(1))
	f.Add(turned(binary.LittleEndian))
	f.Add(turned(binary.BigEndian))
	f.Fuzz(func(t *testing.T, data []byte) {
		cleaned, ok := describe.WithoutMetadata(data)
		if !ok {
			return
		}
		again, ok := describe.WithoutMetadata(cleaned)
		if !ok || !bytes.Equal(again, cleaned) {
			t.Errorf("what is clean changes: %q and %q", cleaned, again)
		}
	})
}

func TestFormatOf_FirstBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ head, name, want string }{
		{string(heic), "x", "image/heic"}, {"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif", "x", "image/avif"},
		{"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00miafMiHB", "a.heic", "image/heic"}, {string(mov), "x", "video/quicktime"},
		{"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42", "x", "video/mp4"}, {"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42", "a.m4a", "audio/mp4"},
		{string(m4a), "x", "audio/mp4"}, {string(caf), "x", "audio/x-caf"}, {"RIFF\x00\x00\x00\x00WEBPVP8 ", "x", "image/webp"},
		{string(wav), "x", "audio/wav"}, {"RIFF\x00\x00\x00\x00JUNK", "x", ""}, {"ID3\x04", "x", "audio/mp3"}, {"\xff\xfb\x90", "x", "audio/mp3"},
		{"\xff\xf1\x50", "x", "audio/aac"}, {"GIF89a", "x", "image/gif"}, {string(pdf), "x", "application/pdf"}, {"hello", "a.txt", "text/plain"},
		{"hello", "a.html", ""}, {"hello \xc3", "a.txt", "text/plain"}, {"hello\x00", "a.txt", ""}, {"PK\x03\x04", "a.docx", ""}, {"", "a.jpg", ""},
		{"BM, said the cow, and more", "a.txt", "text/plain"}, {"#EXTM3U\nhttp://x", "a.mov", ""}, {"FORM\x00\x00\x00\x00AIFF", "x", "audio/aiff"},
	} {
		if got := describe.FormatOf([]byte(c.head), c.name); got != c.want {
			t.Errorf("%q, %q is %q, want %q", c.head, c.name, got, c.want)
		}
	}
}

func FuzzFormatOf(f *testing.F) {
	for _, head := range [][]byte{heic, caf, mov, m4a, pdf, wav} {
		f.Add(head, "a.heic")
	}
	f.Fuzz(func(t *testing.T, head []byte, name string) { describe.FormatOf(head, name) })
}

func TestLocator_FindsFiles(t *testing.T) {
	t.Parallel()
	home, root, export := t.TempDir(), t.TempDir(), t.TempDir()
	put := func(path string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	inHome := put(filepath.Join(home, "Library/Messages/Attachments/ab/a.jpg"))
	live := put(filepath.Join(home, "Library/Messages/Attachments/ab/live.pvt/IMG.HEIC"))
	put(filepath.Join(home, "Library/Messages/Attachments/ab/live.pvt/IMG.MOV"))
	beside := put(filepath.Join(root, "Attachments/ab/b.jpg"))
	// SHA-1 of MediaDomain-Library/SMS/Attachments/ab/c.jpg
	backed := put(filepath.Join(root, "cd/cd58b0cc604f8e7b29d1a10f02d72d7ac0be4d8f"))
	put(filepath.Join(export, "d.jpg"))
	secret := put(filepath.Join(t.TempDir(), "secret.txt"))
	if err := os.Symlink(secret, filepath.Join(export, "link.txt")); err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	inCopy := put(filepath.Join(copied, "ab/e.jpg"))
	archive := filepath.Join(export, "chat.zip")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	w.Create("in/f.jpg")
	w.Close()
	f.Close()
	link := filepath.Join(home, "Library/Messages/Attachments/ab/link.jpg")
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	// What a received copy of a chat.db or of a backup brings along may be links to the files of this machine.
	linked := t.TempDir()
	if err := errors.Join(os.Symlink(filepath.Dir(secret), filepath.Join(linked, "Attachments")),
		os.Symlink(secret, filepath.Join(linked, "cd58b0cc604f8e7b29d1a10f02d72d7ac0be4d8f"))); err != nil {
		t.Fatal(err)
	}
	l := &describe.Locator{Home: home, Attachments: copied}
	defer l.Close()
	const apples = "~/Library/Messages/Attachments/"
	for _, c := range []struct{ root, path, want string }{
		{root, apples + "ab/a.jpg", inHome}, {root, apples + "ab/live.pvt", live}, {root, apples + "ab/b.jpg", beside}, {root, apples + "ab/e.jpg", inCopy},
		{root, "~/Library/SMS/Attachments/ab/c.jpg", backed}, {root, "/var/mobile/Library/SMS/Attachments/ab/c.jpg", backed},
		{"", inHome, inHome}, {root, apples + "ab/gone.jpg", ""}, {root, apples + "../../../../../" + secret, ""}, {root, "~/../" + secret, ""}, {root, "", ""},
		{export, "d.jpg", filepath.Join(export, "d.jpg")}, {export, "../" + filepath.Base(filepath.Dir(secret)) + "/secret.txt", ""}, {export, "link.txt", ""},
		{archive, "in/f.jpg", "in/f.jpg"}, {archive, "./in/f.jpg", "in/f.jpg"}, {archive, "f.jpg", "in/f.jpg"}, {archive, "x/f.jpg", ""}, {archive + "x", "f.jpg", ""}, {"", "d.jpg", ""},
		{root, apples, ""},
		{root, secret, ""}, {root, put(filepath.Join(home, ".ssh/id_rsa")), ""}, {root, "~/.ssh/id_rsa", ""}, {root, apples + "ab/link.jpg", ""}, {root, link, ""},
		{linked, apples + "secret.txt", ""}, {linked, "~/Library/SMS/Attachments/ab/c.jpg", ""}, {linked, linked + "/Attachments/secret.txt", ""},
		{root, put(filepath.Join(home, "Library/Attachments/x.jpg")), ""}, {root, home + "/Library/Messages/../../.ssh/id_rsa", ""},
	} {
		if got := l.Found(messages.FilePlace{Root: c.root, Path: c.path}); got != c.want {
			t.Errorf("%q in %q is found as %q, want %q", c.path, c.root, got, c.want)
		}
	}
}

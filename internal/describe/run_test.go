package describe_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/describe/describetest"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/iosbackup"
	"ventriloquist/internal/sources/iosbackup/backuptest"
)

// The same picture is sent once, in this run and in later ones.
func TestRun_SendsEqualContentOnce(t *testing.T) {
	for _, jobs := range []int{1, 4} {
		a, server := newAlbum(t), describetest.NewGemini()
		a.pace.Jobs = jobs
		g := a.gemini(server)
		for i := range 6 {
			a.add(fmt.Sprint(i, ".jpg"), messages.Image, photo(uint8(i%2)))
		}
		server.Answer = func(int, *describetest.Asked) describetest.Reply {
			return describetest.Reply{Text: "A dog.", Wait: 20 * time.Millisecond}
		}
		report, err := a.describe(g)
		if err != nil || report.Described != 6 || report.Same != 4 || len(server.Asked()) != 2 {
			t.Errorf("report is %+v (%v) after %d requests", report, err, len(server.Asked()))
		}
		a.add("again.jpg", messages.Image, photo(1))
		report, err = a.describe(a.openAI(describetest.NewOpenAI())) // also of another model
		if err != nil || report.Same != 1 || report.Described != 1 {
			t.Errorf("report is %+v (%v)", report, err)
		}
	}
}

func TestRun_Concurrency(t *testing.T) {
	a, server := newAlbum(t).images(12), describetest.NewGemini()
	a.pace.Jobs = 4
	server.Answer = func(int, *describetest.Asked) describetest.Reply {
		return describetest.Reply{Text: "A dog.", Wait: 50 * time.Millisecond}
	}
	var last string
	a.pace.Progress = func(done, total int64, cost float64) { last = fmt.Sprintf("%d/%d %.4f", done, total, cost) }
	report, err := a.describe(a.gemini(server))
	if err != nil || report.Described != 12 {
		t.Errorf("report is %+v (%v)", report, err)
	}
	if most := server.Most(); most < 2 || most > 4 {
		t.Errorf("%d requests were made at a time, want up to 4", most)
	}
	if want := fmt.Sprintf("12/12 %.4f", *report.Cost); last != want {
		t.Errorf("progress ends with %q, want %q", last, want)
	}
}

func TestRun_RateLimit(t *testing.T) {
	a, server := newAlbum(t).images(5), describetest.NewGemini()
	a.pace.PerMinute = 20
	if _, err := a.describe(a.gemini(server)); err != nil {
		t.Fatal(err)
	}
	var slept time.Duration
	for _, d := range a.clock.Slept() {
		slept += d
	}
	if want := 4 * 3 * time.Second; slept != want {
		t.Errorf("slept %v, want %v for 5 requests of 20 a minute", slept, want)
	}
}

// After a server has rejected a kind, it gets no more of that kind, and these attachments have not failed.
func TestRun_UnsupportedKinds(t *testing.T) {
	for name, reply := range map[string]describetest.Reply{
		"llama.cpp": {Status: 500, Body: `{"error": {"code": 500, "message": "audio input is not supported - hint: if this is unexpected, you may need to provide the mmproj", "type": "server_error"}}`},
		"Ollama":    {Status: 400, Body: `{"error": {"message": "invalid message format", "type": "invalid_request_error"}}`},
		"LMStudio":  {Status: 400, Body: `{"error": "Invalid 'content': 'content' objects must have a 'type' field that is either 'text' or 'image_url'."}`},
	} {
		t.Run(name, func(t *testing.T) {
			a, server := newAlbum(t), describetest.NewOpenAI()
			a.add("a.wav", messages.Audio, wav).add("b.wav", messages.Audio, append(wav, 1)).add("c.jpg", messages.Image, photo(1))
			server.Answer = func(_ int, asked *describetest.Asked) describetest.Reply {
				if asked.Media[0].Format == "wav" {
					return reply
				}
				return describetest.Reply{Text: "A dog."}
			}
			report, err := a.describe(a.openAI(server))
			if err != nil || len(report.Left) != 1 || report.Left[0].Attachments != 2 || !strings.Contains(report.Left[0].Why, "(audio)") || len(server.Asked()) != 2 {
				t.Errorf("report is %+v (%v) after %d requests", report, err, len(server.Asked()))
			}
			a.want("a.wav:", "b.wav:", "c.jpg: described A dog.")
		})
	}
}

func TestRun_TooLarge(t *testing.T) {
	a, server := newAlbum(t), describetest.NewOpenAI()
	a.add("a.wav", messages.Audio, append(append([]byte{}, wav...), make([]byte, 65<<20)...))
	if _, err := a.describe(a.openAI(server)); err != nil {
		t.Fatal(err)
	}
	a.want("a.wav: failed it is too large for the server (65 MiB)")
}

func TestPlan_CountsFilesAndCost(t *testing.T) {
	a := newAlbum(t).images(4)
	a.add("gone.jpg", messages.Image, nil).add("card.vcf", messages.Contact, []byte("BEGIN:VCARD")).add("v.mp4", messages.Video, mov).add("s.wav", messages.Audio, wav)
	a.add("long.ogg", messages.Audio, append([]byte("OggS"), make([]byte, 120_000-4)...)).add("p.pdf", messages.Document, pdf)
	g := a.gemini(describetest.NewGemini())
	plan := func(o describe.Options) *describe.Plan {
		t.Helper()
		p, err := describe.NewPlan(t.Context(), a.db, &describe.Locator{}, g, o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := plan(describe.Options{})
	kinds := fmt.Sprint(p.Send)
	if p.Files != 8 || !strings.HasPrefix(kinds, "[{image 4 ") || !strings.Contains(kinds, "{video 1 ") || !strings.Contains(kinds, "{audio 2 120044} {document 1 14}]") {
		t.Errorf("it would send %s", kinds)
	}
	// 4 pictures, 15 s of video, a minute of speech and a second, and a page, with a question and an answer each.
	input := 4*(90+1120) + 90 + 15*70 + 2*90 + 90 + 560
	sound := 15*32 + (61+1)*32
	output := 4*70 + 70 + (61+1)*4 + 70
	want := (float64(input)*0.5 + float64(sound)*1 + float64(output)*3) / 1e6
	if p.Cost == nil || *p.Cost < want*0.999 || *p.Cost > want*1.001 {
		t.Errorf("it would cost %v, want %g", *p.Cost, want)
	}
	if len(p.Left) != 2 || p.Left[0].Attachments != 1 || !strings.Contains(p.Left[0].Why, "contacts") || !strings.Contains(p.Left[1].Why, "no file here") {
		t.Errorf("left out are %+v", p.Left)
	}
	if p := plan(describe.Options{Limit: 3}); p.Files != 3 || fmt.Sprint(p.Send[0].Kind) != "image" || !strings.Contains(fmt.Sprint(p.Left), "over limit 5") {
		t.Errorf("with a limit it would send %+v and leave %v", p.Send, p.Left)
	}
	if p := plan(describe.Options{Kinds: []messages.Kind{messages.Video}}); p.Files != 1 || p.Send[0].Kind != "video" {
		t.Errorf("of videos it would send %+v", p.Send)
	}
}

// A voice message with Apple's transcript needs no description.
func TestPlan_Transcripts(t *testing.T) {
	a := newAlbum(t).add("s.wav", messages.Audio, wav)
	if _, err := a.db.SQL().Exec(`UPDATE attachment SET transcript = 'hello'`); err != nil {
		t.Fatal(err)
	}
	p, err := describe.NewPlan(t.Context(), a.db, &describe.Locator{}, a.gemini(describetest.NewGemini()), describe.Options{})
	if err != nil || p.Files != 0 || !strings.Contains(fmt.Sprint(p.Left), "transcript") {
		t.Errorf("plan is %+v (%v)", p, err)
	}
}

// Attachments in an encrypted backup are decrypted only while they are described.
func TestRun_EncryptedBackup(t *testing.T) {
	a, server := newAlbum(t), describetest.NewGemini()
	root := filepath.Join(t.TempDir(), "backup")
	files := map[string][]byte{"MediaDomain-Library/SMS/Attachments/ab/a.jpg": photo(1)}
	if err := backuptest.Write(root, files, backuptest.Options{Passphrase: "horse", First: 20, Second: 10}); err != nil {
		t.Fatal(err)
	}
	a.add("a.jpg", messages.Image, nil)
	a.entries[0].File = messages.FilePlace{Root: root, Path: "~/Library/SMS/Attachments/ab/a.jpg"}
	a.add("b.jpg", messages.Image, photo(2))
	g := a.gemini(server)
	if _, err := a.describe(g); err != nil {
		t.Fatal(err)
	}
	a.want("a.jpg:", "b.jpg: described A cat on a sofa.")
	backup, err := iosbackup.Unlock(t.Context(), root, "horse", "")
	if err != nil {
		t.Fatal(err)
	}
	a.locator.Backups = map[string]*iosbackup.Backup{root: backup}
	if _, err := a.describe(g); err != nil {
		t.Fatal(err)
	}
	a.want("a.jpg: described A cat on a sofa.", "b.jpg: described A cat on a sofa.")
	if got := server.Asked()[1].Media[0].Data; string(got) != string(photo(1)) {
		t.Errorf("sent %d bytes", len(got))
	}
}

// Files in a zip are extracted only while they are described.
func TestRun_Zip(t *testing.T) {
	a, server := newAlbum(t), describetest.NewGemini()
	archive := filepath.Join(t.TempDir(), "chat.zip")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	member, _ := w.Create("a.jpg")
	member.Write(photo(1))
	w.Close()
	f.Close()
	a.add("a.jpg", messages.Image, nil)
	a.entries[0].File = messages.FilePlace{Root: archive, Path: "a.jpg"}
	a.add("gone.jpg", messages.Image, nil)
	if _, err := a.describe(a.gemini(server)); err != nil {
		t.Fatal(err)
	}
	a.want("a.jpg: described A cat on a sofa.", "gone.jpg:")
	if got := server.Asked()[0].Media[0].Data; string(got) != string(photo(1)) {
		t.Errorf("sent %d bytes", len(got))
	}
}

// rawZip writes a zip with one member whose directory states a size.
func rawZip(t *testing.T, content []byte, stated uint64) string {
	t.Helper()
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(content)
	}
	path := filepath.Join(t.TempDir(), "chat.zip")
	f, failed := os.Create(path)
	if err = errors.Join(err, w.Close(), failed); err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(f)
	member, err := archive.CreateRaw(&zip.FileHeader{Name: "a.jpg", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(content), CompressedSize64: uint64(packed.Len()), UncompressedSize64: stated})
	if err == nil {
		_, err = member.Write(packed.Bytes())
	}
	if err = errors.Join(err, archive.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// No more of a member is extracted than its zip states.
func TestRun_ZipMemberLargerThanStated(t *testing.T) {
	a, server := newAlbum(t), describetest.NewGemini()
	content := append(photo(1), make([]byte, 8<<20)...)
	a.add("a.jpg", messages.Image, nil)
	a.entries[0].File = messages.FilePlace{Root: rawZip(t, content, 1<<20), Path: "a.jpg"}
	a.add("gone.jpg", messages.Image, nil)
	report, err := a.describe(a.gemini(server))
	if err != nil || report.Described != 0 || report.Failed != 1 || len(server.Asked()) != 0 {
		t.Errorf("the report is %+v (%v)", report, err)
	}
}

// Files that no messenger sends are left out before any of their content is read, and sums of sizes stay in range.
func TestPlan_LeavesOutHugeFiles(t *testing.T) {
	a, server := newAlbum(t), describetest.NewGemini()
	a.add("c.jpg", messages.Image, nil)
	a.entries[0].File = messages.FilePlace{Root: rawZip(t, photo(3), math.MaxUint64), Path: "a.jpg"}
	a.add("a.jpg", messages.Image, photo(1))
	a.add("b.jpg", messages.Image, photo(2))
	huge := filepath.Join(a.entries[2].File.Root, a.entries[2].File.Path)
	if err := os.Truncate(huge, 5<<30); err != nil { // sparse
		t.Skipf("no sparse files here: %v", err)
	}
	report, err := a.describe(a.gemini(server))
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]int{}
	for _, l := range report.Left {
		left[l.Why] = l.Attachments
	}
	if report.Described != 1 || left["have a file larger than 4 GiB"] != 2 {
		t.Errorf("the report is %+v", report)
	}
}

// Files inside the messages of an Android backup are extracted as well.
func TestRun_AndroidBackup(t *testing.T) {
	a, server := newAlbum(t), describetest.NewGemini()
	backup := filepath.Join(t.TempDir(), "sms.xml")
	const before = `<smses><mms date="1710529324000" msg_box="1" address="+1"><parts><part ct="image/jpeg" cl="a.jpg" data="`
	content := base64.StdEncoding.EncodeToString(photo(1))
	if err := os.WriteFile(backup, []byte(before+content+`"/></parts></mms></smses>`), 0o600); err != nil {
		t.Fatal(err)
	}
	a.add("a.jpg", messages.Image, nil)
	a.entries[0].File = messages.FilePlace{Root: backup, Path: fmt.Sprintf("%d-%d/a.jpg", len(before), len(content))}
	a.add("gone.jpg", messages.Image, nil)
	if _, err := a.describe(a.gemini(server)); err != nil {
		t.Fatal(err)
	}
	a.want("a.jpg: described A cat on a sofa.", "gone.jpg:")
	if got := server.Asked()[0].Media[0].Data; string(got) != string(photo(1)) {
		t.Errorf("sent %d bytes", len(got))
	}
}

// Whatever happens, the numbers of a report agree with messages.db, and add up to the number of attachments.
func TestRun_NumbersAddUp(t *testing.T) {
	replies := []describetest.Reply{{Text: "A dog."}, {Text: "A dog."}, {Text: "A dog."}, {Text: ""}, {Block: "SAFETY"}, {Status: 500}, {HangUp: true}, {Status: 400}, {Text: "x", Cut: true},
		{Status: 429, Header: http.Header{"Retry-After": {"3"}}}, {Status: 403}}
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random, chance := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2)) // the latter is the server's
			a, server := newAlbum(t), describetest.NewGemini()
			a.pace.Jobs = 1 + random.IntN(4)
			n := 1 + random.IntN(12)
			for i := range n {
				switch name := fmt.Sprint(i); random.IntN(6) {
				case 0:
					a.add(name+".vcf", messages.Contact, []byte("x"))
				case 1:
					a.add(name+".heic", messages.Image, heic)
				case 2:
					a.add(name+".jpg", messages.Image, nil)
				default:
					a.add(name+".jpg", messages.Image, photo(uint8(random.IntN(8))))
				}
			}
			calm := random.IntN(2) == 0
			server.Answer = func(int, *describetest.Asked) describetest.Reply {
				if calm {
					return replies[chance.IntN(5)]
				}
				return replies[chance.IntN(len(replies))]
			}
			g := a.gemini(server)
			for range 3 {
				a.options.RetryFailed = random.IntN(2) == 0
				before := a.counts()
				report, err := a.describe(g)
				sum := report.Described + report.Refused + report.Failed
				for _, l := range report.Left {
					sum += l.Attachments
				}
				if sum != n {
					t.Errorf("%d attachments, and a report of %d: %+v (%v)", n, sum, report, err)
				}
				after := a.counts()
				if got := after[messages.Described] - before[messages.Described]; got != report.Described {
					t.Errorf("%d are already described since, the report says %d", got, report.Described)
				}
				if got := after[messages.Refused] - before[messages.Refused]; !a.options.RetryFailed && got != report.Refused {
					t.Errorf("%d are refused since, the report says %d", got, report.Refused)
				}
				if calm && err != nil {
					t.Error(err)
				}
			}
		})
	}
}

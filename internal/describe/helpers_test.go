package describe_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/describe/describetest"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
)

// album is a message database with attachments, newest first.
type album struct {
	t       *testing.T
	dir     string // of the files
	db      *messages.DB
	entries []messagestest.Message
	options describe.Options
	pace    describe.RunOptions
	clock   describe.Clock
	locator describe.Locator
}

func newAlbum(t *testing.T) *album {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &album{t: t, dir: t.TempDir(), db: db, pace: describe.RunOptions{Jobs: 1, Timeout: 20 * time.Second}}
}

// add adds an attachment with this name and content; nil content means no file.
func (a *album) add(name string, kind messages.Kind, content []byte) *album {
	a.t.Helper()
	if content != nil {
		if err := os.WriteFile(filepath.Join(a.dir, name), content, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	n := int64(len(a.entries))
	a.entries = append(a.entries, messagestest.Message{Members: messages.Members("+1"), GUID: name, Row: n, Date: 1000 - n, Kind: kind, Text: name, Attachment: name,
		File: messages.FilePlace{Root: a.dir, Path: name}})
	messagestest.Fill(a.t, a.db, a.entries...)
	return a
}

// images adds n different pictures.
func (a *album) images(n int) *album {
	for i := range n {
		a.add(fmt.Sprintf("%02d.jpg", i), messages.Image, photo(uint8(i)))
	}
	return a
}

// describe runs once.
func (a *album) describe(s describe.Service) (*describe.Report, error) {
	a.t.Helper()
	return a.describeUntil(a.t.Context(), s)
}

func (a *album) describeUntil(ctx context.Context, s describe.Service) (*describe.Report, error) {
	a.t.Helper()
	plan, err := describe.NewPlan(ctx, a.db, &a.locator, s, a.options)
	if err != nil {
		a.t.Fatal(err)
	}
	a.clock.Use(&a.pace, s)
	report, err := describe.Run(ctx, a.db, s, plan, a.options, a.pace)
	if err := a.locator.Close(); err != nil {
		a.t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(a.db.Folder(), ".*")); len(left) > 0 {
		a.t.Errorf("temporary files are left: %v", left)
	}
	return report, err
}

// want compares the stored results, as "name: status text" or "name: status error".
func (a *album) want(want ...string) {
	a.t.Helper()
	list, err := a.db.Attachments(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	var got []string
	for _, x := range list {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s: %s %s%s", x.Name, x.Status, x.Text, x.Error)))
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		a.t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// counts returns the number of attachments by status.
func (a *album) counts() map[messages.DescriptionStatus]int {
	a.t.Helper()
	list, err := a.db.Attachments(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	counts := make(map[messages.DescriptionStatus]int)
	for _, x := range list {
		counts[x.Status]++
	}
	return counts
}

func (a *album) gemini(s *describetest.Server) *describe.Gemini {
	a.t.Helper()
	a.t.Cleanup(s.Close)
	a.t.Setenv("GOOGLE_GEMINI_BASE_URL", s.URL)
	key := s.Key
	if key == "" {
		key = "secret-key"
	}
	g, err := describe.NewGemini(a.t.Context(), describe.DefaultModel, key)
	if err != nil {
		a.t.Fatal(err)
	}
	return g
}

func (a *album) openAI(s *describetest.Server) *describe.OpenAI {
	a.t.Helper()
	a.t.Cleanup(s.Close)
	o, err := describe.NewOpenAI(a.t.Context(), s.URL+"/v1", "qwen-vl", s.Key)
	if err != nil {
		a.t.Fatal(err)
	}
	return o
}

// photo returns a JPEG, a different one for each shade.
func photo(shade uint8) []byte {
	picture := image.NewGray(image.Rect(0, 0, 16, 8))
	for i := range picture.Pix {
		picture.Pix[i] = shade*16 + 8
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, nil); err != nil {
		panic(err)
	}
	return out.Bytes()
}

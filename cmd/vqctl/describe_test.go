package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/describe/describetest"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/sources/imessage/chatdb"
)

// TestDescribeScripts runs testdata/describe/*.txt with a server of each kind, at $GOOGLE_GEMINI_BASE_URL and $OPENAI_URL.
// `asked NAME N` checks that a server was asked about N attachments, and `keyless NAME` that it was sent no key.
func TestDescribeScripts(t *testing.T) {
	type servers map[string]*describetest.Server
	testscript.Run(t, testscript.Params{
		Dir: "testdata/describe",
		Setup: func(env *testscript.Env) error {
			s := servers{"gemini": describetest.NewGemini(), "openai": describetest.NewOpenAI("qwen-vl")}
			s["gemini"].Key = "right-key"
			for _, server := range s {
				env.Defer(server.Close)
			}
			env.Values["servers"] = s
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("PATH", filepath.Join(env.WorkDir, "bin")+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("GOOGLE_GEMINI_BASE_URL", s["gemini"].URL)
			env.Setenv("OPENAI_URL", s["openai"].URL)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"asked": func(ts *testscript.TestScript, _ bool, args []string) {
				if n := len(ts.Value("servers").(servers)[args[0]].Asked()); fmt.Sprint(n) != args[1] {
					ts.Fatalf("%s was asked %d times, want %s", args[0], n, args[1])
				}
			},
			"keyless": func(ts *testscript.TestScript, _ bool, args []string) {
				for _, a := range ts.Value("servers").(servers)[args[0]].Asked() {
					if a.Key != "" {
						ts.Fatalf("%s was sent the key %q", args[0], a.Key)
					}
				}
			},
		},
	})
}

// writeAlbum creates the home folder of a Mac with a chat of attachments: two copies of a photo, a voice message, a contact
// card, and a picture whose file is missing.
func writeAlbum() {
	if err := makeAlbum(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func makeAlbum() error {
	const folder = "Library/Messages/Attachments/ab"
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		return err
	}
	for name, content := range map[string]string{folder + "/cat.jpg": photo.String(), folder + "/cat 2.jpg": photo.String(), "cat.jpg": photo.String(),
		folder + "/memo.caf": "caff, and a voice", folder + "/card.vcf": "BEGIN:VCARD"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			return err
		}
	}
	w, err := chatdb.Create("Library/Messages/chat.db", chatdb.Latest)
	if err != nil {
		return err
	}
	john := w.Handle("+442079460101", "iMessage")
	chat := w.Chat(chatdb.Chat{Handles: []int64{john}})
	for i, name := range []string{"cat.jpg", "cat 2.jpg", "memo.caf", "card.vcf", "cloud.jpg"} {
		a := w.Attachment(chatdb.Attachment{GUID: name, Filename: "~/" + folder + "/" + name})
		w.Message(chatdb.Message{Chat: chat, Handle: john, Date: time.Date(2024, 3, 15, 12, 10-i, 0, 0, time.UTC), Attachments: []int64{a},
			Body: chatdb.Parts(chatdb.Part{Attachment: name})})
	}
	w.Message(chatdb.Message{Chat: chat, FromMe: true, Date: time.Date(2024, 3, 15, 13, 0, 0, 0, time.UTC), Text: "nice"})
	return w.Close()
}

func TestRunDescribe_AsksInATerminal(t *testing.T) {
	for answer, want := range map[string]int{"y\n": 1, "yes\n": 1, "n\n": 0, "\n": 0} {
		o, server := albumOfOne(t)
		o.terminal = true
		var out strings.Builder
		if err := runDescribe(t.Context(), o, strings.NewReader(answer), &out); err != nil {
			t.Fatal(err)
		}
		if n := len(server.Asked()); n != want || (n == 0) != strings.Contains(out.String(), "nothing was sent") {
			t.Errorf("%q: %d were sent: %s", answer, n, out.String())
		}
	}
}

func TestRunDescribe_Interrupted(t *testing.T) {
	o, server := albumOfOne(t)
	o.yes = true
	ctx, interrupt := context.WithCancel(t.Context())
	server.Answer = func(int, *describetest.Asked) describetest.Reply {
		interrupt()
		return describetest.Reply{Wait: 20 * time.Second}
	}
	if err := runDescribe(ctx, o, strings.NewReader(""), io.Discard); err == nil || !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// albumOfOne returns the options for a database with one picture, and a Gemini server.
func albumOfOne(t *testing.T) (describeOptions, *describetest.Server) {
	t.Helper()
	server := describetest.NewGemini()
	t.Cleanup(server.Close)
	t.Setenv("GOOGLE_GEMINI_BASE_URL", server.URL)
	dir := t.TempDir()
	db, err := messages.Create(t.Context(), filepath.Join(dir, "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.jpg"), photo.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	messagestest.Fill(t, db, messagestest.Message{Members: messages.Members("+1"), GUID: "a", Kind: messages.Image, Text: "a.jpg", Attachment: "a",
		File: messages.FilePlace{Root: dir, Path: "a.jpg"}})
	t.Setenv("GEMINI_API_KEY", "key")
	return describeOptions{dataDir: dir, model: describe.DefaultModel, jobs: 1, perMinute: -1, timeout: time.Minute}, server
}

func TestPlanInWords_OneFileGoes(t *testing.T) {
	t.Parallel()
	p := describe.Plan{Files: 1, Bytes: 2048, Where: "this machine", Model: "m", Local: true, Send: []describe.KindPlan{{Kind: "image", Files: 1}}}
	if got := planInWords(&p); !strings.HasPrefix(got, "1 image (2.0 KiB) goes to this machine, model m\n") {
		t.Errorf("it says %q", got)
	}
}

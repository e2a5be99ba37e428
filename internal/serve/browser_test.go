package serve_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"ventriloquist/internal/serve"
)

// browser starts a headless Chromium, or skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium on this machine")
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if _, err := chromedp.Run(ctx, chromedp.Title()); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a tab of the browser that shows the page.
type tab struct {
	*testing.T
	ctx context.Context
}

// newTab opens an address in a new tab; its end checks that the browser had nothing to complain about.
func newTab(t *testing.T, browser context.Context, address string) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser)
	ctx, expire := context.WithTimeout(ctx, time.Minute)
	console, heard := chromedp.Console(ctx), make(chan struct{})
	go func() {
		defer close(heard)
		for m, err := range console {
			if err == nil && m.Type != "debug" && !strings.Contains(m.Text, "401") { // the token is missing on purpose
				t.Errorf("the browser's console: %s", m.Text)
			}
		}
	}()
	t.Cleanup(func() {
		expire()
		stop()
		<-heard
	})
	b := &tab{t, ctx}
	b.prefer("light")
	b.do(chromedp.Navigate(address))
	return b
}

// prefer sets the colors that the user prefers. There are no animations: a click could miss what moves.
func (b *tab) prefer(colors string) {
	b.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colors}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
		b.Fatal(err)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// js evaluates an expression.
func js[V any](b *tab, expression string) V {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[V](expression))
	if err != nil {
		b.Fatal(err)
	}
	return value
}

// until waits until an expression is true.
func (b *tab) until(expression string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(40*time.Second))); err != nil {
		b.Fatalf("%s: %v; the page says %q", expression, err, js[string](b, `document.getElementById("problem").textContent`))
	}
}

// picture writes what is seen into the folder that VQCTL_PICTURES names, if it does.
func (b *tab) picture(name string) {
	b.Helper()
	if folder := os.Getenv("VQCTL_PICTURES"); folder != "" {
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

const (
	ready    = `!document.getElementById("views").hidden && document.querySelectorAll("#history-list button").length > 0`
	messages = `document.querySelectorAll("#log .message:not([aria-busy])").length`
	idle     = `document.getElementById("stop").hidden`
)

func TestPage_InABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	ctx := browser(t)
	h, _ := open(t, withArchive)
	hostilePeople, _ := open(t, func(o *serve.Options) {
		second := *o.Models[0]
		first := *o.Models[0]
		first.Adapter, second.Adapter = "first", "second"
		first.People, second.People = []string{"Ben", hostile}, []string{"Ben", hostile}
		o.Models, o.Archive = []*serve.Model{&first, &second}, past{}
	})
	secured, _ := open(t, func(o *serve.Options) { o.Archive, o.Token = past{}, "0123456789abcdef" })

	t.Run("talks", func(t *testing.T) { testTalk(newTab(t, ctx, h.URL)) })
	t.Run("shows the history", func(t *testing.T) { testHistory(newTab(t, ctx, h.URL)) })
	t.Run("compares adapters, and texts never become markup", func(t *testing.T) { testHostile(newTab(t, ctx, hostilePeople.URL)) })
	t.Run("wants the token", func(t *testing.T) { testToken(newTab(t, ctx, secured.URL)) })
	t.Run("takes the token of its address", func(t *testing.T) {
		b := newTab(t, ctx, secured.URL+"/#token=0123456789abcdef")
		b.until(ready)
		if address := js[string](b, "location.href"); strings.Contains(address, "token") {
			b.Errorf("the address is still %s", address)
		}
	})
	t.Run("works on a phone, in the dark, with a screen reader", func(t *testing.T) { testPhone(newTab(t, ctx, h.URL)) })
}

// testTalk writes, is answered, takes back, lets them talk, and stops them, with the keyboard alone where that is shorter.
func testTalk(b *tab) {
	b.until(ready)
	b.do(chromedp.SendKeys(chromedp.CSS("#write"), "which ubuntu?"+kb.Enter))
	b.until(messages + " === 2 && " + idle)
	if who := js[string](b, `[...document.querySelectorAll("#log .who")].map(e => e.textContent).join()`); who != "Ben,Ada" {
		b.Errorf("%s wrote", who)
	}
	if said := js[string](b, `document.getElementById("status").textContent`); !strings.HasPrefix(said, "Ada: ") {
		b.Errorf("a screen reader is told %q", said)
	}
	b.do(chromedp.Click(chromedp.CSS("#undo")))
	b.until(messages + " === 0")
	b.do(chromedp.SetValue(chromedp.CSS("#candidates"), "3"), chromedp.SendKeys(chromedp.CSS("#write"), "hello"+kb.Enter))
	b.until(`document.querySelectorAll(".offer button:not(:disabled)").length === 3`)
	b.do(chromedp.Click(chromedp.CSS(".offer:nth-child(2) button")))
	b.until(messages + ` === 2 && document.getElementById("offers").hidden`)
	b.do(chromedp.SetValue(chromedp.CSS("#turn-count"), "3"), chromedp.Click(chromedp.CSS("#let-talk")))
	b.until(messages + " === 5 && " + idle)
	b.do(chromedp.SetValue(chromedp.CSS("#turn-count"), "100"), chromedp.Click(chromedp.CSS("#let-talk")))
	b.until(messages + " > 6")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until(idle)
	b.do(chromedp.Click(chromedp.CSS("#clear")))
	b.until(messages + " === 0")
}

// testHistory reads all pages, and continues from a real message.
func testHistory(b *tab) {
	b.until(ready)
	b.picture("talk")
	for _, want := range []int{50, 100, 120} {
		b.until(fmt.Sprintf(`document.querySelectorAll("#history-list button").length === %d && !document.getElementById("earlier").disabled`, want))
		if want < 120 {
			b.do(chromedp.Click(chromedp.CSS("#earlier")))
		}
	}
	if shown := js[bool](b, `document.getElementById("earlier").hidden`); !shown {
		b.Error("there seem to be earlier messages than the first")
	}
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#history-list button[tabindex='0']").focus()`), chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.Enter))
	b.until(messages + " === 100")
	if focus := js[string](b, "document.activeElement.id"); focus != "write" {
		b.Errorf("the focus is at %q", focus)
	}
	b.do(chromedp.Click(chromedp.CSS("#answer")))
	b.until(`document.querySelectorAll(".offer button:not(:disabled)").length === 1`)
	if text := js[string](b, `document.querySelector(".offer.really").textContent`); !strings.Contains(text, "real message 120") {
		b.Errorf("what was really written is %q", text)
	}
	b.picture("compare")
}

// testHostile has people whose names and texts are markup, on every view.
func testHostile(b *tab) {
	b.until(`document.querySelector("#conversation option[value='2']") !== null`)
	b.do(chromedp.SetValue(chromedp.CSS("#conversation"), "2"), chromedp.Evaluate[chromedp.Void](`document.getElementById("conversation").dispatchEvent(new Event("change"))`))
	b.until(`document.querySelectorAll("#history-list button").length === 1`)
	b.do(chromedp.Click(chromedp.CSS("#history-list button")))
	b.until(messages + " === 1")
	b.do(chromedp.SetValue(chromedp.CSS("#write"), hostile), chromedp.Click(chromedp.CSS("#adapter-list label:nth-child(2) input")),
		chromedp.Evaluate[chromedp.Void](`document.getElementById("author").value = "Ben"`), chromedp.Click(chromedp.CSS("#send")))
	b.until(`document.querySelectorAll(".offer button:not(:disabled)").length === 2`)
	b.do(chromedp.Click(chromedp.CSS(".offer:nth-child(1) button")))
	b.until(messages + " === 3")
	b.do(chromedp.Focus(chromedp.CSS("#tab-talk")), chromedp.KeyEvent(kb.ArrowRight))
	b.until(`document.querySelector("#statistics table") !== null`)
	b.picture("statistics")
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	b.until(`document.querySelector("#training table") !== null`)
	b.picture("training")
	if js[bool](b, `"pwned" in window`) {
		b.Error("a text ran as a script")
	}
	if n := js[int](b, `document.querySelectorAll("main img, main script, [onerror], [onload]").length`); n > 0 {
		b.Errorf("%d elements were made of texts", n)
	}
	if n := js[int](b, `[...document.querySelectorAll("bdi")].filter(e => e.textContent.includes("onerror=\"window.pwned=1\"")).length`); n < 8 {
		b.Errorf("the hostile text is shown %d times", n)
	}
}

func testToken(b *tab) {
	b.until(`!document.getElementById("sign-in").hidden`)
	b.do(chromedp.SendKeys(chromedp.CSS("#token"), "wrong"+kb.Enter))
	b.until(`document.getElementById("problem").textContent.includes("wrong")`)
	b.do(chromedp.SetValue(chromedp.CSS("#token"), "0123456789abcdef"), chromedp.Click(chromedp.CSS("#sign-in button")))
	b.until(ready)
}

// testPhone holds the page to a phone's width, and every control to a name that a screen reader can say.
func testPhone(b *tab) {
	b.prefer("dark")
	b.do(chromedp.EmulateViewport(360, 740), chromedp.Reload())
	b.until(ready)
	if width := js[int](b, "document.documentElement.scrollWidth"); width > 360 {
		b.Errorf("the page is %d pixels wide on a phone of 360", width)
	}
	if ground := js[string](b, "getComputedStyle(document.body).backgroundColor"); ground != "rgb(18, 21, 24)" {
		b.Errorf("the background is %s in the dark", ground)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#write"), "hi"+kb.Enter))
	b.until(messages + " === 2 && " + idle)
	b.picture("phone")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach(d => d.open = true)`))
	tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		b.Fatal(err)
	}
	named := 0
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		switch role := strings.Trim(string(n.Role.Value), `"`); role {
		case "button", "textbox", "searchbox", "checkbox", "combobox", "spinbutton", "tab", "tabpanel", "region", "log", "list", "img", "link":
			if n.Name == nil || strings.Trim(string(n.Name.Value), `"`) == "" {
				b.Errorf("a %s has no name", role)
			}
			named++
		}
	}
	if named < 20 {
		b.Errorf("a screen reader finds %d controls", named)
	}
}

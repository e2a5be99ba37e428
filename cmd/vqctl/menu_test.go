package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people/addressbook/addressbooktest"
	"ventriloquist/internal/terminal"
)

// menuIn runs the menu in an empty folder with what is typed, and returns what it shows and the commands that it runs.
func menuIn(t *testing.T, typed string) (shown string, ran []string) {
	t.Helper()
	var out strings.Builder
	runStep := func(args []string) error {
		ran = append(ran, strings.Join(args, " "))
		if args[0] == "collect" && len(args) == 1 {
			return newApp().Run(t.Context(), []string{"vqctl", "collect", "--source", "a.jsonl", "--me", "Ben"})
		}
		return nil
	}
	if err := runMenu(t.Context(), strings.NewReader(typed), &out, runStep); err != nil {
		t.Fatal(err)
	}
	return out.String(), ran
}

// Row: the menu hid what is required. The name, the contacts and the base model are steps, and "all" does what is missing, in order;
// describing costs money or needs a server, so "all" leaves it out.
func TestMenu_AllDoesWhatIsMissingInOrder(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("MY_NAME", "")
	t.Setenv("VENTRILOQUIST_MODELS", t.TempDir())
	writeExport(t, "a.jsonl", 4)
	home := t.TempDir()
	t.Setenv("HOME", home)
	if err := writeMessages(filepath.Join(home, "Library", "Messages", "chat.db")); err != nil {
		t.Fatal(err)
	}
	shown, ran := menuIn(t, "a\nAidan Lee\n1\nq\n")
	if want := []string{"collect", "contacts suggest", "preprocess", "train --base-model tiny"}; !slices.Equal(ran, want) {
		t.Errorf("it ran %q, want %q", ran, want)
	}
	var keys []string
	for line := range strings.Lines(strings.SplitN(shown, "> ", 2)[0]) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "  ") && len(fields) > 0 {
			keys = append(keys, fields[0])
		}
	}
	if want := []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "s", "d", "a", "q"}; !slices.Equal(keys, want) {
		t.Errorf("the menu shows %q, want %q", keys, want)
	}
	if !strings.Contains(shown, "all that is missing: 1, 2, 3, 5, 6, 7") {
		t.Errorf("it shows\n%s", shown)
	}
	if settings, err := os.ReadFile(".env"); err != nil || string(settings) != "MY_NAME=\"Aidan Lee\"\n" {
		t.Errorf(".env is %q, %v", settings, err)
	}
}

// Wrong keys, empty lines and the end of the input are no errors; flags may follow a key, and commands have their names.
func TestMenu_TakesFlagsAndNames(t *testing.T) {
	t.Chdir(t.TempDir())
	_, ran := menuIn(t, "nonsense\n\n  \n5 --stride 10\npreprocess\n9 --json\nEvaluate\nd\n")
	if want := []string{"preprocess --stride 10", "preprocess", "evaluate --json", "evaluate", "doctor"}; !slices.Equal(ran, want) {
		t.Errorf("it ran %q, want %q", ran, want)
	}
}

// Row: `2` redid preprocess with the default flags, without a question.
func TestMenu_AsksBeforeReplacingAndKeepsTheFlags(t *testing.T) {
	dir := t.TempDir()
	writeExport(t, filepath.Join(dir, "a.jsonl"), 60)
	c := newConsole(dir, 80)
	c.run(t, "collect", "--source", "a.jsonl", "--me", "Ben")
	c.run(t, "contacts", "suggest", "--yes", "--address-book", ".")
	c.run(t, "preprocess", "--window", "4", "--stride", "4")
	t.Chdir(dir)
	shown, ran := menuIn(t, "5\nn\n5\ny\n5 --stride 2\ny\n2\n")
	if want := []string{"preprocess --window 4 --stride 4", "preprocess --stride 2", "collect --source a.jsonl --me Ben"}; !slices.Equal(ran, want) {
		t.Errorf("it ran %q, want %q\n%s", ran, want, shown)
	}
	for _, want := range []string{"done 20", "60 messages (--source a.jsonl --me Ben)", "23 windows (--window 4 --stride 4)", "this replaces the 23 windows",
		"run: vqctl preprocess --window 4 --stride 4? [y/N]", "nothing was changed", "1 person"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in\n%s", want, shown)
		}
	}
}

// The other settings of .env stay.
func TestWriteSetting_KeepsOtherLines(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("MY_NAME", "")
	for _, c := range []struct{ before, after string }{
		{"", "MY_NAME=\"李 é\"\n"}, {"A=1", "A=1\nMY_NAME=\"李 é\"\n"}, {"# mine\nMY_NAME=Old\nB='2'\n", "# mine\nMY_NAME=\"李 é\"\nB='2'\n"},
	} {
		if err := os.WriteFile(".env", []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := writeSetting("MY_NAME", "李 é"); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(".env"); string(got) != c.after {
			t.Errorf("%q became %q, want %q", c.before, got, c.after)
		}
	}
	if writeSetting("MY_NAME", `a"b`) == nil {
		t.Error("a quote was written")
	}
}

// Row: the menu fits the terminal. Ctrl-C at the prompt and in a step leads back to the menu; twice at the prompt it leaves.
func TestTerminal_MenuFitsAndSurvivesCtrlC(t *testing.T) {
	const prompt = "\n> "
	for _, columns := range []int{40, 80, 200} {
		dir := t.TempDir()
		cmd := command(dir, []string{"TERM=xterm", "HOME=" + dir, "MY_NAME=Benjamin \"Ben\" 🎣 with a long name that goes on and on and on"})
		file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: uint16(columns)})
		if err != nil {
			t.Skipf("no pseudo-terminal: %v", err)
		}
		defer file.Close()
		var all string
		send := func(keys, until string) {
			t.Helper()
			if _, err := file.WriteString(keys); err != nil {
				t.Fatal(err)
			}
			all += readText(t, file, until)
		}
		send("", prompt)
		send("\x03", prompt)
		send("x\r", prompt)
		send("7\r", prompt) // train fails: there are no windows
		if !strings.Contains(all, "q quits, and so does Ctrl-C again") || !strings.Contains(all, `"x" is not in the menu`) || !strings.Contains(all, "hint: ") {
			t.Errorf("%d columns: it shows\n%s", columns, all)
		}
		for line := range strings.SplitSeq(all, "\r\n") {
			if strings.HasPrefix(line, "  ") && terminal.Width(line) >= columns {
				t.Errorf("%d columns: %q is too long", columns, line)
			}
		}
		send("\x03", prompt)
		if _, err := file.WriteString("\x03"); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() != exitInterrupted {
			t.Errorf("%d columns: the menu ends with %v", columns, cmd.ProcessState)
		}
	}
}

// Row MY_NAME: the name on the owner's card is offered in the first step already, before there are messages.
func TestMenu_OffersTheNameOfTheOwnersCard(t *testing.T) {
	home := t.TempDir()
	t.Chdir(t.TempDir())
	t.Setenv("HOME", home)
	t.Setenv("MY_NAME", "")
	books := filepath.Join(home, "Library", "Application Support", "AddressBook")
	if err := os.MkdirAll(books, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := addressbooktest.WriteMac(filepath.Join(books, "AddressBook-v22.abcddb"), addressbooktest.Card{First: "Zoë", Last: "O’Brien", Phones: []string{"+12125550101"}, Me: true}); err != nil {
		t.Fatal(err)
	}
	shown, _ := menuIn(t, "1\n\nq\n")
	if settings, err := os.ReadFile(".env"); err != nil || string(settings) != "MY_NAME=\"Zoë O’Brien\"\n" {
		t.Errorf(".env is %q (%v), and the menu shows\n%s", settings, err, shown)
	}
}

// Ctrl-C while the menu reads how far the pipeline is leads to the menu, like Ctrl-C at its prompt.
func TestMenu_SurvivesCtrlCWhileItReadsItsState(t *testing.T) {
	t.Chdir(t.TempDir())
	reads := 0
	read := func(ctx context.Context) menuState {
		if reads++; reads == 1 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			<-ctx.Done()
		}
		return menuState{}
	}
	var out strings.Builder
	m := &menu{lines: newLineReader(strings.NewReader("q\n")), out: &out, read: read}
	ctx, stop := watchInterrupts(t.Context())
	defer stop()
	if err := m.loop(ctx); err != nil || reads != 2 || strings.Count(out.String(), "quit\n") != 1 {
		t.Errorf("the menu ends with %v after %d reads and shows\n%s", err, reads, out.String())
	}
}

// readText reads a terminal until it shows text, and returns all that it showed.
func readText(t *testing.T, file *os.File, text string) string {
	t.Helper()
	var all []byte
	buffer := make([]byte, 1<<12)
	for !strings.Contains(string(all), text) {
		n, err := file.Read(buffer)
		all = append(all, buffer[:n]...)
		if err != nil {
			t.Fatalf("%q did not appear: %v\n%s", text, err, all)
		}
	}
	return string(all)
}

// The menu shows what train would use: the settings of train.toml with its base model, and those chosen for the data. A faulty file is
// said there already.
func TestMenu_ShowsTheSettingsOfTraining(t *testing.T) {
	dir := t.TempDir()
	writeExport(t, filepath.Join(dir, "a.jsonl"), 60)
	c := newConsole(dir, 80)
	c.run(t, "collect", "--source", "a.jsonl", "--me", "Ben")
	c.run(t, "contacts", "suggest", "--yes", "--address-book", ".")
	c.run(t, "preprocess", "--window", "4", "--stride", "4")
	t.Chdir(dir)
	for file, wants := range map[string][]string{
		"": {"chosen for ", " targets: ", "num-epochs 4"},
		"learning-rate = 0.0004\nbase-model = \"tiny\"\nnum-epochs = 7\n": {"base model           tiny", "from data/train.toml: base-model tiny, learning-rate 0.0004, num-epochs 7; chosen for "},
		"lerning-rate = 1\n": {`problem: data/train.toml:1: train has no setting "lerning-rate"`},
	} {
		if err := os.WriteFile("data/train.toml", []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		shown, _ := menuIn(t, "q\n")
		for _, want := range wants {
			if !strings.Contains(shown, want) {
				t.Errorf("train.toml %q: %q is not in\n%s", file, want, shown)
			}
		}
	}
}

// Where there is no message history of a Mac's, the menu asks for an export, as typed or as a shell needs it.
func TestMenu_AsksForAnExport(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("HOME", t.TempDir())
	if err := os.WriteFile("a b.zip", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	shown, ran := menuIn(t, "2\na b.zip\n2\n'a b.zip'\n2\na\\ b.zip\n2\n\n2 --source \"a b.zip\"\n2 \"a\nq\n")
	if want := []string{"collect --source a b.zip", "collect --source a b.zip", "collect --source a b.zip", "collect --source a b.zip"}; !slices.Equal(ran, want) {
		t.Errorf("it ran %q\n%s", ran, shown)
	}
	if !strings.Contains(shown, "nothing was changed") {
		t.Errorf("it shows\n%s", shown)
	}
}

// The choice of a base model says what each costs.
func TestMenu_SaysWhatBaseModelsCost(t *testing.T) {
	dir := t.TempDir()
	writeExport(t, filepath.Join(dir, "a.jsonl"), 60)
	t.Setenv("VENTRILOQUIST_MODELS", dir)
	c := newConsole(dir, 80)
	c.run(t, "collect", "--source", "a.jsonl", "--me", "Ben")
	c.run(t, "contacts", "suggest", "--yes", "--address-book", ".")
	c.run(t, "preprocess", "--window", "4", "--stride", "4")
	t.Chdir(dir)
	shown, _ := menuIn(t, "6\n1\nq\n")
	if !regexp.MustCompile(`(?m)^1 +tiny +on this machine +[0-9.]+ (seconds?|minutes)$`).MatchString(shown) ||
		!regexp.MustCompile(`(?m)^2 +Qwen/Qwen3-0.6B-Base +a download of 1.11 GiB +[0-9.]+ (seconds?|minutes|hours)`).MatchString(shown) {
		t.Errorf("it shows\n%s", shown)
	}
}

// A model whose training would take days here is not downloaded by Enter alone: the data goes to another machine.
func TestMenu_DownloadsNothingForTrainingThatTakesDays(t *testing.T) {
	dir := t.TempDir()
	writeExport(t, filepath.Join(dir, "a.jsonl"), 2000)
	t.Setenv("VENTRILOQUIST_MODELS", dir)
	t.Setenv("MY_NAME", "Ben")
	c := newConsole(dir, 80)
	c.run(t, "collect", "--source", "a.jsonl", "--me", "Ben")
	c.run(t, "contacts", "suggest", "--yes", "--address-book", ".")
	c.run(t, "preprocess", "--stride", "1")
	t.Chdir(dir)
	for _, typed := range []string{"6\n\nq\n", "a\n\nq\n"} {
		shown, ran := menuIn(t, typed)
		if len(ran) != 0 || !strings.Contains(shown, "which (Enter: none, to train on another machine)?") || !strings.Contains(shown, "rsync -a data .env") {
			t.Errorf("%q ran %q and shows\n%s", typed, ran, shown)
		}
	}
}

// The flags and the date of a run in another folder are not those of the menu's adapter.
func TestMenu_RunElsewhereIsNotTheAdapters(t *testing.T) {
	t.Parallel()
	s := menuState{runs: map[string]messages.LastRun{"train": {At: time.Now(), Flags: []string{"--output-dir", "runs/b", "--lora-r", "4"}}}}
	s.trained = true
	if got := sayTrain(s); got != "done: checkpoints/ventriloquist/final; the latest run is in runs/b" {
		t.Errorf("it says %q", got)
	}
}

// Training again takes the flags of the latest run, but not its folder and its name: the adapter of the menu's folder is made, while
// the other run keeps its own.
func TestMenu_TrainsInItsOwnFolder(t *testing.T) {
	t.Parallel()
	elsewhere := []string{"--output-dir", "runs/b", "--run-name", "b"}
	latest := append(slices.Clone(elsewhere), "--lora-r", "4", "--base-model", "tiny")
	for _, c := range []struct {
		trained     bool
		latest      []string
		typed, want string
	}{
		{true, elsewhere, "7\ny\nq\n", "train --base-model tiny"}, {true, []string{"--run-name", "b"}, "7\ny\nq\n", "train --run-name b --base-model tiny"},
		{false, latest, "7\nq\n", "train --lora-r 4 --base-model tiny"}, {true, latest, "7\ny\nq\n", "train --lora-r 4 --base-model tiny"},
		{true, latest, "7 --output-dir runs/c\nq\n", "train --output-dir runs/c --base-model tiny"},
		{true, latest, "7 --output-dir=runs/c --base-model=x\nq\n", "train --output-dir=runs/c --base-model=x"},
	} {
		var ran []string
		var out strings.Builder
		m := &menu{lines: newLineReader(strings.NewReader(c.typed)), out: &out}
		m.run = func(args []string) error { ran = append(ran, strings.Join(args, " ")); return nil }
		m.read = func(context.Context) menuState {
			s := menuState{base: "tiny", runs: map[string]messages.LastRun{"train": {At: time.Now(), Flags: c.latest}}}
			s.trained = c.trained
			return s
		}
		if err := m.loop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ran, []string{c.want}) {
			t.Errorf("%q ran %q, want %q\n%s", c.typed, ran, c.want, out.String())
		}
	}
}

func TestSplitWords_KeepsQuotedSpaces(t *testing.T) {
	for line, want := range map[string][]string{
		"5 --stride 10": {"5", "--stride", "10"}, `2 --source "a b" 'c "d'`: {"2", "--source", "a b", `c "d`}, `a\ b`: {"a b"}, `x ""`: {"x", ""}, "  ": nil,
	} {
		if got, err := splitWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is %q, %v", line, got, err)
		}
	}
	if _, err := splitWords(`2 "a`); err == nil {
		t.Error("an open quote is accepted")
	}
}

package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"testing"
)

// TestMain makes the test binary a stand-in for vqctl: it prints what FAKE_<COMMAND> holds, or fails without it. The command
// "train" saves when it is interrupted.
func TestMain(m *testing.M) {
	if os.Getenv("FAKE_VQCTL") == "" {
		os.Exit(m.Run())
	}
	if os.Args[1] == "train" {
		interrupted := make(chan os.Signal, 1)
		signal.Notify(interrupted, os.Interrupt)
		fmt.Println("training")
		<-interrupted
		fmt.Println("saved")
		os.Exit(130)
	}
	answer, ok := os.LookupEnv("FAKE_" + os.Args[1])
	if !ok {
		os.Exit(1)
	}
	fmt.Println(answer, os.Getenv("MY_NAME"))
	os.Exit(0)
}

func runFake(t *testing.T, base, trained string, steps []Step) (Result, string, error) {
	t.Helper()
	t.Setenv("FAKE_VQCTL", "1")
	t.Setenv("FAKE_base", base)
	t.Setenv("FAKE_trained", trained)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := Runner{Program: program, Dir: t.TempDir(), Stdout: &out, Stderr: io.Discard, Interrupt: os.Interrupt}
	result, err := r.Run(context.Background(), steps)
	return result, out.String(), err
}

var scored = []Step{{Args: []string{"base"}, Score: before}, {Args: []string{"trained"}, Score: after}}

func TestRunner_MeasuresAndPrintsCommands(t *testing.T) {
	t.Setenv("MY_NAME", "somebody else")
	result, out, err := runFake(t, `{"perplexity": 9.5}`, `{"perplexity": 7.25}`, scored)
	if err != nil || result.Before != 9.5 || result.After != 7.25 {
		t.Errorf("%+v, %v", result, err)
	}
	if !strings.Contains(out, "$ vqctl base\n{\"perplexity\": 9.5}") {
		t.Errorf("command or its output missing:\n%s", out)
	}
	if strings.Contains(out, "somebody else") {
		t.Error("the user's MY_NAME hides the folder's .env")
	}
}

func TestRunner_MeasuresAuthors(t *testing.T) {
	scores := func(perplexity, accuracy string) string {
		return `{"perplexity":` + perplexity + `,"who_said_it":{"messages":8,"accuracy":` + accuracy + `,"chance":0.5,"per_contact":{"A {x}":{"messages":3,"accuracy":1},"B":{"messages":5,"accuracy":0}}}}`
	}
	result, out, err := runFake(t, scores("9.5", "0.5"), scores("7.25", "0.625"), scored)
	if err != nil || result.AuthorsBefore.Accuracy != 0.5 || *result.AuthorsAfter != (Authors{8, 0.625, 0.5}) {
		t.Errorf("%+v, %v", result, err)
	}
	if !strings.Contains(out, `"chance":0.5,"per_contact":{…}}}`) {
		t.Errorf("every person's scores are printed:\n%s", out)
	}
	var printed strings.Builder
	result.Print(&printed)
	if !strings.Contains(printed.String(), "the author is named for 62.5% of 8 messages,\n50.0% before training (by guessing: 50.0%)") {
		t.Error(printed.String())
	}
}

func TestRunner_FailsIfNothingWasLearned(t *testing.T) {
	for _, trained := range []string{"9.5", "9.6", "1e999"} {
		if _, _, err := runFake(t, `{"perplexity": 9.5}`, `{"perplexity": `+trained+`}`, scored); err == nil {
			t.Errorf("no error for %s after training", trained)
		}
	}
	if _, _, err := runFake(t, `{"perplexity": 9.5}`, `{"perplexity": 9.5}`, scored); !errors.Is(err, ErrNotLearned) {
		t.Errorf("%v, want ErrNotLearned", err)
	}
}

func TestRunner_FailsWithoutScore(t *testing.T) {
	for _, out := range []string{"", "words", "{}", `{"perplexity": 0}`} {
		if _, _, err := runFake(t, `{"perplexity": 9.5}`, out, scored); err == nil {
			t.Errorf("no error for %q", out)
		}
	}
}

func TestRunner_StopsAtAFailingCommand(t *testing.T) {
	_, out, err := runFake(t, `{"perplexity": 9.5}`, `{"perplexity": 7}`, append([]Step{{Args: []string{"missing"}}}, scored...))
	if err == nil || strings.Contains(out, "vqctl base") {
		t.Errorf("went on after a failure (%v):\n%s", err, out)
	}
}

// canceler cancels a context when the command says that it is training.
type canceler struct {
	text   bytes.Buffer // not embedded: its ReadFrom would hide Write
	cancel context.CancelFunc
}

func (w *canceler) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "training") {
		w.cancel()
	}
	return w.text.Write(p)
}

func TestRunner_InterruptedCommandSaves(t *testing.T) {
	t.Setenv("FAKE_VQCTL", "1")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &canceler{cancel: cancel}
	r := Runner{Program: program, Dir: t.TempDir(), Stdout: out, Stderr: io.Discard, Interrupt: os.Interrupt}
	_, err = r.Run(ctx, append([]Step{{Args: []string{"train"}}}, scored...))
	var interrupted *InterruptedError
	if !errors.As(err, &interrupted) || interrupted.Step != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if text := out.text.String(); !strings.Contains(text, "saved") || strings.Contains(text, "vqctl base") {
		t.Errorf("the command did not save, or the demonstration went on:\n%s", text)
	}
}

func TestCommandLine_IsValidInAShell(t *testing.T) {
	t.Parallel()
	got := commandLine("", "vqctl", []string{"generate", "--as", "EriC^^", "--message", "lsfret: it's off", "--seed", "1"})
	if want := `vqctl generate --as 'EriC^^' --message 'lsfret: it'\''s off' --seed 1`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A terminal of 80 columns breaks no word of a command, and the shell reads the lines as one.
func TestCommandLine_FitsEightyColumns(t *testing.T) {
	args := append(strings.Fields("train --data-path data/training_windows.jsonl --base-model tiny --lora-r 32 --learning-rate 2e-3"), "--message", "a: b c")
	line := commandLine("  ", "vqctl", args)
	if !strings.Contains(line, "\n") {
		t.Errorf("one line: %s", line)
	}
	for part := range strings.SplitSeq("  "+line, "\n") {
		if len(part) > 79 {
			t.Errorf("%q is too long", part)
		}
	}
	if joined := strings.Join(strings.Fields(strings.ReplaceAll(line, "\\\n", " ")), " "); joined != "vqctl "+strings.Join(args[:len(args)-1], " ")+" 'a: b c'" {
		t.Errorf("it is %s", joined)
	}
}

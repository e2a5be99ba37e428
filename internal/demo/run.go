package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"ventriloquist/internal/lazyregexp"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// ErrNotLearned is the error of a demonstration in which every command worked, but training did not improve the model.
var ErrNotLearned = errors.New("the held-out perplexity is not below the base model's")

// InterruptedError is the error of a demonstration that was interrupted in one of its steps.
type InterruptedError struct {
	Step, Steps int    // from 1
	Command     string // the command of the step, such as "train"
	Dir         string
}

func (e *InterruptedError) Error() string {
	return fmt.Sprintf("interrupted in step %d of %d, %s; the files so far are in %s", e.Step, e.Steps, e.Command, e.Dir)
}

// Is makes the error a cancellation.
func (e *InterruptedError) Is(target error) bool { return target == context.Canceled }

// Runner runs the steps.
type Runner struct {
	Program        string // path of vqctl
	Dir            string
	Stdout, Stderr io.Writer // the terminal itself, not pipes to it, to show progress bars
	Interrupt      os.Signal // stops the running command, which may have received the user's own signal too
}

// Result is what the demonstration measured on held-out messages.
type Result struct {
	Before, After               float64 // perplexity
	AuthorsBefore, AuthorsAfter *Authors
	Took                        time.Duration
}

// Authors is how often the model named the author of a message by its text.
type Authors struct {
	Messages int     `json:"messages"`
	Accuracy float64 `json:"accuracy"`
	Chance   float64 `json:"chance"`
}

// Run runs the steps in order. It stops at the first that fails or does not print the score that it should.
func (r *Runner) Run(ctx context.Context, steps []Step) (Result, error) {
	var result Result
	began := time.Now()
	for i, step := range steps {
		fmt.Fprintf(r.Stdout, "\n%d. %s\n$ %s\n", i+1, step.Title, commandLine("  ", "vqctl", step.Args))
		out, err := r.command(ctx, step)
		if ctx.Err() != nil {
			return result, usererr.With(&InterruptedError{Step: i + 1, Steps: len(steps), Command: step.Args[0], Dir: r.Dir},
				"to continue by hand, run that command and the ones after it in %s; `vqctl demo` starts over", r.Dir)
		}
		if err != nil {
			return result, err
		}
		if step.Score == none {
			continue
		}
		perplexity, authors, err := readScores(out)
		if err != nil {
			return result, fmt.Errorf("vqctl %s: %w", step.Args[0], err)
		}
		if step.Score == before {
			result.Before, result.AuthorsBefore = perplexity, authors
		} else {
			result.After, result.AuthorsAfter = perplexity, authors
		}
	}
	result.Took = time.Since(began)
	// This form of the condition also catches a NaN.
	if !(result.After < result.Before) {
		return result, usererr.With(fmt.Errorf("%w: %.3f before training, %.3f after", ErrNotLearned, result.Before, result.After),
			"the commands above show where it went wrong; %s holds their files", r.Dir)
	}
	return result, nil
}

// command runs one step and returns its standard output if the step measures a score.
func (r *Runner) command(ctx context.Context, step Step) ([]byte, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, r.Program, step.Args...)
	cmd.Dir, cmd.Env = r.Dir, environment(os.Environ())
	cmd.Stdout, cmd.Stderr = r.Stdout, r.Stderr
	if step.Score != none {
		cmd.Stdout = &out
	}
	// An interrupted command saves its state: training finishes its step and writes a checkpoint.
	cmd.Cancel = func() error { return cmd.Process.Signal(r.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	if err := cmd.Run(); err != nil {
		return nil, usererr.With(fmt.Errorf("vqctl %s failed: %w", step.Args[0], err), "see its error above; the folder is %s", r.Dir)
	}
	if step.Score != none {
		if _, err := r.Stdout.Write(perContact.Get().ReplaceAll(out.Bytes(), []byte("$1{…}"))); err != nil {
			return nil, fmt.Errorf("cannot print the scores: %w", err)
		}
	}
	return out.Bytes(), nil
}

// perContact matches the scores of each person, which would fill the screen.
var perContact = lazyregexp.New(`("per_contact":)\{("[^"]*":\{[^}]*\},?)*\}`)

// environment returns the environment of a command: the user's, without variables that override the folder's .env.
func environment(all []string) []string {
	var kept []string
	for _, variable := range all {
		if name, _, _ := strings.Cut(variable, "="); name != "MY_NAME" && name != "USER_IDENTIFIERS" {
			kept = append(kept, variable)
		}
	}
	return kept
}

func readScores(out []byte) (perplexity float64, authors *Authors, err error) {
	var scores struct {
		Perplexity float64  `json:"perplexity"`
		WhoSaidIt  *Authors `json:"who_said_it"`
	}
	if err := json.Unmarshal(out, &scores); err != nil {
		return 0, nil, fmt.Errorf("its output is not JSON: %w", err)
	}
	if scores.Perplexity < 1 {
		return 0, nil, errors.New("its output has no perplexity")
	}
	return scores.Perplexity, scores.WhoSaidIt, nil
}

// Print prints the result.
func (r *Result) Print(out io.Writer) {
	fmt.Fprintf(out, "\nHeld-out perplexity: %.3f with the base model, %.3f after training (%.0f%% lower).\n",
		r.Before, r.After, 100*(1-r.After/r.Before))
	if b, a := r.AuthorsBefore, r.AuthorsAfter; b != nil && a != nil {
		fmt.Fprintf(out, "Who said it? By its words alone, the author is named for %.1f%% of %s,\n%.1f%% before training (by guessing: %.1f%%).\n",
			100*a.Accuracy, terminal.Quantity(a.Messages, "message"), 100*b.Accuracy, 100*a.Chance)
	}
	fmt.Fprintf(out, "All in %s.\n", terminal.Duration(r.Took))
}

// commandLine returns a command as one types it in a shell: on several lines if one is too long for a terminal of 80 columns.
func commandLine(indent, program string, args []string) string {
	const width = 78
	text, column := program, len(indent)+len(program)
	for _, a := range args {
		if strings.ContainsAny(a, " '\"?*&^$;|<>()`!\\#~") || a == "" {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		room := width - len(" \\")
		if column+1+terminal.Width(a) > room && column > len(indent)+4 {
			text += " \\\n" + indent + "    " + a
			column = len(indent) + 4 + terminal.Width(a)
			continue
		}
		text += " " + a
		column += 1 + terminal.Width(a)
	}
	return text
}

// ByHand returns commands for continuing in the demonstration's folder.
func (r *Runner) ByHand() string {
	program := r.Program
	dir, err := filepath.Abs(r.Dir)
	if err == nil {
		if relative, err := filepath.Rel(dir, program); err == nil && len(relative) < len(program) {
			program = relative
		}
	}
	again := generations[0].args()
	again[len(again)-1] = "2" // another seed
	return fmt.Sprintf("  cd %s\n  %s chat\n  %s", r.Dir, program, commandLine("  ", program, again))
}

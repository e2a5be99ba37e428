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
}

// Result is the perplexities that the demonstration measured on held-out messages.
type Result struct {
	Before, After float64
	Took          time.Duration
}

// Run runs the steps in order. It stops at the first that fails or does not print the score that it should.
func (r *Runner) Run(ctx context.Context, steps []Step) (Result, error) {
	var result Result
	began := time.Now()
	for i, step := range steps {
		fmt.Fprintf(r.Stdout, "\n%d. %s\n$ %s\n", i+1, step.Title, commandLine(step.Args))
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
		perplexity, err := readPerplexity(out)
		if err != nil {
			return result, fmt.Errorf("vqctl %s: %w", step.Args[0], err)
		}
		if step.Score == before {
			result.Before = perplexity
		} else {
			result.After = perplexity
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
		cmd.Stdout = io.MultiWriter(r.Stdout, &out)
	}
	// An interrupted command saves its state: training finishes its step and writes a checkpoint.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	if err := cmd.Run(); err != nil {
		return nil, usererr.With(fmt.Errorf("vqctl %s failed: %w", step.Args[0], err), "see its error above; the folder is %s", r.Dir)
	}
	return out.Bytes(), nil
}

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

func readPerplexity(out []byte) (float64, error) {
	var scores struct {
		Perplexity float64 `json:"perplexity"`
	}
	if err := json.Unmarshal(out, &scores); err != nil {
		return 0, fmt.Errorf("its output is not JSON: %w", err)
	}
	if scores.Perplexity < 1 {
		return 0, errors.New("its output has no perplexity")
	}
	return scores.Perplexity, nil
}

// commandLine returns a command as one types it in a shell.
func commandLine(args []string) string {
	words := []string{"vqctl"}
	for _, a := range args {
		if strings.ContainsAny(a, " '\"?*&^$;|<>()`!\\#~") || a == "" {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
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
	return fmt.Sprintf("  cd %s\n  %s chat\n  %s", r.Dir, program, program+strings.TrimPrefix(commandLine(again[:len(again)-1]), "vqctl")+" 2")
}

// Command memory measures what memories are worth: the held-out loss with and without them, by person and by kind of target.
//
//	go run ./scripts/study/memory --results build/memory --threads 2             (needs bin/vqctl)
//
// It trains the built-in model on the demo's chat, or with --source on an export that `vqctl collect` reads (then --contacts names the
// contacts file, and MY_NAME the owner), once with and once without memories for each seed. What is finished is a file in the folder of
// results and is not done again: a study that was stopped goes on when it is started again. Training is resumed from its checkpoints.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"

	"ventriloquist/internal/demo"
)

// options are the flags.
type options struct {
	results, source, contacts string
	tokens, steps, threads    int
	window                    int
	seeds                     string
	program                   string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.StringVar(&o.results, "results", "build/memory", "`FOLDER` of the results")
	flag.StringVar(&o.source, "source", "", "`PATH` of an export (default: the demo's chat)")
	flag.StringVar(&o.contacts, "contacts", "", "contacts `FILE` for --source")
	flag.IntVar(&o.tokens, "tokens", 256, "tokens of memories in a window")
	flag.IntVar(&o.window, "window", 100, "most messages of a window")
	flag.IntVar(&o.steps, "steps", 60, "optimizer steps of a run")
	flag.IntVar(&o.threads, "threads", 1, "threads")
	flag.StringVar(&o.seeds, "seeds", "1", "seeds")
	flag.Parse()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "memory:", err)
		os.Exit(1)
	}
}

func (o *options) run(ctx context.Context) (err error) {
	if o.program, err = filepath.Abs("bin/vqctl"); err != nil {
		return err
	}
	var with, without []*losses
	for _, seed := range strings.Split(o.seeds, ",") {
		for _, tokens := range []int{o.tokens, 0} {
			folder := filepath.Join(o.results, fmt.Sprintf("window%d-tokens%d", o.window, tokens))
			if err := o.prepare(ctx, folder, tokens); err != nil {
				return err
			}
			l, err := o.measure(ctx, folder, tokens, seed)
			if err != nil {
				return err
			}
			if tokens > 0 {
				with = append(with, l)
			} else {
				without = append(without, l)
			}
		}
	}
	return report(os.Stdout, with, without)
}

// vqctl runs the program in a folder.
func (o *options) vqctl(ctx context.Context, folder string, args ...string) error {
	cmd := exec.CommandContext(ctx, o.program, args...)
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("vqctl %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// prepare collects the chat and cuts it into windows.
func (o *options) prepare(ctx context.Context, folder string, tokens int) error {
	done := filepath.Join(folder, "prepared")
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(o.results, 0o755); err != nil {
		return err
	}
	source := "chat.db"
	if o.source == "" {
		lines, err := demo.Chat()
		if err == nil {
			err = demo.WriteFolder(folder, lines)
		}
		if err != nil {
			return err
		}
	} else {
		var err error
		if source, err = filepath.Abs(o.source); err != nil {
			return err
		}
		contacts, err := os.ReadFile(o.contacts)
		if err == nil {
			err = os.MkdirAll(filepath.Join(folder, "data"), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, "data", "contacts_to_ids.jsonl"), contacts, 0o600)
		}
		if err != nil {
			return err
		}
	}
	preprocess := []string{"preprocess", "--base-model", demo.Base, "--window", strconv.Itoa(o.window)}
	if tokens > 0 {
		preprocess = append(preprocess, "--memory", "--memory-tokens", strconv.Itoa(tokens))
	}
	if err := o.vqctl(ctx, folder, "collect", "--source", source); err != nil {
		return err
	}
	if err := o.vqctl(ctx, folder, preprocess...); err != nil {
		return err
	}
	return os.WriteFile(done, nil, 0o600)
}

// measure trains an adapter and measures its losses on the held-out messages.
func (o *options) measure(ctx context.Context, folder string, tokens int, seed string) (*losses, error) {
	name := fmt.Sprintf("steps%d-seed%s", o.steps, seed)
	path := filepath.Join(folder, name+".json")
	if data, err := os.ReadFile(path); err == nil {
		l := &losses{}
		return l, json.Unmarshal(data, l)
	}
	if _, err := os.Stat(filepath.Join(folder, name, "final", "adapter_model.safetensors")); err != nil {
		args := []string{"train", "--output-dir", name, "--base-model", demo.Base, "--cpu", "--precision", "f32", "--threads", strconv.Itoa(o.threads), "--seed", seed,
			"--max-steps", strconv.Itoa(o.steps), "--lora-r", "16", "--lora-alpha", "32", "--learning-rate", "2e-3", "--batch-size", "2", "--gradient-accumulation-steps", "1",
			"--eval-steps", "0", "--save-steps", "50", "--keep-checkpoints", "1"}
		if found, _ := filepath.Glob(filepath.Join(folder, name, "checkpoint-*")); len(found) > 0 {
			args = []string{"train", "--output-dir", name, "--resume"}
		}
		if err := o.vqctl(ctx, folder, args...); err != nil {
			return nil, err
		}
	}
	l, err := lossesOf(ctx, filepath.Join(folder, "data", "messages.db"), filepath.Join(folder, name, "final"), tokens, o.threads)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(l)
	return l, errors.Join(err, os.WriteFile(path, data, 0o600))
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// finding is one line of `vqctl doctor`.
type finding struct {
	Name   string `json:"name"`
	Status string `json:"status"` // "ok", "missing" (a step is not done yet), "slow" (training takes more than a day) or "problem"
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`

	optional bool // the program works without it
}

// word returns the status for people.
func (f *finding) word() string {
	if f.optional && f.Status == "missing" {
		return "optional"
	}
	return f.Status
}

func newDoctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "check the machine, the settings and the files, and say what is missing",
		Flags: []cli.Flag{
			dataDirFlag(nil),
			&cli.StringFlag{Name: "output-dir", Value: defaultOutputDir, Usage: "`DIR`: folder of the adapters"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per line"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			return runDoctor(ctx, c.String("data-dir"), c.String("output-dir"), c.Bool("json"), stdout)
		},
	}
}

func runDoctor(ctx context.Context, dataDir, outputDir string, asJSON bool, out io.Writer) error {
	modes := examineModes(dataDir, outputDir) // opening messages.db changes its mode
	findings, err := examineDevice(windowsToTrain(ctx, dataDir))
	if err != nil {
		return err
	}
	findings = append(findings, examineDisk(), modes, examineDotEnv(ctx), examineOwner(ctx, dataDir), examineSource(), examineContacts(dataDir))
	findings = append(findings, examinePipeline(readPipelineState(ctx, dataDir, outputDir))...)
	findings = append(findings, examineBase())
	findings = append(findings, examineDescribe()...)
	if asJSON {
		encoder := json.NewEncoder(out)
		for _, f := range findings {
			if err := encoder.Encode(f); err != nil {
				return err
			}
		}
		return nil
	}
	return printFindings(out, findings, terminalWidth(out))
}

// printFindings prints a table. Details and hints are wrapped at the width of a terminal, if there is one, and below the names where it
// is narrow.
func printFindings(out io.Writer, findings []finding, width int) error {
	const gap = 2
	left := 2 * gap
	if width > 0 {
		names, statuses := 0, 0
		for _, f := range findings {
			names, statuses = max(names, len(f.Name)), max(statuses, len(f.word()))
		}
		left += names + statuses
		const leastText = 30
		if width-left < leastText {
			return printFindingsBelow(out, findings, width)
		}
	}
	table := tabwriter.NewWriter(out, 0, 0, gap, ' ', 0)
	for _, f := range findings {
		first := f.Name + "\t" + f.word()
		for _, text := range []string{f.Detail, f.Hint} {
			lines := []string{text}
			if width > 0 {
				lines = wrapped(text, width-left)
			}
			for _, line := range lines {
				if line == "" {
					continue
				}
				fmt.Fprintf(table, "%s\t%s\n", first, line)
				first = "\t"
			}
		}
	}
	return table.Flush()
}

// printFindingsBelow prints details and hints below names.
func printFindingsBelow(out io.Writer, findings []finding, width int) error {
	var text strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&text, "%s: %s\n", f.Name, f.word())
		for _, detail := range []string{f.Detail, f.Hint} {
			if detail != "" {
				fmt.Fprintf(&text, "  %s\n", detail)
			}
		}
	}
	_, err := io.WriteString(out, fitLines(text.String(), width))
	return err
}

// examineDevice describes the CPU and the GPUs, and measures what bounds training (GEMMs) and decoding (memory bandwidth) on the CPU.
// data are the windows to train on.
func examineDevice(data windowSizes) ([]finding, error) {
	device, err := engine.OpenCPU(0)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	info := device.Info()
	precision, err := load.Precision("auto", device)
	if err != nil {
		return nil, err
	}
	rate, err := load.MeasureGEMMRate(device, precision)
	if err != nil {
		return nil, err
	}
	bandwidth, err := device.MeasureBandwidth()
	if err != nil {
		return nil, err
	}
	weights, err := examineWeightFormats(device, precision, load.SpeedsMeasured(device, precision, rate), data)
	if err != nil {
		return nil, err
	}
	findings := []finding{
		{Name: "vqctl", Status: "ok", Detail: version + ", " + runtime.GOOS + "/" + runtime.GOARCH},
		{Name: "processor", Status: "ok", Detail: fmt.Sprintf("%s, %d threads, %s", info.Name, info.Threads, info.Instructions)},
		{Name: "precision", Status: "ok", Detail: fmt.Sprintf("auto selects %s: %.0f GFLOP/s in GEMMs, %.1f GB/s memory bandwidth", precision, rate/1e9, bandwidth/1e9)},
		{Name: "memory", Status: "ok", Detail: fmt.Sprintf("%s free of %s", terminal.Bytes(info.MemoryAvailable), terminal.Bytes(info.MemoryTotal))},
	}
	return slices.Concat(findings, weights, examineGPU(driverFolder, load.GPU, data)), nil
}

func examineDisk() finding {
	free, err := model.FreeSpace(".")
	if err != nil {
		return finding{Name: "disk", Status: "problem", Detail: err.Error()}
	}
	return finding{Name: "disk", Status: "ok", Detail: terminal.Bytes(uint64(free)) + " free in the current folder"}
}

func examineOwner(ctx context.Context, dataDir string) finding {
	if name := os.Getenv("MY_NAME"); name != "" {
		return finding{Name: "MY_NAME", Status: "ok", Detail: name}
	}
	return finding{Name: "MY_NAME", Status: "missing", Detail: "not set", Hint: "preprocess needs it: " + offeredName(ctx, dataDir)}
}

func examineSource() finding {
	const name = "message history"
	home, err := os.UserHomeDir()
	if err != nil {
		return finding{Name: name, Status: "problem", Detail: err.Error()}
	}
	path := filepath.Join(home, "Library", "Messages", "chat.db")
	f, err := os.Open(path)
	switch {
	case os.IsNotExist(err) && runtime.GOOS != "darwin":
		return finding{Name: name, Status: "optional", Detail: "only a Mac has one of its own",
			Hint: "collect a copy of a Mac's chat.db, a backup or an export: vqctl collect --source FILE; vqctl sources lists all"}
	case os.IsNotExist(err):
		return finding{Name: name, Status: "missing", Detail: "no " + path, Hint: "from another machine, or an export: vqctl collect --source FILE"}
	case os.IsPermission(err):
		return finding{Name: name, Status: "problem", Detail: "no permission to read " + path,
			Hint: usererr.PermissionAdvice(runtime.GOOS, path)}
	case err != nil:
		return finding{Name: name, Status: "problem", Detail: err.Error()}
	}
	f.Close()
	return finding{Name: name, Status: "ok", Detail: path}
}

func examineContacts(dataDir string) finding {
	path := filepath.Join(dataDir, contactsName)
	switch _, err := regularfile.Read(path, mostContacts); {
	case errors.Is(err, fs.ErrNotExist):
		return finding{Name: "contacts", Status: "missing", Detail: "no " + path,
			Hint: "run: vqctl contacts suggest (drafts it from the address book)"}
	case err != nil:
		return finding{Name: "contacts", Status: "problem", Detail: err.Error(), Hint: cmp.Or(usererr.Of(err), usererr.PermissionAdvice("", path))}
	}
	return finding{Name: "contacts", Status: "ok", Detail: path}
}

func examinePipeline(state pipelineState) []finding {
	step := func(name, detail, command string, done bool) finding {
		if done {
			return finding{Name: name, Status: "ok", Detail: detail}
		}
		return finding{Name: name, Status: "missing", Detail: detail, Hint: "run: " + command}
	}
	training := step("train", state.checkpoint, trainAgain(state), state.trained)
	if state.training {
		training = finding{Name: "train", Status: "ok", Detail: state.checkpoint, Hint: "follow it: vqctl monitor"}
	}
	collected := step("collect", counted(state.messages, "message"), "vqctl collect", state.messages >= 0)
	if state.problem != nil {
		collected = finding{Name: "collect", Status: "problem", Detail: state.problem.Error(), Hint: usererr.Of(state.problem)}
	}
	return []finding{
		collected,
		step("preprocess", counted(state.windows, "window"), "vqctl preprocess", state.windows >= 0),
		training,
	}
}

// trainAgain returns the command that goes on with training.
func trainAgain(state pipelineState) string {
	if state.started {
		return "vqctl train --resume"
	}
	return "vqctl train"
}

func examineBase() finding {
	source, err := model.Resolve("")
	if err != nil {
		return finding{Name: "base model", Status: "missing", Detail: model.Default + " is not here; " + model.Tiny + " is built in",
			Hint: "run: vqctl model pull " + model.Default}
	}
	return finding{Name: "base model", Status: "ok", Detail: source.String()}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"ventriloquist/engine"
	"ventriloquist/internal/load"
	"ventriloquist/internal/load/memplan"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/terminal"
)

// gpuNeeds lists the requirements for running on a GPU.
const gpuNeeds = "needs an NVIDIA card with bf16 (compute capability 8.0: RTX 30, A10, A100 and later), driver 550 or later, and a CUDA build; " +
	"to plan a run without a GPU: vqctl train --dry-run --gpu-type rtx4090"

// driverFolder is where Linux shows NVIDIA's driver and its cards.
const driverFolder = "/proc/driver/nvidia"

var driverVersion = regexp.MustCompile(`Kernel Module.*?\s([0-9]+(?:\.[0-9]+)+)`)

// examineGPU describes the GPUs that the engine can use, and says what is missing for others. folder is the driver's.
func examineGPU(folder string, open func(index int) (*engine.Device, error)) []finding {
	driver, cards := readDriver(folder)
	var findings []finding
	for i := 0; i == 0 || i < len(cards); i++ {
		device, err := open(i)
		if err != nil {
			findings = append(findings, unusableGPU(i, driver, cards, err))
			continue
		}
		found, err := describeGPU(i, device, driver)
		device.Close()
		if err != nil {
			found = append(found, finding{Name: "gpu", Status: "problem", Detail: fmt.Sprintf("%d: %v", i, err)})
		}
		findings = append(findings, found...)
	}
	return findings
}

// readDriver returns the driver's name and version, "" without a driver, and the names of the cards that it lists.
func readDriver(folder string) (driver string, cards []string) {
	text, err := os.ReadFile(filepath.Join(folder, "version"))
	if err != nil {
		return "", nil
	}
	driver = "NVIDIA driver of unknown version"
	if found := driverVersion.FindSubmatch(text); found != nil {
		driver = "NVIDIA driver " + string(found[1])
	}
	paths, _ := filepath.Glob(filepath.Join(folder, "gpus", "*", "information"))
	for _, path := range paths {
		cards = append(cards, cardName(path))
	}
	return driver, cards
}

func unusableGPU(index int, driver string, cards []string, err error) finding {
	f := finding{Name: "gpu", Status: "missing", Hint: gpuNeeds, optional: true}
	switch {
	case driver == "":
		f.Detail = fmt.Sprintf("no NVIDIA driver on this machine; %v", err)
	case len(cards) == 0:
		f.Detail = fmt.Sprintf("%s, but no card; %v", driver, err)
	default:
		f.Detail = fmt.Sprintf("%d: %s, %s; %v", index, cards[index], driver, err)
	}
	return f
}

// describeGPU describes a card, and the models that fit on it in each weight format.
func describeGPU(index int, device *engine.Device, driver string) ([]finding, error) {
	info := device.Info()
	kind, attention, _ := strings.Cut(info.Instructions, ", ")
	number, err := strconv.Atoi(strings.TrimPrefix(kind, "sm_"))
	if err != nil {
		return nil, fmt.Errorf("a GPU of the kind %q", info.Instructions)
	}
	if driver == "" {
		driver = "a driver that does not show itself"
	}
	if library, _, _ := strings.Cut(info.GEMMLibrary, ", "); library != "" {
		driver += ", " + library
	}
	if attention != "" {
		driver += ", attention: " + attention
	}
	findings := []finding{{Name: "gpu", Status: "ok", Detail: fmt.Sprintf("%d: %s, compute capability %d.%d, %d multiprocessors, %s free of %s, %s",
		index, info.Name, number/10, number%10, info.Threads, terminal.Bytes(info.MemoryAvailable), terminal.Bytes(info.MemoryTotal), driver)}}
	weights, err := examineWeightFormats(device)
	for _, f := range weights {
		f.Name = fmt.Sprintf("gpu %d, %s", index, f.Name)
		findings = append(findings, f)
	}
	return findings, err
}

func cardName(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "a card whose name cannot be read"
	}
	for _, line := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "Model:"); ok {
			return strings.TrimSpace(name)
		}
	}
	return "a card without a name"
}

// examineWeightFormats reports, for each format of the base weights, the largest Qwen3 model that the device's free memory can
// train with the default settings, and the largest that it can generate with.
func examineWeightFormats(device *engine.Device) ([]finding, error) {
	precision, err := load.Precision("auto", device)
	if err != nil {
		return nil, err
	}
	type format struct {
		name    string
		weights engine.WeightFormat
	}
	formats := []format{{precision.String(), engine.Plain}, {"fp8", engine.FP8}, {"8 bits", engine.Int8}, {"4 bits", engine.NF4}}
	if device.Info().DiscreteMemory { // elsewhere it takes as much memory as fp8
		formats = append(formats, format{"fp8 with --precision fp8", engine.FP8GEMM})
	}
	var findings []finding
	for _, f := range formats {
		training, generating, err := largest(device, precision, f.weights)
		if err != nil {
			return nil, err
		}
		findings = append(findings, finding{Name: "weights in " + f.name, Status: "ok",
			Detail: fmt.Sprintf("can train %s (rank %d, 2 windows of 4096 tokens) and generate with %s",
				upTo(training), infoWorkload.Rank, upTo(generating))})
	}
	return findings, nil
}

// upTo names the models up to a shape, "" for none, by their official names: qwen3-1.7b is Qwen3-1.7B.
func upTo(shape string) string {
	if shape == "" {
		return "no Qwen3 model"
	}
	return "models up to Qwen3-" + strings.ToUpper(strings.TrimPrefix(shape, "qwen3-"))
}

// largest returns the shapes of the largest models that fit, "" for none.
func largest(device *engine.Device, precision engine.DType, weights engine.WeightFormat) (training, generating string, err error) {
	lora := load.AdapterConfig(adapter.Config{R: infoWorkload.Rank, Alpha: 1, Targets: model.Projections})
	for _, name := range model.ShapeNames {
		config, err := model.ShapeConfig(name)
		if err != nil || name == model.Tiny {
			continue
		}
		s := memplan.Settings{Model: load.ModelConfig(config, weights), Stored: engine.BF16, Precision: precision, Adapter: lora,
			BatchSize: infoWorkload.Windows, SeqLength: infoWorkload.Tokens / infoWorkload.Windows, Targets: memplan.TargetsPerWindow}
		fit, err := memplan.FitTo(s.Run(), memplan.OfDevice(device), 0)
		if err != nil {
			return "", "", err
		}
		if fit.Fits {
			training = name
		}
		session, err := device.PlanSession(s.Model, s.Stored, precision, &lora, infoWorkload.Context, 1)
		if err != nil {
			return "", "", err
		}
		if session.Total <= device.Info().MemoryAvailable {
			generating = name
		}
	}
	return training, generating, nil
}

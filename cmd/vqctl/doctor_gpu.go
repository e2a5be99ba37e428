package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"ventriloquist/engine"
	"ventriloquist/internal/terminal"
)

// gpuNeeds lists the requirements for running on a GPU.
const gpuNeeds = "needs an NVIDIA card with bf16 (compute capability 8.0: RTX 30, A10, A100 and later), driver 550 or later, and a CUDA build; " +
	"to plan a run without a GPU: vqctl train --dry-run --gpu-type rtx4090"

// driverFolder is where Linux shows NVIDIA's driver and its cards.
const driverFolder = "/proc/driver/nvidia"

var driverVersion = regexp.MustCompile(`Kernel Module.*?\s([0-9]+(?:\.[0-9]+)+)`)

// examineGPU describes the GPUs that the engine can use, and says what is missing for others. folder is the driver's.
func examineGPU(folder string, open func(index int) (*engine.Device, error), data windowSizes) []finding {
	driver, cards := readDriver(folder)
	var findings []finding
	for i := 0; i == 0 || i < len(cards); i++ {
		device, err := open(i)
		if err != nil {
			findings = append(findings, unusableGPU(i, driver, cards, err))
			continue
		}
		found, err := describeGPU(i, device, driver, data)
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
func describeGPU(index int, device *engine.Device, driver string, data windowSizes) ([]finding, error) {
	info := device.Info()
	kind, attention, _ := strings.Cut(info.Instructions, ", ")
	number, err := strconv.Atoi(strings.TrimPrefix(kind, "sm_"))
	if err != nil {
		return nil, fmt.Errorf("unknown kind of GPU: %q", info.Instructions)
	}
	if driver == "" {
		driver = "an unknown driver"
	}
	if library, _, _ := strings.Cut(info.GEMMLibrary, ", "); library != "" {
		driver += ", " + library
	}
	if attention != "" {
		driver += ", attention: " + attention
	}
	findings := []finding{{Name: "gpu", Status: "ok", Detail: fmt.Sprintf("%d: %s, compute capability %d.%d, %d multiprocessors, %s free of %s, %s",
		index, info.Name, number/10, number%10, info.Threads, terminal.Bytes(info.MemoryAvailable), terminal.Bytes(info.MemoryTotal), driver)}}
	precision, speeds, err := speedsOf(device)
	if err != nil {
		return findings, err
	}
	weights, err := examineWeightFormats(device, precision, speeds, data)
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

package main

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A machine is what the stages run on.
type machine struct {
	GPU          string `json:"gpu"`        // "" without one
	Capability   int    `json:"capability"` // 90
	MemoryMiB    int    `json:"memory_mib"`
	Driver       string `json:"driver"`
	Toolkit      string `json:"toolkit"` // release of nvcc
	Ptxas        string `json:"ptxas"`
	CPUs         int    `json:"cpus"`
	Instructions string `json:"instructions"` // of the opened device: "sm_90, wgmma"

	nvcc, index, reasons string
}

// The order of nvidia-smi: by default CUDA counts the fastest GPU first.
var gpuOrder = []string{"CUDA_DEVICE_ORDER=PCI_BUS_ID"}

// findMachine asks nvidia-smi and nvcc.
func findMachine(root string) machine {
	m := machine{CPUs: runtime.NumCPU(), index: "0"}
	if visible := os.Getenv("CUDA_VISIBLE_DEVICES"); visible != "" {
		m.index, _, _ = strings.Cut(visible, ",")
	}
	fields := strings.Split(output("nvidia-smi", "--query-gpu=name,compute_cap,memory.total,driver_version", "--format=csv,noheader,nounits", "-i", m.index), ", ")
	if len(fields) == 4 {
		m.GPU, m.Driver = fields[0], fields[3]
		m.Capability, _ = strconv.Atoi(strings.ReplaceAll(fields[1], ".", ""))
		m.MemoryMiB, _ = strconv.Atoi(fields[2])
		// Drivers before 535 have the old name only.
		m.reasons = "clocks_event_reasons.active"
		if output("nvidia-smi", "--query-gpu="+m.reasons, "--format=csv,noheader", "-i", m.index) == "" {
			m.reasons = "clocks_throttle_reasons.active"
		}
	}
	if m.nvcc = output(root+"/scripts/cuda-toolkit", "--find"); m.nvcc != "" {
		m.Toolkit = release(output(m.nvcc, "--version"))
		m.Ptxas = release(output(strings.TrimSuffix(m.nvcc, "nvcc")+"ptxas", "--version"))
	}
	return m
}

var releaseLine = regexp.MustCompile(`V([0-9.]+)`)

func release(version string) string {
	if found := releaseLine.FindStringSubmatch(version); found != nil {
		return found[1]
	}
	return ""
}

// output is what a program prints, without the line's end; "" if it fails.
func output(program string, args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.WaitDelay = time.Second
	text, err := command.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

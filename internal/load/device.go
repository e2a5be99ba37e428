package load

import (
	"fmt"
	"os"
	"path/filepath"

	"ventriloquist/engine"
	"ventriloquist/internal/usererr"
)

// A DeviceChoice selects the device that a model runs on. The zero value is the first GPU if the CUDA backend is there and
// can use it, else the CPU.
type DeviceChoice struct {
	cpu bool
	gpu int // counted from 1; 0: none is named
}

// CPU selects the CPU.
var CPU = DeviceChoice{cpu: true}

// OnGPU selects a GPU, counted from 0.
func OnGPU(index int) DeviceChoice { return DeviceChoice{gpu: index + 1} }

// gpuOption selects a GPU.
const gpuOption = usererr.Option("gpu")

// cudaLibrary is the CUDA backend of the engine, in the program's folder.
const cudaLibrary = "libvqcuda.so"

// Device opens the chosen device. threads is for the CPU, 0 for as many as the process may use.
func Device(choice DeviceChoice, threads int) (*engine.Device, error) {
	if choice.cpu {
		return engine.OpenCPU(threads)
	}
	if choice.gpu == 0 {
		if device, err := GPU(0); err == nil {
			return device, nil
		}
		return engine.OpenCPU(threads)
	}
	device, err := GPU(choice.gpu - 1)
	if err != nil {
		return nil, usererr.With(fmt.Errorf("%v %d: %w", gpuOption, choice.gpu-1, err), "vqctl doctor checks the GPU; leave %v out to run on the CPU", gpuOption)
	}
	return device, nil
}

// GPU opens a GPU, counted from 0, with the backend in this program's folder.
func GPU(index int) (*engine.Device, error) {
	library, err := FindCUDA()
	if err != nil {
		return nil, err
	}
	device, err := engine.OpenBackend(library, index)
	if err == nil {
		// An unusable file is no reason to fail here: TuneGEMMs reports it.
		_ = readTuning(device)
	}
	return device, err
}

// FindCUDA returns the path of the CUDA backend. It fails in a program that was built without it.
func FindCUDA() (string, error) {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return "", err
	}
	folder := filepath.Dir(program)
	path := filepath.Join(folder, cudaLibrary)
	if _, err := os.Stat(path); err != nil {
		return "", usererr.With(fmt.Errorf("this build has no CUDA engine: there is no %s in %s", cudaLibrary, folder),
			"build it with: make CUDA=1; or leave %v out to run on the CPU", gpuOption)
	}
	return path, nil
}

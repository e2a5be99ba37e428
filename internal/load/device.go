package load

import (
	"fmt"
	"os"
	"path/filepath"

	"ventriloquist/engine"
	"ventriloquist/internal/usererr"
)

// A Place is where a model is computed. The zero value is the first GPU when the CUDA engine is here and can use it,
// else the processor.
type Place struct {
	processor bool
	gpu       int // counted from 1; 0: none is named
}

// Processor is the CPU.
var Processor = Place{processor: true}

// OnGPU is a GPU by its number from 0.
func OnGPU(index int) Place { return Place{gpu: index + 1} }

// gpuOption chooses a GPU.
const gpuOption = usererr.Option("gpu")

// cudaLibrary is the CUDA part of the engine, beside the program.
const cudaLibrary = "libvqcuda.so"

// Device opens a place. threads is of the processor, 0 for as many as the process may use.
func Device(at Place, threads int) (*engine.Device, error) {
	if at.processor {
		return engine.OpenCPU(threads)
	}
	if at.gpu == 0 {
		if device, err := GPU(0); err == nil {
			return device, nil
		}
		return engine.OpenCPU(threads)
	}
	device, err := GPU(at.gpu - 1)
	if err != nil {
		return nil, usererr.With(fmt.Errorf("%v %d: %w", gpuOption, at.gpu-1, err), "vqctl doctor looks at the GPU; leave %v out to run on the processor", gpuOption)
	}
	return device, nil
}

// GPU opens a GPU by its number from 0, with the library beside this program.
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

// FindCUDA is the path of the CUDA part of the engine. A program that was built without has none.
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
			"build it with: make CUDA=1; or leave %v out to run on the processor", gpuOption)
	}
	return path, nil
}

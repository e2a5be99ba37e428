package exportcheck

import (
	"fmt"
	"os"
	"path/filepath"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/gguf"
	"ventriloquist/internal/usererr"
)

// Format is the format of an export.
type Format string

// The formats that can be checked.
const (
	GGUF        Format = "gguf"
	GGUFAdapter Format = "gguf-lora"
	Safetensors Format = "safetensors"
	PEFT        Format = "peft"
	MLX         Format = "mlx"
	Ollama      Format = "ollama"
)

// IsAdapter reports whether exports of the format hold an adapter alone.
func (f Format) IsAdapter() bool { return f == GGUFAdapter || f == PEFT || f == MLX }

// contents are the files by which folders are told apart.
var contents = []struct {
	file   string
	format Format
}{{"Modelfile", Ollama}, {"adapters.safetensors", MLX}, {"adapter_model.safetensors", PEFT}, {model.ConfigFile, Safetensors}}

// FormatOf returns the format of the export at path.
func FormatOf(path string) (Format, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", usererr.With(fmt.Errorf("cannot check the export: %w", err), "name a file or folder that vqctl export wrote")
	}
	if !info.IsDir() {
		return formatOfFile(path)
	}
	for _, c := range contents {
		if _, err := os.Stat(filepath.Join(path, c.file)); err == nil {
			return c.format, nil
		}
	}
	return "", usererr.With(fmt.Errorf("%s is not a folder that vqctl export writes", path), "it has none of Modelfile, adapters.safetensors, adapter_model.safetensors and %s", model.ConfigFile)
}

func formatOfFile(path string) (Format, error) {
	file, err := gguf.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	kind, err := file.Text("general.type")
	if kind == "adapter" {
		return GGUFAdapter, err
	}
	return GGUF, err
}

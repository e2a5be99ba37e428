package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// Location is where a base model is: a folder, one GGUF file, or the program itself.
type Location struct {
	Name string // the name by which Resolve finds it again: "tiny", "Qwen/Qwen3-8B-Base" or a path; adapters record it
	Dir  string // the folder; "" for a GGUF file and for a model embedded in the program
	// files of an embedded model; nil for others
	files fs.FS
	gguf  *ggufModel // nil unless the model is a GGUF file, whose path is Name
}

// Folder returns the location of the model in a folder.
func Folder(dir string) Location {
	return Location{Name: dir, Dir: filepath.Clean(dir)}
}

// String returns the location for messages.
func (s Location) String() string {
	switch {
	case s.gguf != nil:
		return s.Name
	case s.Dir == "":
		return "embedded model " + s.Name
	}
	return s.Dir
}

// Path returns the path of a file, for messages.
func (s Location) Path(file string) string {
	switch {
	case s.gguf != nil:
		return s.Name
	case s.Dir == "":
		return s.Name + "/" + file
	}
	return filepath.Join(s.Dir, file)
}

// Has reports whether the model has a file.
func (s Location) Has(file string) bool {
	var err error
	switch {
	case s.gguf != nil:
		return slices.Contains(ggufTexts, file)
	case s.Dir == "":
		_, err = fs.Stat(s.files, file)
	default:
		_, err = os.Stat(s.Path(file))
	}
	return err == nil
}

// maxTextFile limits the files that are read whole; the largest tokenizer.json in use has some 20 MB.
const maxTextFile = 64 << 20

// ReadFile returns the content of a small file: config.json, tokenizer.json. A missing file matches fs.ErrNotExist.
func (s Location) ReadFile(file string) ([]byte, error) {
	var content []byte
	var err error
	switch {
	case s.gguf != nil && !s.Has(file):
		err = fs.ErrNotExist
	case s.gguf != nil:
		return s.gguf.text(file)
	case s.Dir == "":
		content, err = fs.ReadFile(s.files, file)
	default:
		content, err = regularfile.Read(s.Path(file), maxTextFile)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usererr.With(&missingFileError{fmt.Sprintf("%s has no %s", s, file)}, "%s", s.incompleteHint())
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", s.Path(file), err)
	}
	if safetensors.IsPointer(content) {
		return nil, safetensors.PointerError(s.Path(file))
	}
	return content, nil
}

// openWeights maps a weight file, or uses the program's own bytes for an embedded one.
func (s Location) openWeights(file string) (weightFile, error) {
	switch {
	case s.gguf != nil:
		return openGGUFWeights(s.Name)
	case s.Dir != "":
		return safetensors.Open(s.Path(file))
	}
	content, err := fs.ReadFile(s.files, file)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", s.Path(file), err)
	}
	return safetensors.Parse(s.Path(file), content)
}

func (s Location) incompleteHint() string {
	if repo, revision, ok := ParseName(s.Name); ok && s.Name != s.Dir {
		return "complete it with: vqctl model pull " + AtRevision(repo, revision)
	}
	return "a base model is a folder with " + ConfigFile + ", " + TokenizerFile + " and " + WeightsFile + " or its shards"
}

// missingFileError is an fs.ErrNotExist with our own message.
type missingFileError struct{ message string }

func (e *missingFileError) Error() string        { return e.message }
func (e *missingFileError) Is(target error) bool { return target == fs.ErrNotExist }

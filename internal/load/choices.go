package load

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ventriloquist/engine"
	"ventriloquist/internal/atomicfile"
)

// choicesFolder, in the user's folder of caches, holds what the engine chose on each GPU, library and driver.
const choicesFolder = "vqctl/products"

// choicesPath is the file of the device's choices.
func choicesPath(device *engine.Device) (string, error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder of caches: %w", err)
	}
	sum := sha256.Sum256([]byte(device.Info().GEMMLibrary))
	return filepath.Join(caches, choicesFolder, hex.EncodeToString(sum[:8])), nil
}

// readChoices gives the device the choices of earlier runs, where there are any.
func readChoices(device *engine.Device) error {
	path, err := choicesPath(device)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := device.SetGEMMChoices(content); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Choose has a trainer choose how its products are computed, where no run before it did, and keeps the choices: other runs
// on this GPU make the same, so that they give the same bytes. A file of choices that cannot be used is written anew. say
// gets a line on what is out of the ordinary, or takes time.
func Choose(device *engine.Device, trainer *engine.Trainer, say func(format string, args ...any)) error {
	if device.Info().GEMMLibrary == "" {
		return nil
	}
	bad := readChoices(device)
	if bad != nil {
		say("the choice of algorithms is made anew: %v", bad)
	}
	before, err := device.GEMMChoices()
	if err != nil {
		return err
	}
	say("looking for the fastest algorithms of the products")
	if err := trainer.TuneGEMMs(); err != nil {
		return err
	}
	after, err := device.GEMMChoices()
	if err != nil || bad == nil && bytes.Equal(before, after) {
		return err
	}
	if err := writeChoices(device, after); err != nil {
		say("the choice of algorithms could not be kept, another run may compute other bytes: %v", err)
	}
	return nil
}

func writeChoices(device *engine.Device, content []byte) error {
	path, err := choicesPath(device)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, content)
}

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

	"go.uber.org/zap"

	"ventriloquist/engine"
	"ventriloquist/internal/atomicfile"
)

// tuningFolder, in the user's cache directory, holds a file of GEMM tuning per GPU, library and driver.
const tuningFolder = "vqctl/products"

// tuningPath is the device's file.
func tuningPath(device *engine.Device) (string, error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no user cache directory: %w", err)
	}
	sum := sha256.Sum256([]byte(device.Info().GEMMLibrary))
	return filepath.Join(caches, tuningFolder, hex.EncodeToString(sum[:8])), nil
}

// readTuning applies the saved tuning to the device, if there is any.
func readTuning(device *engine.Device) error {
	path, err := tuningPath(device)
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
	if err := device.SetGEMMTuning(content); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// TuneGEMMs selects the fastest algorithm for each GEMM shape of training that is not tuned yet, and saves the tuning:
// later runs on this GPU use the same algorithms and give the same bytes. A saved file that cannot be used is replaced.
func TuneGEMMs(device *engine.Device, trainer *engine.Trainer, log *zap.Logger) error {
	if device.Info().GEMMLibrary == "" {
		return nil
	}
	unusable := readTuning(device)
	if unusable != nil {
		log.Warn("cannot use the saved GEMM tuning, tuning again", zap.Error(unusable))
	}
	before, err := device.GEMMTuning()
	if err != nil {
		return err
	}
	log.Info("tuning GEMM algorithms", zap.String("library", device.Info().GEMMLibrary))
	if err := trainer.TuneGEMMs(); err != nil {
		return err
	}
	after, err := device.GEMMTuning()
	if err != nil || unusable == nil && bytes.Equal(before, after) {
		return err
	}
	if err := writeTuning(device, after); err != nil {
		log.Warn("the GEMM tuning was not saved, so another run may compute other bytes", zap.Error(err))
	}
	return nil
}

func writeTuning(device *engine.Device, content []byte) error {
	path, err := tuningPath(device)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, content)
}

package train

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"ventriloquist/internal/model/adapter"
)

// checkedFiles are the files of a checkpoint whose checksums trainer_state.json has: a flipped bit in them would go on training
// from other weights without a word.
var checkedFiles = []string{adapter.WeightsFile, adapter.ConfigFile, optimizerFile}

// checksums returns the CRC-32C of each of a checkpoint's files, by name. The best adapter has no optimizer's state.
func checksums(dir string) (map[string]string, error) {
	sums := make(map[string]string, len(checkedFiles))
	for _, name := range checkedFiles {
		sum, err := checksumOf(filepath.Join(dir, name))
		if name == optimizerFile && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		sums[name] = sum
	}
	return sums, nil
}

func checksumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(hash, f); err != nil {
		return "", fmt.Errorf("cannot read %s: %w", path, err)
	}
	return fmt.Sprintf("%08x", hash.Sum32()), nil
}

// requireSums returns an error if a file of a checkpoint is not as it was written. Checkpoints of earlier versions have no sums.
func (s *State) requireSums(dir string) error {
	if len(s.Checksums) == 0 {
		return nil
	}
	sums, err := checksums(dir)
	if err != nil {
		return err
	}
	for _, name := range checkedFiles {
		if sums[name] != s.Checksums[name] {
			return fmt.Errorf("%s is damaged: its CRC-32C is %s, %s says %s", filepath.Join(dir, name), sums[name], stateFile, s.Checksums[name])
		}
	}
	return nil
}

// ConfigChanged reports whether the adapter_config.json of a checkpoint is not as it was written. Adapters without the checkpoint's
// other files are not checked.
func ConfigChanged(dir string) bool {
	s, err := ReadState(dir)
	if err != nil || s.Checksums[adapter.ConfigFile] == "" {
		return false
	}
	sum, err := checksumOf(filepath.Join(dir, adapter.ConfigFile))
	return err == nil && sum != s.Checksums[adapter.ConfigFile]
}

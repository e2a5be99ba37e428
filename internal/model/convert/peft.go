package convert

import (
	"io"
	"os"
	"path/filepath"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/model/adapter"
)

// CopyAdapter copies what PEFT reads of the adapter in a folder into a new one.
func CopyAdapter(from, to string) error {
	return atomicfile.WriteDir(to, func(tmp string) error {
		for _, name := range []string{adapter.ConfigFile, adapter.WeightsFile} {
			in, err := os.Open(filepath.Join(from, name))
			if err != nil {
				return err
			}
			err = atomicfile.Write(filepath.Join(tmp, name), func(w io.Writer) error {
				_, err := io.Copy(w, in)
				return err
			})
			in.Close()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

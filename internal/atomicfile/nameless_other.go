//go:build !linux

package atomicfile

import (
	"errors"
	"os"
)

// newNameless fails: of the systems here, only Linux has files without a name.
func newNameless(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func linkNameless(*os.File, string) error { return errors.ErrUnsupported }

//go:build !linux && !darwin

package atomicfile

import "errors"

// exchange fails on systems that cannot exchange two folders.
func exchange(string, string) error { return errors.ErrUnsupported }

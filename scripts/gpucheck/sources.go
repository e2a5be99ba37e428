package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
)

// sourceSum is a checksum of everything that the build reads: csrc and the architecture.
func sourceSum(root, capability string) string {
	sum := sha256.New()
	sum.Write([]byte(capability))
	_ = filepath.WalkDir(filepath.Join(root, "csrc"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum.Write([]byte(path[len(root):] + "\x00"))
		sum.Write(text)
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))
}

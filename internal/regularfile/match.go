package regularfile

import (
	"os"
	"path/filepath"
)

// Match returns the paths of what is in a folder under a name that matches a pattern of filepath.Match, in order; none if the folder
// cannot be read. Unlike with filepath.Glob, the name of the folder may have any characters.
func Match(folder, pattern string) (paths []string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if matched, err := filepath.Match(pattern, e.Name()); err == nil && matched {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths
}

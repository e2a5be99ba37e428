package regularfile

import "path/filepath"

// Glob returns the paths below a folder that match a pattern of filepath.Glob with slashes, in order; none if a folder cannot be read.
// Unlike with filepath.Glob, the name of the folder may have any characters.
func Glob(folder, pattern string) []string {
	paths, _ := filepath.Glob(filepath.Join(escape(folder), filepath.FromSlash(pattern)))
	return paths
}

// escape escapes the characters of a path that mean something in a pattern.
func escape(path string) string {
	out := make([]byte, 0, len(path))
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, path[i])
	}
	return string(out)
}

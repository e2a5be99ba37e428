package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"ventriloquist/internal/people"
	"ventriloquist/internal/windows"
)

// strangeNames are the names in a window file that the contacts do not have.
type strangeNames struct {
	Path  string   `json:"path"`
	Names []string `json:"names"`
}

func (s *strangeNames) words() string {
	const shown = 5
	var quoted []string
	for _, name := range s.Names[:min(shown, len(s.Names))] {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	if more := len(s.Names) - shown; more > 0 {
		quoted = append(quoted, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("%s has windows with %s, whom the contacts do not name: if that is an earlier name, delete the file or write it again", s.Path, strings.Join(quoted, ", "))
}

// findStrangeNames returns the window files with people whom the contacts do not name: windows that were written before someone got
// another name are not found by the new one.
func findStrangeNames(files []string, book *people.Book, owner string) []strangeNames {
	list := []strangeNames{}
	for _, path := range files {
		strange := map[string]bool{}
		_ = eachContent(path, func(in io.Reader) error {
			for name := range windows.MembersIn(in, path) {
				if name != owner && !slices.Contains(book.Names(), name) && !strings.HasPrefix(name, "forgotten ") && !strings.HasPrefix(name, "Unknown ") {
					strange[name] = true
				}
			}
			return nil
		})
		if len(strange) > 0 {
			s := strangeNames{Path: path}
			for name := range strange {
				s.Names = append(s.Names, name)
			}
			slices.Sort(s.Names)
			list = append(list, s)
		}
	}
	return list
}

package main

import (
	"slices"
	"strings"
	"testing"
)

// Describing costs money or needs a server, so "all" in the menu leaves it out.
func TestMenu_DescribeIsOptional(t *testing.T) {
	t.Chdir(t.TempDir())
	var out strings.Builder
	var ran []string
	runStep := func(args []string) error {
		ran = append(ran, strings.Join(args, " "))
		return nil
	}
	if err := runMenu(t.Context(), strings.NewReader("1.5\na\nq\n"), &out, runStep); err != nil {
		t.Fatal(err)
	}
	if want := []string{"describe", "collect", "preprocess", "train"}; !slices.Equal(ran, want) {
		t.Errorf("it ran %q, want %q", ran, want)
	}
	var keys []string
	for line := range strings.Lines(strings.SplitN(out.String(), "> ", 2)[0]) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "  ") && len(fields) > 0 {
			keys = append(keys, fields[0])
		}
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return !strings.Contains("1 1.5 2 3 4 a q", k) })
	if want := []string{"1", "1.5", "2", "3", "4", "a", "q"}; !slices.Equal(keys, want) {
		t.Errorf("the menu shows %q, want %q", keys, want)
	}
}

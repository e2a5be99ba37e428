package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
)

// browserCommand returns the command that opens a file as a double click does.
func browserCommand(path string) []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"open", path}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", path}
	}
	return []string{"xdg-open", path}
}

// openInBrowser opens the file of a page in the browser, and says so if that is not possible here.
func openInBrowser(ctx context.Context, path string) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		absolute = path
	}
	openAddress(ctx, absolute, absolute)
}

// openAddress opens a file or an address in the browser. shown is what the words call it if that is not possible here.
func openAddress(ctx context.Context, address, shown string) {
	args := browserCommand(address)
	err := exec.CommandContext(ctx, args[0], args[1:]...).Run()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && args[0] == "xdg-open" && ended.ExitCode() == 3: // xdg-open(1): a required tool could not be found
		notice("xdg-open found no browser: open %s yourself", shown)
	case errors.Is(err, exec.ErrNotFound):
		notice("no browser could be opened, because %s is not installed: open %s yourself", args[0], shown)
	case err != nil:
		notice("no browser could be opened (%v): open %s yourself", err, shown)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/monitor"
	"ventriloquist/internal/report"
	"ventriloquist/internal/runlog"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// reportName is the name of the page in the folder of the run.
const reportName = "report.html"

type reportOptions struct {
	dataDir string
	html    string // "" for report.html in the folder of the first run
	open    bool
}

func newReportCommand() *cli.Command {
	var o reportOptions
	return &cli.Command{
		Name:      "report",
		Usage:     "write a web page about training runs, with plots",
		ArgsUsage: "[RUN…]",
		Description: `Writes one page with loss curves, the loss per person, samples and settings, and prints its path. It loads nothing and opens in
any browser. RUN is the folder of a run, a folder above it, or the name of a run; several are compared. Without RUN, the page is
about the runs that train now, else the latest. The page holds names and texts: it is as private as messages.db.`,
		Flags: []cli.Flag{
			dataDirFlag(&o.dataDir),
			&cli.StringFlag{Name: "html", Usage: "write the page to `FILE` (default: " + reportName + " in the folder of the run)", Destination: &o.html},
			&cli.BoolFlag{Name: "open", Usage: "open the page in the browser", Destination: &o.open},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.IsSet("html") && o.html == "" {
				return usererr.Usage("--html is empty: name the file to write")
			}
			found, err := findRuns(ctx, o.dataDir, c.Args().Slice())
			if err != nil {
				return err
			}
			return runReport(ctx, o, found, stdout)
		},
	}
}

func runReport(ctx context.Context, o reportOptions, found []foundRun, out io.Writer) error {
	if o.html == "" {
		o.html = filepath.Join(found[0].folder, reportName)
	}
	if err := checkPagePath(o.html, reportName); err != nil {
		return err
	}
	runs := make([]report.Run, len(found))
	for i, r := range found {
		log, err := runlog.Read(runlog.Path(r.folder))
		if err != nil {
			return err
		}
		shown := monitor.NewRun(r.folder, r.name, r.training)
		shown.Update()
		runs[i] = report.Run{Title: shown.Title(), State: shown.State(), Log: log}
	}
	recordOutput(ctx, o.dataDir, o.html)
	err := writeHTML(o.html, func(page io.Writer) error { return report.Write(page, runs, time.Now()) })
	if err != nil {
		return usererr.With(err, "name another file with --html")
	}
	if o.open {
		openInBrowser(ctx, o.html)
	}
	_, err = fmt.Fprintln(out, o.html)
	return err
}

// writeHTML writes a page. Names and texts may hold what controls a terminal that shows the file, or the order of characters.
func writeHTML(path string, write func(page io.Writer) error) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		page := terminal.NewWriter(w)
		return errors.Join(write(page), page.Flush())
	})
}

// checkPagePath returns an error if a page cannot be written where --html says.
func checkPagePath(path, name string) error {
	if info := statOf(path); info != nil && info.IsDir() {
		return usererr.Usage("--html %s is a folder: name a file in it, such as %s", path, filepath.Join(path, name))
	}
	if folder := filepath.Dir(path); statOf(folder) == nil {
		return usererr.Usage("--html %s: there is no folder %s", path, folder)
	}
	return nil
}

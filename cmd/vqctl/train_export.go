package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.uber.org/zap"

	"ventriloquist/internal/runlog"
	"ventriloquist/internal/runlog/export"
	"ventriloquist/internal/usererr"
)

// noFormats is the value of --report-to without any.
const noFormats = "none"

// reportFormats returns what --report-to asks for. Who has a key of Weights & Biases gets its files.
func reportFormats(list string) (string, error) {
	if list == "" {
		if os.Getenv("WANDB_API_KEY") != "" {
			return export.WandB, nil
		}
		return noFormats, nil
	}
	var formats []string
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.TrimSpace(name); {
		case slices.Contains(export.Formats, name) && !slices.Contains(formats, name):
			formats = append(formats, name)
		case name != noFormats || len(formats) > 0 || strings.Contains(list, ","):
			return "", usererr.With(usererr.Usage("--report-to %q: must be none, or a list of %s", list, strings.Join(export.Formats, " and ")), "for both: --report-to %s", strings.Join(export.Formats, ","))
		}
	}
	return cmp.Or(strings.Join(formats, ","), noFormats), nil
}

// exporter returns a function that opens the files of --report-to, nil for none.
func (s *trainSession) exporter(logger *zap.Logger) func(log *runlog.Log) (runlog.Sink, error) {
	settings := s.options.settings
	if settings.ReportTo == noFormats || settings.ReportTo == "" {
		return nil
	}
	o := export.Options{Formats: strings.Split(settings.ReportTo, ","), Texts: settings.ReportText,
		Project: cmp.Or(os.Getenv("WANDB_PROJECT"), "vqctl"), Entity: os.Getenv("WANDB_ENTITY")}
	return func(log *runlog.Log) (runlog.Sink, error) {
		e, err := export.Open(settings.OutputDir, o, log, func(err error) {
			logger.Warn("the run continues without writing its metrics in another format", zap.Error(err))
		})
		if err != nil {
			return nil, err
		}
		noticeExport(o, settings.OutputDir)
		return e, nil
	}
}

// noticeExport says where the files are, how to use them, and what is in them.
func noticeExport(o export.Options, dir string) {
	inside := "losses, rates and settings, but no names and no texts"
	if o.Texts {
		inside = "losses, rates, settings, names and samples with texts (--report-text)"
	}
	for _, format := range o.Formats {
		folder := quoteForShell(filepath.Join(dir, format))
		switch format {
		case export.TensorBoard:
			notice("metrics for TensorBoard: tensorboard --logdir %s; they hold %s", folder, inside)
		case export.WandB:
			notice("metrics for Weights & Biases: wandb sync %s/offline-run-* uploads %s; vqctl itself sends nothing", folder, inside)
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"ventriloquist/internal/usererr"
)

func TestNewLogger_LevelsAndForms(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	for _, terminal := range []bool{true, false} {
		var out bytes.Buffer
		log, err := newLogger("info", file, &out, terminal)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("hidden")
		log.Info("shown", zap.Int("n", 3))
		var line struct {
			Msg string
			N   int
		}
		asJSON := json.Unmarshal(out.Bytes(), &line) == nil && line.Msg == "shown" && line.N == 3
		if strings.Contains(out.String(), "hidden") || !strings.Contains(out.String(), "shown") || asJSON == terminal {
			t.Errorf("terminal %v: logged %q", terminal, out.String())
		}
	}
	if written, err := os.ReadFile(file); err != nil || strings.Count(string(written), `"msg":"shown"`) != 2 {
		t.Errorf("the file holds %q (%v)", written, err)
	}
}

func TestNewLogger_WrongUsage(t *testing.T) {
	for _, level := range []string{"", "loud", "panic"} {
		if _, err := newLogger(level, "", os.Stderr, false); !errors.Is(err, usererr.ErrUsage) {
			t.Errorf("%q: error is %v", level, err)
		}
	}
	if _, err := newLogger("info", filepath.Join(t.TempDir(), "none", "log"), os.Stderr, false); err == nil || usererr.Of(err) == "" {
		t.Errorf("error is %v", err)
	}
}

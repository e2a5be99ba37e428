package main

import (
	"os"
	"path/filepath"
	"testing"

	"ventriloquist/internal/runlog"
	"ventriloquist/internal/train"
)

// A run that trains now is shown as far as its log is, not as far as its last checkpoint.
func TestFollowLog_ShowsARunThatTrains(t *testing.T) {
	dir := t.TempDir()
	const log = `{"event":"run","version":1,"step":0,"total_steps":60}
{"event":"evaluation","step":0,"eval_loss":2}
{"event":"step","step":20}
{"event":"evaluation","step":20,"eval_loss":1.5}
{"event":"step","step":40}
{"event":"evaluation","step":40,"eval_loss":1.75}
{"event":"step","step":45}
`
	if err := os.WriteFile(runlog.Path(dir), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	info := train.RunInfo{Folder: dir, TotalSteps: 60}
	if followLog(&info); info.Step != 0 {
		t.Errorf("a run that has ended is at step %d", info.Step)
	}
	release, err := train.LockOutputDir(filepath.Clean(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if followLog(&info); info.Step != 45 || *info.BaseEvalLoss != 2 || *info.EvalLoss != 1.75 || *info.BestEvalLoss != 1.5 || *info.BestStep != 20 {
		t.Errorf("%+v", info)
	}
}

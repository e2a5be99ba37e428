//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fillingDisk starts a run on an empty disk, and fills the disk but for $3 KiB as soon as the run has written a checkpoint. Then it
// makes room again and resumes the run. $1 is the folder to copy onto the disk, $2 where to copy what is there after each run, with
// what they print; the rest is the command.
const fillingDisk = `set -eu
from=$1 to=$2 room=$3
shift 3
mkdir -p "$to"
mount -t tmpfs -o size=96m none "$MOUNT"
cd "$MOUNT"
cp "$from"/windows.jsonl .
"$@" >"$to/out" 2>&1 &
run=$!
while ! [ -e b/checkpoint-2 ]; do
	kill -0 $run
	sleep 0.01
done
kill -STOP $run
set +e
cat /dev/zero >filler 2>/dev/null
truncate -s -${room}K filler
kill -CONT $run
wait $run
echo "exit $?" >>"$to/out"
cp -a b "$to/first"
rm filler
vqctl train --resume --output-dir b >"$to/out-again" 2>&1
echo "exit $?" >>"$to/out-again"
cp -a b "$to/second"
`

// A disk that fills up during a run, after the check for room, costs no checkpoint: the run says where it stands, and goes on from
// there once there is room, to the same adapter.
func TestFullDisk_FillsUpDuringARun(t *testing.T) {
	if testing.Short() {
		t.Skip("trains many times")
	}
	t.Parallel()
	k := newKiller(t, t.TempDir())
	inNamespaces(t, "")
	writeWindows(t, k.path("windows.jsonl"), 12)
	train := []string{"train", "--base-model", "tiny", "--data-path", "windows.jsonl", "--lora-r", "4", "--batch-size", "1", "--gradient-accumulation-steps", "1",
		"--max-steps", "20", "--save-steps", "1", "--keep-checkpoints", "0", "--eval-steps", "0", "--logging-steps", "1", "--threads", "1", "--output-dir"}
	k.must(append(train, "whole")...)
	rooms := []int{0, 300, 40, 900, 5, 150, 500, 2000} // KiB; a checkpoint takes some 800
	for _, room := range rooms[:min(len(rooms), rounds(10))] {
		t.Run(fmt.Sprint(room), func(t *testing.T) {
			t.Parallel()
			to := t.TempDir()
			run := inNamespaces(t, fillingDisk, append([]string{k.dir, to, fmt.Sprint(room), "vqctl"}, append(train, "b")...)...)
			if out, err := run.CombinedOutput(); err != nil {
				printed, _ := os.ReadFile(filepath.Join(to, "out"))
				t.Fatalf("%v\n%s%s", err, out, printed)
			}
			checkFilledRun(t, to, k.path("whole"))
		})
	}
}

var (
	failedStep = regexp.MustCompile(`vqctl: step (\d+): cannot write the checkpoint: .*no space left on device\nhint: earlier checkpoints in b are complete; make room and continue with --resume\n`)
	// dataPath matches what trainer_state.json says of the place of the windows, which is on another disk.
	dataPath   = regexp.MustCompile(`"data-path": *"[^"]*"`)
	checkpoint = regexp.MustCompile(`^checkpoint-\d+/`)
)

// checkFilledRun compares what a run left on a full disk, and what it made of it, with a run that had room.
func checkFilledRun(t *testing.T, to, whole string) {
	t.Helper()
	first, err := os.ReadFile(filepath.Join(to, "out"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(filepath.Join(to, "out-again"))
	if err != nil {
		t.Fatal(err)
	}
	if !failedStep.Match(first) || !strings.HasSuffix(string(first), "exit 1\n") {
		t.Errorf("on the full disk, it says\n%s", first)
	}
	if !strings.HasSuffix(string(again), "exit 0\n") {
		t.Errorf("with room, it says\n%s", again)
	}
	same := func(state, file string) {
		got, err := os.ReadFile(filepath.Join(to, state, file))
		want, err2 := os.ReadFile(filepath.Join(whole, file))
		if filepath.Base(file) == "trainer_state.json" {
			got, want = dataPath.ReplaceAll(got, nil), dataPath.ReplaceAll(want, nil)
		}
		if err != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %s differs from that of a run with room (%v, %v)", state, file, err, err2)
		}
	}
	there := 0
	for _, file := range filesOf(t, filepath.Join(to, "first")) {
		if checkpoint.MatchString(file) {
			same("first", file)
			there++
		}
		if strings.Contains(file, ".partial-") {
			t.Errorf("left over: %s", file)
		}
	}
	if there == 0 {
		t.Error("no checkpoint is there")
	}
	for _, file := range filesOf(t, filepath.Join(whole, "final")) {
		same("second", filepath.Join("final", file))
	}
}

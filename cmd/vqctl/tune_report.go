package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"ventriloquist/internal/datacheck"
	"ventriloquist/internal/recipe"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/tune"
)

// tuneView shows a search: a line for each trial on out, what was learned after each rung and the live line on stderr.
type tuneView struct {
	session *tuneSession
	rung    int // the last of which something was said
}

func newTuneView(s *tuneSession) *tuneView { return &tuneView{session: s, rung: -1} }

// trial shows the live line of a trial until done is called.
func (v *tuneView) trial(s *tune.State, t tune.Trial, steps int) (done func()) {
	v.learned(s, t)
	head := "measuring the speed"
	if len(s.Rungs) > 0 {
		head = fmt.Sprintf("trial %d of at most %d", len(s.Results)+1, s.Planned())
		if best := s.Best(); best != nil {
			head += fmt.Sprintf(", best so far %.4f", best.Loss)
		}
	}
	head += ": "
	live := v.session.view.live
	line := screen.Show(func(now time.Time, cells int) string { return head + live.render(now, max(20, cells-len(head))) })
	return line.End
}

// learned says what the trials so far show, as a rung begins.
func (v *tuneView) learned(s *tune.State, t tune.Trial) {
	if len(s.Rungs) == 0 || t.Rung == v.rung {
		return
	}
	v.rung = t.Rung
	rung := s.Rungs[t.Rung]
	if t.Rung > 0 {
		for _, line := range learnedLines(s) {
			notice("%s", line)
		}
	}
	notice("round %d of %d: %s, each for %s of its run", t.Rung+1, len(s.Rungs), terminal.Quantity(rung.Trials, "setting"), shareText(rung.Share))
}

func shareText(share float64) string {
	if share >= 0.9999 {
		return "the whole"
	}
	return fmt.Sprintf("%.1f%%", 100*share)
}

// learnedLines says for each setting which value is best so far, and how much it matters.
func learnedLines(s *tune.State) (lines []string) {
	for _, e := range s.Effects() {
		var values []string
		for _, x := range e.Values {
			values = append(values, fmt.Sprintf("%g: %.4f", x.Value, x.Loss))
		}
		lines = append(lines, fmt.Sprintf("learned: mean held-out loss by %s: %s", e.Name, strings.Join(values, ", ")))
	}
	return lines
}

// trialEvent is a line of the JSON output.
type trialEvent struct {
	Event string `json:"event"` // "trial"
	tune.Result
}

// ended prints a trial that has ended, but not that which measures the speed.
func (v *tuneView) ended(s *tune.State, r tune.Result) error {
	if len(s.Rungs) == 0 {
		return nil
	}
	out := v.session.out
	if v.session.tune.print {
		out = stderr
	}
	if v.session.tune.json {
		return json.NewEncoder(out).Encode(trialEvent{"trial", r})
	}
	result := r.Failed
	if result == "" {
		result = fmt.Sprintf("held-out loss %.4f", r.Loss)
		if best := s.Best(); best == nil || r.Rung > best.Rung || r.Rung == best.Rung && r.Loss < best.Loss {
			result += ", the best so far"
		}
	}
	which := ""
	if r.Trial == 0 {
		which = " (the settings before)"
	}
	_, err := fmt.Fprintf(out, "trial %d of at most %d: %v%s: %s\n", len(s.Results)+1, s.Planned(), r.Settings, which, result)
	return err
}

// tuneDone is the last line of the JSON output.
type tuneDone struct {
	Event    string            `json:"event"` // "done"
	Best     *tune.Result      `json:"best"`
	Before   *tune.Result      `json:"before"` // of the settings before, after as many steps
	Settings map[string]string `json:"settings"`
	Adapter  string            `json:"adapter"` // of the best trial
	File     string            `json:"file,omitempty"`
	Trials   int               `json:"trials"`
	TimeUp   bool              `json:"time_up"`
	Effects  []tune.Effect     `json:"effects"`
	Seconds  float64           `json:"seconds"`
}

// finish prints the table and writes the best settings.
func (s *tuneSession) finish() error {
	best := s.state.Best()
	if best == nil {
		return errors.New("no trial had a loss that is a number: the base model or the windows are damaged")
	}
	values, comments := s.tune.values(best.Settings), s.tune.comments(s.state, len(s.data.HeldOut.Windows))
	if err := s.writeSettings(comments, values); err != nil {
		return err
	}
	adapter := s.folderOf(best.Trial, best.Rung) + "/final"
	if statOf(adapter) == nil {
		adapter = ""
	}
	if s.tune.json {
		d := tuneDone{Event: "done", Best: best, Before: baseResult(s.state, best.Rung), Settings: map[string]string{}, Adapter: adapter, File: s.tune.path,
			Trials: len(s.state.Results), TimeUp: s.state.TimeUp, Effects: s.state.Effects(), Seconds: s.state.Seconds()}
		for _, v := range values {
			d.Settings[v.Name] = v.Text
		}
		return json.NewEncoder(s.out).Encode(d)
	}
	out := s.out
	if s.tune.print {
		out = stderr
	}
	if err := s.printTable(out); err != nil {
		return err
	}
	s.say(best, adapter)
	if s.tune.print || s.tune.path == "" {
		_, err := io.WriteString(s.out, recipe.Format(comments, values))
		return err
	}
	notice("the settings are in %s: vqctl train uses them", s.tune.path)
	return nil
}

// writeSettings writes train.toml. What was there before, if it says something else, is kept next to it.
func (s *tuneSession) writeSettings(comments []string, values []recipe.Value) error {
	path := s.tune.path
	if path == "" {
		return nil
	}
	if old, err := os.ReadFile(path); err == nil && string(old) != recipe.Format(comments, values) {
		before := path + ".before"
		if err := os.Rename(path, before); err != nil {
			return err
		}
		notice("%s had other settings: they are in %s now", path, before)
	}
	return recipe.WriteFile(path, comments, values)
}

// printTable prints all trials, the best first.
func (s *tuneSession) printTable(out io.Writer) error {
	table := terminal.NewTable("trial", "learning rate>", "rank>", "epochs>", "dropout>", "steps>", "held-out>")
	for _, r := range s.state.Ranked() {
		name, result := fmt.Sprint(r.Trial), fmt.Sprintf("%.4f", r.Loss)
		if r.Trial == 0 {
			name = "before"
		}
		if r.Failed != "" {
			result = "failed"
		}
		table.Add(name, fmt.Sprint(r.Settings.LearningRate), fmt.Sprint(r.Settings.Rank), fmt.Sprint(r.Settings.Epochs), fmt.Sprint(r.Settings.Dropout),
			terminal.Count(int64(r.Steps)), result)
	}
	_, err := io.WriteString(out, table.Fit(terminal.Columns(out)))
	return err
}

// say says how good the best settings are, and what the figures are worth.
func (s *tuneSession) say(best *tune.Result, adapter string) {
	if s.state.TimeUp {
		notice("the time is up: the search ended before all its trials; a larger --minutes searches on")
	}
	for _, line := range learnedLines(s.state) {
		notice("%s", line)
	}
	text := fmt.Sprintf("best: %v, with a held-out loss of %.4f", best.Settings, best.Loss)
	if base := baseResult(s.state, best.Rung); base != nil && base.Trial != best.Trial {
		text += fmt.Sprintf("; %.4f with the settings before", base.Loss)
	} else if best.Trial == 0 {
		text += ": the settings before are the best"
	}
	messages := 0
	for _, i := range s.data.HeldOut.Windows {
		messages += s.data.HeldOutTargets(i)
	}
	notice("%s; differences below about %.3f are chance (as a rule of thumb, for %s)", text, 2*datacheck.StandardError(messages), terminal.Quantity(messages, "held-out message"))
	if adapter != "" {
		notice("its adapter is in %s", adapter)
	}
}

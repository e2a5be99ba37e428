package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// stagesFile is in the folder of the first adapter until an evaluation ends: the results of the stages that are done. They hold names,
// and messages that the model wrote.
const stagesFile = "eval_stages.json"

// stages are the parts of an evaluation, each of one model. A stage that an earlier command finished is not measured again.
type stages struct {
	path   string // "" keeps nothing
	data   string // what identifies the windows, the base model and how it computes
	done   map[string]json.RawMessage
	kept   bool // something is in the file
	reused int

	models   int
	costs    []stageCost // of each model
	measured []float64   // seconds of the stages that were measured, in order; the cost of each is in spent
	spent    []float64
	at       int // stages begun
}

// stageCost is about how many tokens a stage reads.
type stageCost struct {
	name   string
	tokens float64
}

// decodedToken is about how many tokens are read in the time of writing one.
const decodedToken = 8

// newStages reads what is left of an evaluation that was stopped. firstAdapter: "" keeps nothing.
func (o *evaluateOptions) newStages(set *evaluate.Set, models int, firstAdapter, identity string) *stages {
	path := ""
	if firstAdapter != "" {
		path = filepath.Join(firstAdapter, stagesFile)
	}
	s := openStages(path, fmt.Sprint(version, identity, set.Fingerprint(), o.model.precision, o.model.weights, o.model.at))
	s.models, s.costs = models, o.stageCosts(set, firstAdapter)
	return s
}

// openStages reads the file of stages that are done; path "": there is none.
func openStages(path, data string) *stages {
	s := &stages{path: path, data: data, done: map[string]json.RawMessage{}}
	if path == "" {
		return s
	}
	if content, err := regularfile.Read(s.path, largestResults); err == nil && json.Unmarshal(content, &s.done) != nil {
		s.done = map[string]json.RawMessage{} // damaged: as if nothing was measured
	}
	return s
}

// stageCosts estimates what the stages of a model cost.
func (o *evaluateOptions) stageCosts(set *evaluate.Set, firstAdapter string) (list []stageCost) {
	w := set.Work()
	tokens, messages := float64(w.Tokens), float64(w.Messages)
	window, line := tokens/float64(max(1, w.Windows)), float64(w.Targets)/max(1, messages)
	list = append(list, stageCost{"loss", tokens})
	if !o.skipGeneration {
		list = append(list, stageCost{"samples", float64(min(o.samples, w.Windows)) * (window + line*decodedToken)})
	}
	if o.nextMessage {
		list = append(list, stageCost{"next", tokens + messages*(w.Members+15)*decodedToken})
	}
	if o.style || o.leaks {
		list = append(list, stageCost{"written", tokens + min(float64(o.styleMessages), messages)*line*decodedToken})
	}
	if o.whoSaidIt {
		list = append(list, stageCost{"authors", tokens + messages*w.Members*line})
	}
	if o.leaks && firstAdapter != "" {
		if planted, err := plantedIn(firstAdapter); err == nil && planted != nil {
			list = append(list, stageCost{"canaries", float64(len(planted.Canaries)) * evaluate.AlternativeSentences * line})
		}
	}
	return list
}

// removeStages removes what evaluations that were stopped have kept next to adapters: names, and texts that a model wrote.
func removeStages(files []string) error {
	for _, path := range files {
		if filepath.Base(path) != stagesFile || statOf(filepath.Join(filepath.Dir(path), adapter.ConfigFile)) == nil {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// adapterIdentity identifies the files of an adapter; "" is the base model.
func adapterIdentity(dir string) (string, error) {
	if dir == "" {
		return "base", nil
	}
	hash := sha256.New()
	for _, name := range []string{adapter.WeightsFile, adapter.ConfigFile} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		_, err = io.Copy(hash, f)
		f.Close()
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), nil
}

// runStage measures a stage of a model, unless its result is there. options are those that change the result.
func runStage[T any](s *stages, m *measured, name, title string, unit terminal.Unit, options any, measure func(report func(done, total int64)) (T, error)) (T, error) {
	key := ""
	if s.path != "" {
		text, err := json.Marshal([]any{s.data, m.identity, name, options})
		if err != nil {
			return *new(T), err
		}
		key = fmt.Sprintf("%x", sha256.Sum256(text))
		var value T
		if raw, found := s.done[key]; found && json.Unmarshal(raw, &value) == nil {
			s.reused++
			s.at++
			return value, nil
		}
	}
	report, finish := s.begin(name, title, unit)
	value, err := measure(report)
	finish()
	if err != nil || s.path == "" {
		return value, err
	}
	return value, s.keep(key, value)
}

// keep writes the result of a stage. The evaluation goes on if it cannot be written.
func (s *stages) keep(key string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	s.done[key] = raw
	text, err := json.Marshal(s.done)
	if err != nil {
		return err
	}
	s.kept = atomicfile.WriteBytes(s.path, text) == nil
	return nil
}

// begin shows the progress of a stage, and about how long all that are left take.
func (s *stages) begin(name, title string, unit terminal.Unit) (report func(done, total int64), finish func()) {
	s.at++
	begun, cost := time.Now(), s.costOf(name)
	of := fmt.Sprintf("%s, %d of %d", title, s.at, max(s.at, s.models*len(s.costs)))
	bar := screen.NewBar(of, unit)
	report = func(done, total int64) {
		bar.Set(done, total)
		if total > 0 && screen.Live() {
			if left := s.left(name, time.Since(begun).Seconds(), float64(done)/float64(total)); left > 0 {
				bar.SetTitle(fmt.Sprintf("%s (all: %s left)", of, terminal.Duration(time.Duration(left*float64(time.Second)))))
			}
		}
	}
	return report, func() {
		bar.Finish()
		s.measured, s.spent = append(s.measured, time.Since(begun).Seconds()), append(s.spent, cost)
	}
}

func (s *stages) costOf(name string) float64 {
	for _, c := range s.costs {
		if c.name == name {
			return c.tokens
		}
	}
	return 0
}

// left returns about how many seconds are left of all stages, of the one that runs for so many seconds and has done a share; 0 is not known
// yet.
func (s *stages) left(name string, seconds, share float64) float64 {
	if share <= 0 || seconds < 1 {
		return 0
	}
	time, spent, rest := seconds, s.costOf(name)*share, 0.0
	for i := range s.measured {
		time, spent = time+s.measured[i], spent+s.spent[i]
	}
	if spent == 0 {
		return 0
	}
	for i := s.at; i < s.models*len(s.costs); i++ {
		rest += s.costs[i%len(s.costs)].tokens
	}
	return seconds/share*(1-share) + rest*time/spent
}

// end removes what was kept.
func (s *stages) end() {
	if s.path != "" {
		_ = os.Remove(s.path) // it may not be there; a file that is left is read, or replaced, by the next evaluation
	}
}

// explain adds to the error of an evaluation that was stopped how it goes on.
func (s *stages) explain(err error) error {
	if err == nil || !s.kept {
		return err
	}
	hint := "what was measured is kept: the same command goes on from there"
	if of := usererr.Of(err); of != "" && !errors.Is(err, context.Canceled) {
		hint = of + "; " + hint
	}
	return usererr.With(err, "%s", hint)
}

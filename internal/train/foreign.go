package train

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/regularfile"
)

// foreignError is the error of a checkpoint that another program wrote.
type foreignError struct{ checkpoint, by string }

func (e *foreignError) Error() string {
	return fmt.Sprintf("%s is a checkpoint of %s, not of vqctl", e.checkpoint, e.by)
}

// foreignTrainer returns the name of the program that wrote a checkpoint; "" for vqctl, and where the files do not show it.
func foreignTrainer(checkpoint string) string {
	hasIn := func(folder string, patterns ...string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool { return len(regularfile.Glob(folder, pattern)) > 0 })
	}
	has := func(patterns ...string) bool { return hasIn(checkpoint, patterns...) }
	own, trainer := readTrainerState(checkpoint)
	switch {
	case own:
		return ""
	case !trainer && !has("optimizer.*", "scheduler.pt", "training_args.bin", "rng_state*.pth", "global_step*", "zero_to_fp32.py") || has(optimizerFile):
		return "" // an adapter alone, or a checkpoint of vqctl without its state
	case hasIn(filepath.Dir(checkpoint), "llamaboard_config.yaml", "trainer_log.jsonl", "training_args.yaml"):
		return "LLaMA-Factory"
	case isUnsloth(checkpoint):
		return "Unsloth"
	case has("global_step*", "zero_to_fp32.py"):
		return "DeepSpeed"
	}
	return "Hugging Face's Trainer"
}

// readTrainerState reports whether trainer_state.json is vqctl's own, or that of Hugging Face's Trainer.
func readTrainerState(checkpoint string) (own, trainer bool) {
	path := filepath.Join(checkpoint, stateFile)
	content, err := regularfile.Read(path, jsonfields.MaxDocument)
	if err != nil {
		return false, false
	}
	f, err := jsonfields.Parse(path, content)
	if err != nil {
		return false, false
	}
	return f.Has("version"), f.Has("global_step")
}

// isUnsloth reports whether Unsloth wrote the adapter's configuration.
func isUnsloth(checkpoint string) bool {
	content, err := regularfile.Read(filepath.Join(checkpoint, adapter.ConfigFile), jsonfields.MaxDocument)
	return err == nil && bytes.Contains(content, []byte(`"unsloth_fixed"`))
}

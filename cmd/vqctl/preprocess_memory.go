package main

import (
	"context"
	"fmt"

	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// chooseMemory sets how many tokens of memories windows get, from --memory and --memory-tokens.
func (o *preprocessOptions) chooseMemory(wanted, given bool) error {
	if !wanted {
		o.memory = 0
		return validateMemory(0, given, "--memory")
	}
	if o.memory == 0 {
		return usererr.Usage("--memory-tokens 0 leaves no memories: leave out --memory")
	}
	return validateMemory(o.memory, true, "")
}

// exportedMemories returns the windows with their memories, nil if they have none. The tokens of memories are counted by the tokenizer
// of the base model.
func (o *preprocessOptions) exportedMemories(ctx context.Context) (windows.List, error) {
	if o.memory == 0 {
		return nil, nil
	}
	name := o.baseModel
	if name == "" {
		name = model.Default
	}
	base, err := model.Resolve(name)
	if err != nil {
		return nil, usererr.With(fmt.Errorf("the tokens of memories are counted by the base model's tokenizer: %w", err), "name one with --base-model: %s", usererr.Of(err))
	}
	encoder, err := load.LoadTokenizer(base)
	if err != nil {
		return nil, err
	}
	list, err := windows.OpenDatabase(ctx, databasePath(o.dataDir), nil)
	if err != nil {
		return nil, err
	}
	return windows.WithMemory(list, o.memory, tokenCount(encoder)), nil
}

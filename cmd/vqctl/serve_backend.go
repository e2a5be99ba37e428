package main

import (
	"context"

	"ventriloquist/internal/usererr"
)

// refuseWithBackend refuses the flags of serve that are about the engine.
func (o *serveOptions) refuseWithBackend(given func(flag string) bool) error {
	if o.backend.url != "" && given("cache-tokens") {
		return usererr.Usage("--cache-tokens does not go with --backend: the server has its own cache")
	}
	return nil
}

// openBackend connects to the server that writes the answers, and lists whom it writes as.
func (o *serveOptions) openBackend(ctx context.Context) (closeModels func(), err error) {
	w, err := o.backend.open(ctx)
	if err != nil {
		return nil, err
	}
	known := o.model.knownPeople()
	o.server.Owner = known.owner
	served := servedPeople(&known)
	memory := newRecaller(ctx, o.contacts.dataDir, o.backend.memoryTokens, estimatedCount)
	served.Remote, served.Recall = w, memory.recall
	o.server.Models = append(o.server.Models, served)
	return memory.close, nil
}

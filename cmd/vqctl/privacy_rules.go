package main

import (
	"context"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/privacy"
)

// renewRedaction redacts the texts of messages.db again if they went through earlier rules than those of this program. The training
// windows, which hold the texts as they were, are removed then.
func renewRedaction(ctx context.Context, db *messages.DB, dataDir string) error {
	policy, err := privacy.Load(ctx, db)
	if err != nil || policy == nil || !policy.Outdated() {
		return err
	}
	notice("%s was redacted by the rules of an earlier vqctl: redacting it again", db.Path())
	texts := int64(0)
	if err := db.EachText(ctx, func(string) { texts++ }); err != nil {
		return err
	}
	if err := checkReadable(ctx, db, contactsPath(dataDir), defaultOutputDir); err != nil {
		return err
	}
	if err := redactDatabase(ctx, db, policy, texts); err != nil {
		return err
	}
	if err := removeDefaultExport(ctx, db, dataDir); err != nil {
		return err
	}
	written, err := findWritten(ctx, db, contactsPath(dataDir), defaultOutputDir)
	if err != nil {
		return err
	}
	_, stale, err := written.redactLogs(policy)
	if err != nil {
		return err
	}
	for _, path := range stale {
		notice("%s may hold texts of before", path)
	}
	return nil
}

// noteOldRules says so if the texts of messages.db went through earlier rules than those of this program.
func noteOldRules(ctx context.Context, db *messages.DB) {
	if old, err := privacy.Outdated(ctx, db); err == nil && old {
		notice("%s was redacted by the rules of an earlier vqctl, which found less: `vqctl redact` redacts it again, and so do collect and preprocess", db.Path())
	}
}

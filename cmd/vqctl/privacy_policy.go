package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/privacy"
)

// setPolicy makes what is written into messages.db keep out what the owner asked to.
func setPolicy(ctx context.Context, db *messages.DB) error {
	care, err := db.Care(ctx)
	if err == nil && care != nil {
		db.SetPolicy(&messages.Policy{Text: redactorOf(care).Text, StandIn: func(address string) string { return standInOf(care, address) }})
	}
	return err
}

// careOf is what the owner asked for until now, or the beginning of it.
func careOf(ctx context.Context, db *messages.DB) (*messages.Care, error) {
	care, err := db.Care(ctx)
	if err != nil || care != nil {
		return care, err
	}
	self, err := withFound(ctx, db, settledSelf())
	if err != nil {
		return nil, err
	}
	care = &messages.Care{Secret: make([]byte, 32), Region: people.Region(self.Addresses), Forgotten: map[string]int64{}}
	rand.Read(care.Secret) // never fails
	return care, nil
}

// digestOf is what is kept of the address of somebody who was forgotten.
func digestOf(care *messages.Care, address string) string {
	return string(privacy.Digest(care.Secret, "address", people.Normalize(address, care.Region)))
}

// standInOf is what somebody who was forgotten is called, "" for everybody else.
func standInOf(care *messages.Care, address string) string {
	for _, n := range care.Forgotten {
		if address == messages.ForgottenName(n) {
			return address
		}
	}
	if n, forgotten := care.Forgotten[digestOf(care, address)]; forgotten {
		return messages.ForgottenName(n)
	}
	return ""
}

// redactorOf is a redactor as the owner asked for.
func redactorOf(care *messages.Care) *privacy.Redactor {
	var kinds []privacy.Kind
	for _, k := range strings.Split(care.Kinds, ",") {
		if k != "" {
			kinds = append(kinds, privacy.Kind(k))
		}
	}
	var forgotten func(string) bool
	if len(care.Forgotten) > 0 {
		forgotten = func(address string) bool { return care.Forgotten[digestOf(care, address)] != 0 }
	}
	return privacy.New(care.Secret, care.Region, kinds, forgotten)
}

// redactDescriptions redacts the words of attachments that were described since.
func redactDescriptions(ctx context.Context, db *messages.DB) error {
	care, err := db.Care(ctx)
	if err != nil || care == nil {
		return err
	}
	return db.RedactDescriptions(ctx, redactorOf(care).Text)
}

// windowFiles are the files of the data folder that may be window files.
func windowFiles(dataDir, contactsFile string) ([]string, error) {
	entries, err := os.ReadDir(dataDir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the data folder: %w", err)
	}
	var list []string
	for _, e := range entries {
		path := filepath.Join(dataDir, e.Name())
		if strings.HasSuffix(e.Name(), ".jsonl") && e.Type().IsRegular() && filepath.Clean(path) != filepath.Clean(contactsFile) {
			list = append(list, path)
		}
	}
	return list, nil
}

// removeDefaultExport removes the window file that preprocess writes unasked: it says what messages.db no longer holds.
func removeDefaultExport(dataDir string) (removed bool, err error) {
	err = os.Remove(filepath.Join(dataDir, exportName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// kindsInOrder are kinds as Care holds them.
func kindsInOrder(kinds []privacy.Kind) string {
	var list []string
	for _, k := range privacy.Kinds() {
		if slices.Contains(kinds, k) {
			list = append(list, string(k))
		}
	}
	return strings.Join(list, ",")
}

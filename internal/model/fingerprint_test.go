package model_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	f, err := m.Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Weights distinguish models; folders and files other than the weights do not.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	a := makeModel(t, model.RandomOptions{Config: small(), Seed: 1})
	if same := makeModel(t, model.RandomOptions{Config: small(), Seed: 1}); fingerprint(t, a) != fingerprint(t, same) {
		t.Error("the same weights in another folder have another fingerprint")
	}
	if other := makeModel(t, model.RandomOptions{Config: small(), Seed: 2}); fingerprint(t, a) == fingerprint(t, other) {
		t.Error("other weights have the same fingerprint")
	}
	theta := small()
	theta.RopeTheta *= 2
	if other := makeModel(t, model.RandomOptions{Config: theta, Seed: 1}); fingerprint(t, a) == fingerprint(t, other) {
		t.Error("another rope_theta has the same fingerprint")
	}
	positions := small()
	positions.MaxPositions *= 2
	if same := makeModel(t, model.RandomOptions{Config: positions, Seed: 1}); fingerprint(t, a) != fingerprint(t, same) {
		t.Error("max_position_embeddings, which changes nothing of the arithmetic, changes the fingerprint")
	}
}

// A clone of a model repository without Git LFS holds pointers instead of its large files.
func TestOpen_GitLFSPointer(t *testing.T) {
	t.Parallel()
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	for _, file := range []string{model.WeightsFile, model.ConfigFile} {
		dir := makeModel(t, model.RandomOptions{Config: small(), Seed: 1})
		if err := os.WriteFile(filepath.Join(dir, file), []byte(pointer), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := model.Open(dir)
		if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "Git LFS pointer") {
			t.Errorf("%s: %v", file, err)
		}
		if !strings.Contains(usererr.Of(err), "git lfs pull") {
			t.Errorf("%s: hint %q", file, usererr.Of(err))
		}
	}
}

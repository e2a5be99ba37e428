package usererr

import (
	"errors"
	"testing"
)

func TestNearest_GuessesTypos(t *testing.T) {
	t.Parallel()
	names := []string{"train", "tokenize", "list", "learning-rate", "n", "Max Baker", "Jo Baker", "Zoë", "Qwen/Qwen3-8B-Base", "rtx4090"}
	for given, want := range map[string]string{
		"trian": "train", "lst": "list", "lerning-rate": "learning-rate", "tokenise": "tokenize", "TRAIN": "train",
		"max baker": "Max Baker", "max": "Max Baker", "Zoe": "Zoë", "baker": "", "Jo": "Jo Baker",
		"qwen/qwen3-8b-bse": "Qwen/Qwen3-8B-Base", "rtx4099": "rtx4090",
		"nonsense": "", "z": "", "": "",
	} {
		if got := Nearest(given, names); got != want {
			t.Errorf("%q is taken for %q, want %q", given, got, want)
		}
	}
}

func TestSuggest_HasOneWording(t *testing.T) {
	t.Parallel()
	err := errors.New("unknown")
	if got := Of(Suggest(err, "trian", []string{"train"}, "--%s", "list them")); got != "did you mean --train?" {
		t.Errorf("hint %q", got)
	}
	if got := Of(Suggest(err, "xyz", []string{"train"}, "%q", "100% of them")); got != "100% of them" {
		t.Errorf("hint %q", got)
	}
}

func TestMatch_IgnoresCaseSpacesAndComposition(t *testing.T) {
	t.Parallel()
	names := []string{"Max Baker", "Zo\u00eb", "max", "MAX", "李明"}
	for given, want := range map[string]string{
		"max  baker": "Max Baker", "ZOE\u0308": "Zo\u00eb", "max": "max", "李明": "李明",
		"Max": "", "Baker": "", "": "",
	} {
		if got, found := Match(given, names); found != (want != "") || found && got != want {
			t.Errorf("%q is %q, %v, want %q", given, got, found, want)
		}
	}
}

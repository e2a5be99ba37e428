package recipe_test

import (
	"testing"

	"ventriloquist/internal/recipe"
)

func TestChoose_ByTargets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data recipe.Data
		want recipe.Settings
	}{
		"few, stride 1":         {recipe.Data{Windows: 300, Targets: 300, HeldOut: 4, MaxSeqLength: 4096}, recipe.Settings{BatchSize: 2, Accumulation: 4, Epochs: 4, WarmupRatio: 0.066, EvalSteps: 20}},
		"the demo":              {recipe.Data{Windows: 236, Targets: 3303, HeldOut: 42, MaxSeqLength: 1536}, recipe.Settings{BatchSize: 2, Accumulation: 1, Epochs: 3, WarmupRatio: 0.03, EvalSteps: 40}},
		"the reference's own":   {recipe.Data{Windows: 50_000, Targets: 50_000, HeldOut: 40, MaxSeqLength: 4096}, recipe.Settings{BatchSize: 2, Accumulation: 16, Epochs: 2, WarmupRatio: 0.03, EvalSteps: 320}},
		"stride 50":             {recipe.Data{Windows: 1_000, Targets: 50_000, HeldOut: 200, MaxSeqLength: 4096}, recipe.Settings{BatchSize: 1, Accumulation: 1, Epochs: 2, WarmupRatio: 0.03, EvalSteps: 270}},
		"many, stride 50":       {recipe.Data{Windows: 5_000, Targets: 240_000, HeldOut: 200, MaxSeqLength: 4096}, recipe.Settings{BatchSize: 1, Accumulation: 1, Epochs: 2, WarmupRatio: 0.03, EvalSteps: 1000}},
		"a window":              {recipe.Data{Windows: 1, Targets: 1, MaxSeqLength: 4096}, recipe.Settings{BatchSize: 1, Accumulation: 1, Epochs: 4, WarmupRatio: 0.1, EvalSteps: 200}},
		"nothing but held out":  {recipe.Data{HeldOut: 5, MaxSeqLength: 4096}, recipe.Settings{BatchSize: 1, Accumulation: 1, Epochs: 4, WarmupRatio: 0.1, EvalSteps: 20}},
		"windows of any length": {recipe.Data{Windows: 10_000, Targets: 10_000, MaxSeqLength: 1 << 20}, recipe.Settings{BatchSize: 1, Accumulation: 32, Epochs: 2, WarmupRatio: 0.03, EvalSteps: 200}},
	} {
		got, list := recipe.Choose(c.data, recipe.Reference(), recipe.Given{})
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if len(list) < 4 {
			t.Errorf("%s: chosen are %+v", name, list)
		}
		for _, choice := range list {
			if choice.Why == "" {
				t.Errorf("%s: no reason for %s", name, choice.Option)
			}
		}
	}
}

// What is given stays, whatever the data, and the rest follows from it.
func TestChoose_KeepsGiven(t *testing.T) {
	t.Parallel()
	data := recipe.Data{Windows: 20_000, Targets: 20_000, HeldOut: 10, MaxSeqLength: 4096}
	all := recipe.Given{BatchSize: true, Accumulation: true, Epochs: true, WarmupRatio: true, EvalSteps: true}
	own := recipe.Settings{BatchSize: 7, Accumulation: 3, Epochs: 5, WarmupRatio: 0.5, EvalSteps: 1}
	if got, list := recipe.Choose(data, own, all); got != own || len(list) != 0 {
		t.Errorf("%+v, chosen %+v", got, list)
	}
	got, _ := recipe.Choose(data, recipe.Settings{BatchSize: 8}, recipe.Given{BatchSize: true})
	if got.BatchSize != 8 || got.Accumulation != 4 {
		t.Errorf("with a batch size of 8: %+v", got)
	}
	got, _ = recipe.Choose(data, recipe.Settings{Accumulation: 4}, recipe.Given{Accumulation: true})
	if got.BatchSize != 8 || got.Accumulation != 4 {
		t.Errorf("with 4 micro-batches: %+v", got)
	}
	got, list := recipe.Choose(data, recipe.Settings{MaxSteps: 50, EvalSteps: 0}, recipe.Given{EvalSteps: true})
	if got.MaxSteps != 50 || got.EvalSteps != 0 || got.WarmupRatio != 0.1 || len(list) != 3 {
		t.Errorf("with 50 steps: %+v, chosen %+v", got, list)
	}
}

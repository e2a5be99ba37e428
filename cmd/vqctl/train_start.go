package main

import (
	"cmp"
	"fmt"

	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/train"
	"ventriloquist/internal/usererr"
)

// trainStart is what a run starts from.
type trainStart struct {
	baseModel   string
	adapterFrom string      // folder of the adapter to continue, "" for a new one
	resumeFrom  string      // the same if a run is resumed, else ""
	state       train.State // of resumeFrom
}

func (o *trainOptions) start() (trainStart, error) {
	s := trainStart{baseModel: o.model.base, adapterFrom: o.continueFrom}
	if o.resume {
		found, err := train.Latest(o.settings.OutputDir)
		if err != nil {
			return s, err
		}
		for _, damaged := range found.Damaged {
			notice("a newer checkpoint is damaged, so training resumes from the one before: %v", damaged)
		}
		s.resumeFrom, s.state = found.Dir, found.State
		s.adapterFrom = s.resumeFrom
		o.settings.RunName = cmp.Or(o.settings.RunName, s.state.RunName)
	}
	if s.baseModel == "" && s.adapterFrom != "" {
		config, err := adapter.ReadConfig(s.adapterFrom)
		if err != nil {
			return s, err
		}
		s.baseModel = config.BaseModel
	}
	return s, nil
}

// adapter makes or loads the adapter to train.
func (s trainStart) adapter(o trainOptions, base *model.Model) (*adapter.Adapter, error) {
	if s.adapterFrom == "" {
		o.lora.BaseModel = base.Location.Name
		return adapter.New(base.Config, o.lora, o.run.Seed)
	}
	a, err := adapter.Load(s.adapterFrom, base.Config)
	if err != nil {
		return nil, err
	}
	if err := load.RequireSameBase(base, a, s.adapterFrom); err != nil {
		return nil, err
	}
	if err := o.sameAsLoaded(a, s.adapterFrom); err != nil {
		return nil, err
	}
	if s.resumeFrom != "" && s.state.Dropout != o.lora.Dropout {
		return nil, usererr.With(fmt.Errorf("cannot resume: %s was trained with --lora-dropout %g (now %g)", s.resumeFrom, s.state.Dropout, o.lora.Dropout),
			"resume with the same flags, or begin a new run from it with --continue-from %s", s.resumeFrom)
	}
	a.Dropout = o.lora.Dropout
	a.BaseModel = base.Location.Name
	return a, nil
}

// sameAsLoaded returns an error if a flag contradicts the adapter to continue.
func (o *trainOptions) sameAsLoaded(a *adapter.Adapter, dir string) error {
	for _, name := range o.loraGiven {
		same := true
		switch name {
		case "lora-r":
			same = o.lora.R == a.R
		case "lora-alpha":
			same = o.lora.Alpha == a.Alpha
		case "lora-targets":
			same = fmt.Sprint(o.lora.Targets) == fmt.Sprint(a.Targets)
		}
		if !same {
			return usererr.With(usererr.Usage("--%s differs from the adapter in %s", name, dir), "omit it: r, alpha and targets come from the adapter")
		}
	}
	return nil
}

package main

import (
	"strings"

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
	if o.resume != nil {
		s.resumeFrom, s.state = o.resume.Dir, o.resume.State
		if s.resumeFrom != "" {
			s.adapterFrom = s.resumeFrom
		}
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
		o.lora.BaseModel = base.Location.Pinned()
		return adapter.New(base.Config, o.lora, o.run.Seed)
	}
	a, err := adapter.Load(s.adapterFrom, base.Config)
	if err != nil {
		return nil, err
	}
	if err := load.RequireSameBase(base, a, s.adapterFrom); err != nil {
		return nil, err
	}
	warnOfAdapter(adapter.Origin{Dir: s.adapterFrom, Fingerprint: a.BaseFingerprint}, base.Location.Name)
	if err := o.sameAsLoaded(a, s.adapterFrom); err != nil {
		return nil, err
	}
	a.Dropout = o.lora.Dropout
	a.BaseModel = base.Location.Pinned()
	return a, nil
}

// sameAsLoaded returns an error if a flag contradicts the adapter to continue.
func (o *trainOptions) sameAsLoaded(a *adapter.Adapter, dir string) error {
	for _, name := range o.loraGiven {
		var given, has any
		switch name {
		case "lora-r":
			given, has = o.lora.R, a.R
		case "lora-alpha":
			given, has = o.lora.Alpha, a.Alpha
		case "lora-targets":
			given, has = shortNames(o.lora.Targets), shortNames(a.Targets)
		}
		if given != has {
			return usererr.With(usererr.Usage("--%s differs from the adapter in %s, which has %v (now %v)", name, dir, has, given), "omit it: r, alpha and targets come from the adapter")
		}
	}
	return nil
}

// shortNames formats projections as --lora-targets takes them.
func shortNames(targets []model.Projection) string {
	names := make([]string, len(targets))
	for i, p := range targets {
		names[i] = p.Short
	}
	return strings.Join(names, ",")
}

package load

import (
	"errors"
	"fmt"

	"ventriloquist/engine"
	"ventriloquist/internal/model"
	"ventriloquist/internal/model/adapter"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/tokenizer"
	"ventriloquist/internal/usererr"
)

// Options are how a model is run.
type Options struct {
	Precision   string // one of Precisions
	Weights     engine.WeightFormat
	Device      DeviceChoice
	Threads     int // 0: as many as the process may use
	ForTraining bool
}

// Loaded is a base model, perhaps an adapter, and its tokenizer, on a device.
type Loaded struct {
	Base      *model.Model     // the files
	Files     *adapter.Adapter // nil: the base alone
	Tokenizer *tokenizer.Tokenizer
	Device    *engine.Device
	Model     *engine.Model
	Adapter   *engine.Adapter // nil: the base alone
	Precision engine.DType
}

// Open opens a device and loads base, with the adapter in the folder adapterDir unless that is "".
func Open(base model.Location, adapterDir string, o Options) (*Loaded, error) {
	return OpenSum(base, whole(adapterDir), o)
}

// whole is the adapter in a folder as the only part of a sum, none for "".
func whole(adapterDir string) []adapter.Part {
	if adapterDir == "" {
		return nil
	}
	return []adapter.Part{{Dir: adapterDir, Weight: 1}}
}

// OpenSum opens a device and loads base, with the weighted sum of adapters unless there are none.
func OpenSum(base model.Location, parts []adapter.Part, o Options) (*Loaded, error) {
	files, err := base.Open()
	if err != nil {
		return nil, err
	}
	l := &Loaded{Base: files}
	if len(parts) > 0 {
		if l.Files, err = readAdapters(parts, files); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	if err := l.open(o); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// readAdapters reads the sum of adapters, which must be of base.
func readAdapters(parts []adapter.Part, base *model.Model) (*adapter.Adapter, error) {
	terms, err := adapter.LoadSum(parts, base.Config)
	if err != nil {
		return nil, err
	}
	for _, t := range terms {
		if err := RequireSameBase(base, t.Adapter, t.Dir); err != nil {
			return nil, err
		}
	}
	return adapter.Sum(terms)
}

// ChangeAdapter is ChangeSum for the adapter in a folder.
func (l *Loaded) ChangeAdapter(dir string, release func()) error {
	return l.ChangeSum(whole(dir), release)
}

// ChangeSum loads the weighted sum of adapters in the place of the present one, if there is one. Before that is closed, release closes
// what uses it.
func (l *Loaded) ChangeSum(parts []adapter.Part, release func()) error {
	files, err := readAdapters(parts, l.Base)
	if err != nil {
		return err
	}
	a, err := Adapter(l.Model, files)
	if err != nil {
		return err
	}
	release()
	l.Adapter.Close()
	l.Files, l.Adapter = files, a
	return nil
}

// RequireSameBase returns an error if the adapter from the folder dir was trained on other weights than those of base. An adapter
// that does not record them is let pass.
func RequireSameBase(base *model.Model, files *adapter.Adapter, dir string) error {
	if files.BaseFingerprint == "" {
		return nil
	}
	have, err := base.Fingerprint()
	if err != nil || have == files.BaseFingerprint {
		return err
	}
	trainedOn := "its base model"
	if files.BaseModel != "" {
		trainedOn = files.BaseModel
	}
	return usererr.With(fmt.Errorf("the adapter in %s was trained on %s with the fingerprint %s, but %s has the fingerprint %s", dir, trainedOn,
		files.BaseFingerprint, base.Location, have),
		"use the weights that it was trained on (%v; vqctl model pull NAME@REVISION downloads an earlier version), or train a new adapter on these", usererr.Option("base_model"))
}

func (l *Loaded) open(o Options) (err error) {
	if l.Tokenizer, err = Tokenizer(l.Base); err != nil {
		return err
	}
	if l.Device, err = Device(o.Device, o.Threads); err != nil {
		return err
	}
	if l.Precision, err = Precision(o.Precision, l.Device); err != nil {
		return err
	}
	if err = l.requireMemory(o.Weights); err != nil {
		return err
	}
	if l.Model, err = Model(l.Device, l.Base, l.Precision, o.Weights, o.ForTraining); err != nil {
		return err
	}
	if l.Files != nil {
		l.Adapter, err = Adapter(l.Model, l.Files)
	}
	return err
}

// requireMemory refuses a model that does not fit before anything is allocated. What a session takes in addition is
// checked when its length is known.
func (l *Loaded) requireMemory(weights engine.WeightFormat) error {
	stored, err := StoredDType(l.Base)
	if err != nil {
		return err
	}
	plan, err := l.Device.PlanSession(ModelConfig(l.Base.Config, weights), stored, l.Precision, l.AdapterConfig(), 1, 1)
	if err != nil {
		return err
	}
	return fits(plan, weights, l.Device.Info().MemoryAvailable, l.Base.Location)
}

// fits returns an error if the plan is over what is free.
func fits(plan engine.Memory, weights engine.WeightFormat, free uint64, base model.Location) error {
	if plan.Total <= free {
		return nil
	}
	advice := "close other programs, or use a smaller model of the family; vqctl model info lists their memory"
	if weights == engine.Plain {
		advice = fmt.Sprintf("%v or %v take less for the weights; or %s", usererr.Option("load_in_8bit"), usererr.Option("load_in_4bit"), advice)
	}
	size := terminal.Bytes
	return usererr.With(fmt.Errorf("%s needs %s (weights %s), %s more than the %s that are free", base, size(plan.Total),
		size(plan.Weights), size(plan.Total-free), size(free)),
		"%s", advice)
}

// AdapterConfig is the adapter's shape for the engine's plans, nil for the base alone.
func (l *Loaded) AdapterConfig() *engine.AdapterConfig {
	if l.Files == nil {
		return nil
	}
	config := AdapterConfig(l.Files.Config)
	return &config
}

// Close releases everything. What was made on it must be closed before.
func (l *Loaded) Close() error {
	l.Adapter.Close()
	l.Model.Close()
	l.Device.Close()
	return l.Base.Close()
}

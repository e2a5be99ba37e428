// Package adapter holds LoRA adapters: their matrices, their initialization, and the files in which PEFT keeps them,
// adapter_config.json and adapter_model.safetensors.
//
// In: a base model's configuration and a folder, or a rank and a seed. Out: matrices in float32, and folders that PEFT loads.
// It rejects, by name, whatever a folder asks for beyond plain LoRA on the seven projections. It must not know: how an
// adapter is trained or used.
package adapter

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

// Config describes an adapter without its matrices.
type Config struct {
	R         int
	Alpha     float64
	Dropout   float64 // on the input of A, during training only
	RSLoRA    bool
	Targets   []model.Projection // projections with an adapter, in the order of model.Projections
	BaseModel string             // name, with @revision if it has one, or path of the base model; may be empty
}

// Scale returns the factor of B A x: alpha/r, or alpha/sqrt(r) with rank stabilization.
func (c Config) Scale() float64 {
	if c.RSLoRA {
		return c.Alpha / math.Sqrt(float64(c.R))
	}
	return c.Alpha / float64(c.R)
}

// Pair is the two matrices of one projection in one layer: y = W x + Scale B A dropout(x).
type Pair struct {
	In, Out int
	A       []float32 // [R, In], row-major
	B       []float32 // [Out, R], row-major
	// Absent marks a projection that the adapter leaves alone in this layer, as target_modules with layer numbers can. A
	// and B are then zero, get no gradient and are not saved.
	Absent bool
}

// Adapter is a LoRA adapter of a base model.
type Adapter struct {
	Config
	Layers [][]Pair // [layer][index in Targets]
	// modules is target_modules and exclude_modules as loaded, so that a pattern survives saving.
	modules moduleFilter
	// BaseFingerprint is the fingerprint of the base model that the adapter was trained on; "" if it is not known.
	BaseFingerprint string
}

// Options of a new adapter.
type Options = Config

// ParseTargets parses a list such as "q,v,down"; PEFT's names (q_proj) and "all" are also allowed.
func ParseTargets(list string) ([]model.Projection, error) {
	wanted := map[string]bool{}
	for _, name := range strings.Split(list, ",") {
		name = strings.TrimSpace(name)
		known := false
		for _, p := range model.Projections {
			if name == p.Short || name == p.Name || name == "all" {
				wanted[p.Short], known = true, true
			}
		}
		if !known {
			return nil, usererr.With(usererr.Usage("%q is not a projection that an adapter can target", name), "choose from q,k,v,o,gate,up,down")
		}
	}
	return pick(wanted), nil
}

func pick(wanted map[string]bool) []model.Projection {
	var targets []model.Projection
	for _, p := range model.Projections {
		if wanted[p.Short] {
			targets = append(targets, p)
		}
	}
	return targets
}

// New makes an adapter that changes nothing yet: A is Kaiming-uniform with a = sqrt(5), as in PEFT, which is uniform within
// 1/sqrt(In); B is zero. For the same seed a projection's A does not depend on the other targets.
func New(base model.Config, options Options, seed uint64) (*Adapter, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	a := &Adapter{Config: options}
	for layer := range base.Layers {
		pairs := make([]Pair, len(options.Targets))
		for i, p := range options.Targets {
			in, out := base.Dims(p)
			pairs[i] = newPair(in, out, options.R)
			fillUniform(pairs[i].A, 1/math.Sqrt(float64(pairs[i].In)), seed, uint64(layer), p)
		}
		a.Layers = append(a.Layers, pairs)
	}
	return a, nil
}

// Validate returns an error for the first invalid field.
func (c Config) Validate() error {
	switch {
	case c.R < 1 || c.R > maxRank:
		return fmt.Errorf("the adapter's rank is %d; it must be from 1 to %d", c.R, maxRank)
	case !(c.Alpha > 0) || math.IsInf(c.Alpha, 0):
		return fmt.Errorf("the adapter's alpha is %g; it must be a positive number", c.Alpha)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("the adapter's dropout is %g; it must be at least 0 and less than 1", c.Dropout)
	case len(c.Targets) == 0:
		return fmt.Errorf("the adapter has no targets")
	}
	return nil
}

func newPair(in, out, r int) Pair {
	return Pair{In: in, Out: out, A: make([]float32, r*in), B: make([]float32, out*r)}
}

func fillUniform(dst []float32, bound float64, seed, layer uint64, p model.Projection) {
	stream := layer << 3
	for i, known := range model.Projections {
		if known == p {
			stream |= uint64(i)
		}
	}
	rng := rand.New(rand.NewPCG(seed, stream))
	for i := range dst {
		dst[i] = float32((2*rng.Float64() - 1) * bound)
	}
}

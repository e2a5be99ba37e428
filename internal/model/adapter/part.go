package adapter

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"ventriloquist/internal/model"
	"ventriloquist/internal/model/safetensors"
	"ventriloquist/internal/usererr"
)

// Part is an adapter's folder, and by what its change of the weights is multiplied.
type Part struct {
	Dir    string
	Weight float64
	Given  bool // the weight was given
}

// maxWeight bounds weights: beyond it a mixture is a typing error.
const maxWeight = 1000

// ParsePart parses DIR or DIR:WEIGHT. A folder whose own name ends like a weight is found where it exists.
func ParsePart(text string) (Part, error) {
	whole := Part{Dir: model.ExpandHome(text), Weight: 1}
	colon := strings.LastIndex(text, ":")
	if colon < 0 {
		return whole, nil
	}
	dir, number := text[:colon], text[colon+1:]
	if _, err := os.Stat(whole.Dir); err == nil {
		return whole, nil
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	part := Part{Dir: model.ExpandHome(dir), Weight: weight, Given: true}
	_, missing := os.Stat(part.Dir)
	switch {
	case err != nil && missing != nil:
		return whole, nil // such as C:\run
	case err != nil || dir == "":
		return part, usererr.With(usererr.Usage("%q is not a folder and a weight", text), "write DIR:WEIGHT, such as %s:0.5", dir)
	case math.IsNaN(weight) || math.Abs(weight) > maxWeight:
		return part, usererr.Usage("%q: the weight %g is not from -%d to %d", text, weight, maxWeight, maxWeight)
	}
	return part, nil
}

// ParseParts parses several parts. Together, each needs a weight: with weights of 1 the adapters' changes would simply add up.
func ParseParts(texts []string) (parts []Part, err error) {
	for _, text := range texts {
		p, err := ParsePart(text)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	for _, p := range parts {
		if len(parts) > 1 && !p.Given {
			return nil, usererr.With(usererr.Usage("%s has no weight: several adapters are added up, each with its own", p.Dir),
				"write DIR:WEIGHT, such as %s:0.5", p.Dir)
		}
	}
	return parts, nil
}

// LoadSum reads the adapters of the parts for a base model and returns the terms of their sum.
func LoadSum(parts []Part, base model.Config) (terms []Term, err error) {
	return eachPart(parts, func(dir string) (*Adapter, error) { return Load(dir, base) })
}

// OpenSum reads the adapters of the parts without their base model. They must be of one.
func OpenSum(parts []Part) ([]Term, error) {
	terms, err := eachPart(parts, Open)
	if err != nil {
		return nil, err
	}
	var origins []Origin
	for _, t := range terms {
		origins = append(origins, t.Origin())
	}
	return terms, RequireOneOrigin(origins)
}

func eachPart(parts []Part, read func(dir string) (*Adapter, error)) (terms []Term, err error) {
	for _, p := range parts {
		a, err := read(p.Dir)
		if err != nil {
			return nil, err
		}
		terms = append(terms, Term{Part: p, Adapter: a})
	}
	return terms, nil
}

// ReadOrigin reads which base model an adapter was trained on, without its matrices.
func ReadOrigin(dir string) (Origin, error) {
	config, err := ReadConfig(dir)
	if err != nil {
		return Origin{}, err
	}
	o := Origin{Dir: dir, BaseModel: config.BaseModel}
	file, err := safetensors.Open(filepath.Join(dir, WeightsFile))
	if err != nil {
		return o, fmt.Errorf("cannot read the adapter: %w", err)
	}
	o.Fingerprint = file.Metadata(fingerprintKey)
	return o, file.Close()
}

package adapter

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/model"
)

// moduleFilter is PEFT's target_modules with its exclude_modules: which linear maps carry an adapter.
type moduleFilter struct {
	target, exclude moduleSet
}

// moduleSet is a list of module names (or ends of names), or a pattern for whole names.
type moduleSet struct {
	raw       json.RawMessage // as in the file, nil if it is not there
	names     []string
	allLinear bool
	// pattern is nil if there is none, or if it needs what Go's regular expressions lack, such as lookahead: then the
	// tensors in the file say what is targeted.
	pattern *regexp.Regexp
	opaque  bool
}

const allLinear = "all-linear"

func parseFilter(f *jsonfields.Fields) moduleFilter {
	var m moduleFilter
	if !f.Has("target_modules") {
		f.Wrong("target_modules", "missing; it should be a list of module names, or a pattern")
		return m
	}
	m.target = parseModules(f, "target_modules")
	if f.Has("exclude_modules") {
		m.exclude = parseModules(f, "exclude_modules")
	}
	return m
}

func parseModules(f *jsonfields.Fields, key string) (s moduleSet) {
	var raw json.RawMessage
	if !f.Decode(key, "a list of module names, or a pattern", &raw) {
		return s
	}
	s.raw = raw
	if raw[0] == '[' {
		s.names, _ = f.Texts(key)
		return s
	}
	pattern := f.Text(key)
	if strings.EqualFold(pattern, allLinear) && key == "target_modules" {
		s.allLinear = true
		return s
	}
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	s.pattern, s.opaque = re, err != nil
	return s
}

// matches follows PEFT: a pattern must match the whole name, a list's entry the name or its end after a dot.
func (s moduleSet) matches(module string) bool {
	switch {
	case s.allLinear || s.opaque:
		return true
	case s.pattern != nil:
		return s.pattern.MatchString(module)
	}
	return slices.ContainsFunc(s.names, func(name string) bool {
		return module == name || strings.HasSuffix(module, "."+name)
	})
}

// opaque says that only the file's tensors tell what is targeted.
func (m moduleFilter) opaque() bool { return m.target.opaque || m.exclude.opaque }

// has says whether a module carries an adapter.
func (m moduleFilter) has(module string) bool {
	excluded := m.exclude.raw != nil && !m.exclude.opaque && m.exclude.matches(module)
	return !excluded && m.target.matches(module)
}

// moduleName is the name that PEFT holds its patterns against.
func moduleName(layer int, p model.Projection) string {
	return strings.TrimSuffix(model.LayerTensor(layer, p.Module), ".weight")
}

// forTargets is the filter of a new adapter.
func forTargets(targets []model.Projection) moduleFilter {
	var m moduleFilter
	for _, p := range targets {
		m.target.names = append(m.target.names, p.Name)
	}
	slices.Sort(m.target.names)
	return m
}

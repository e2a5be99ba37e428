package adapter

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/model"
)

// moduleFilter is PEFT's target_modules and exclude_modules: which linear layers have an adapter.
type moduleFilter struct {
	target, exclude moduleSet
	layers          layerFilter
}

// moduleSet is a list of module names (or name endings), or a pattern for whole names.
type moduleSet struct {
	raw       json.RawMessage // as in the file; nil if absent
	names     []string
	allLinear bool
	// pattern is nil if there is none, or if it uses features that Go's regular expressions lack, such as lookahead; the
	// tensors in the file then decide what is targeted.
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
		if s.names, _ = f.Texts(key); len(s.names) > maxNames {
			f.Wrong(key, "has more than %d names", maxNames)
		}
		return s
	}
	pattern := f.Text(key)
	if strings.EqualFold(pattern, allLinear) && key == "target_modules" {
		s.allLinear = true
		return s
	}
	re, err := compile(`\A(?:%s)\z`, pattern)
	s.pattern, s.opaque = re, err != nil
	return s
}

// matches follows PEFT: a pattern must match the whole name; an entry of a list, the name or its end after a dot.
func (s moduleSet) matches(module string) bool {
	switch {
	case s.allLinear || s.opaque:
		return true
	case s.pattern != nil:
		return s.pattern.MatchString(module)
	}
	return s.names != nil && (slices.Contains(s.names, module) || s.endsWithName(module))
}

func (s moduleSet) endsWithName(module string) bool {
	return slices.ContainsFunc(s.names, func(name string) bool { return strings.HasSuffix(module, "."+name) })
}

// opaque reports whether only the file's tensors show what is targeted.
func (m moduleFilter) opaque() bool { return m.target.opaque || m.exclude.opaque || m.layers.opaque }

// has reports whether a module has an adapter.
func (m moduleFilter) has(module string) bool {
	excluded := m.exclude.raw != nil && !m.exclude.opaque && m.exclude.matches(module)
	if excluded || !m.target.matches(module) {
		return false
	}
	// As in PEFT, a module that is named in full has an adapter in any case.
	return slices.Contains(m.target.names, module) || m.layers.has(module)
}

// moduleName returns the name that PEFT matches its patterns against.
func moduleName(layer int, p model.Projection) string {
	return strings.TrimSuffix(model.LayerTensor(layer, p.Module), ".weight")
}

// forTargets returns the filter of a new adapter.
func forTargets(targets []model.Projection) moduleFilter {
	var m moduleFilter
	for _, p := range targets {
		m.target.names = append(m.target.names, p.Name)
	}
	slices.Sort(m.target.names)
	return m
}

package adapter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// maxPattern and maxNames bound the work that an adapter_config.json can ask for.
const (
	maxPattern = 4096
	maxNames   = 4096
)

// emptyMinimum is a repetition without a minimum, which Python reads as 0 and Go as text.
var emptyMinimum = regexp.MustCompile(`\{,([0-9]*)\}`)

// fromPython translates a Python pattern into Go's syntax where they differ.
func fromPython(pattern string) string {
	var out strings.Builder
	inClass := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			if pattern[i+1] == 'Z' {
				out.WriteString(`\z`)
			} else {
				out.WriteString(pattern[i : i+2])
			}
			i++
			continue
		case c == '[':
			inClass = true
		case c == ']':
			inClass = false
		case c == '{' && !inClass:
			if m := emptyMinimum.FindStringSubmatch(pattern[i:]); m != nil && strings.HasPrefix(pattern[i:], m[0]) {
				out.WriteString("{0," + m[1] + "}")
				i += len(m[0]) - 1
				continue
			}
		}
		out.WriteByte(pattern[i])
	}
	return out.String()
}

// compile compiles a Python pattern within a frame such as `\A(?:%s)\z`. It fails for features that Go lacks.
func compile(frame, pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("longer than %d bytes", maxPattern)
	}
	return regexp.Compile(fmt.Sprintf(frame, fromPython(pattern)))
}

// A modulePattern is an entry of rank_pattern or alpha_pattern.
type modulePattern struct {
	module *regexp.Regexp
	value  float64
}

// modulePatterns are the entries in the order of the file: the first that matches counts.
type modulePatterns []modulePattern

// parsePatterns reads rank_pattern or alpha_pattern.
func (f configFields) parsePatterns(key string) (list modulePatterns) {
	if f.isEmpty(key) {
		return nil
	}
	var raw json.RawMessage
	var values map[string]float64
	if !f.Decode(key, "an object", &raw) || !f.Decode(key, "an object with a number for each pattern", &values) {
		return nil
	}
	if len(values) > maxNames {
		f.Wrong(key, "has more than %d entries", maxNames)
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	_, _ = decoder.Token() // the brace: the value has been decoded before
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			f.Wrong(key, "%v", err)
			return nil
		}
		name := token.(string) // a token before a value in an object is its name
		if _, err := decoder.Token(); err != nil {
			f.Wrong(key, "%v", err)
			return nil
		}
		module, err := compile(`\A(?:(?:.*\.)?(?:%s)$)`, name)
		if err != nil {
			f.Unsupported(key, fmt.Sprintf("a pattern that cannot be evaluated, %q", name), mergeAdvice())
			return nil
		}
		list = append(list, modulePattern{module, values[name]})
	}
	return list
}

// value returns the value for a module, otherwise the general one.
func (l modulePatterns) value(module string, otherwise float64) float64 {
	for _, p := range l {
		if p.module.MatchString(module) {
			return p.value
		}
	}
	return otherwise
}

// layerFilter is PEFT's layers_to_transform and layers_pattern: it restricts modules that a list of target_modules names by
// their ending.
type layerFilter struct {
	rawLayers, rawPattern json.RawMessage // as in the file; nil if absent
	layers                []int           // nil: no restriction
	patterns              []*regexp.Regexp
	opaque                bool // a pattern has features that Go lacks
}

func (f configFields) parseLayers() (l layerFilter) {
	const key, patternKey = "layers_to_transform", "layers_pattern"
	if f.isEmpty(key) && f.Raw(key) != "0" {
		return l
	}
	f.Decode(key, "a layer or a list of layers", &l.rawLayers)
	if l.layers = f.Indexes(key, "a layer, counted from 0"); len(l.layers) == 0 {
		return layerFilter{}
	}
	names := []string{}
	if !f.isEmpty(patternKey) {
		f.Decode(patternKey, "a pattern or a list of patterns", &l.rawPattern)
		if bytes.HasPrefix(l.rawPattern, []byte("[")) {
			names, _ = f.Texts(patternKey)
		} else {
			names = append(names, f.Text(patternKey))
		}
	}
	for _, name := range names {
		re, err := compile(`\A(?:(?:^|.*?\.)%s\.(?P<idx>\d+)\.)`, name)
		l.opaque = l.opaque || err != nil
		l.patterns = append(l.patterns, re)
	}
	if len(names) == 0 {
		l.patterns = []*regexp.Regexp{anyLayer}
	}
	return l
}

// anyLayer finds the layer of a module where layers_pattern is not given.
var anyLayer = regexp.MustCompile(`\A.*?\.[^.]*\.(?P<idx>\d+)\.`)

// has reports whether the filter lets a module pass.
func (l layerFilter) has(module string) bool {
	if l.layers == nil {
		return true
	}
	for _, pattern := range l.patterns {
		match := pattern.FindStringSubmatch(module)
		if match == nil {
			continue
		}
		index := match[pattern.SubexpIndex("idx")]
		for _, layer := range l.layers {
			if index == fmt.Sprint(layer) {
				return true
			}
		}
		return false
	}
	return false
}

// shape is the rank and the scale of one module's matrices.
type shape struct {
	rank  int
	scale float64
}

// shapes are the ranks and scales of the modules: those of the configuration, but for those of the patterns.
type shapes struct {
	config      Config
	rank, alpha modulePatterns
}

func (s shapes) of(module string) shape {
	c := s.config
	c.R = int(s.rank.value(module, float64(c.R)))
	c.Alpha = s.alpha.value(module, c.Alpha)
	return shape{rank: c.R, scale: c.Scale()}
}

// checkPatterns refuses ranks and alphas that are out of range.
func (f configFields) checkPatterns(s shapes) {
	for _, p := range s.rank {
		if p.value < 1 || p.value > maxRank || p.value != float64(int(p.value)) {
			f.Wrong("rank_pattern", "%v is not a rank from 1 to %d", p.value, maxRank)
		}
	}
	const mostAlpha = 1e30
	for _, p := range s.alpha {
		if !(p.value > 0 && p.value <= mostAlpha) {
			f.Wrong("alpha_pattern", "%v is not a positive number up to %g", p.value, mostAlpha)
		}
	}
}

// parseModules parses which modules have an adapter.
func (f configFields) parseModules() moduleFilter {
	m := parseFilter(f.Fields)
	m.layers = f.parseLayers()
	if m.layers.layers != nil && m.target.names == nil {
		f.Wrong("layers_to_transform", "does not go with target_modules as one pattern")
	}
	return m
}

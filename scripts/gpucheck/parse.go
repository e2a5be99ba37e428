package main

import (
	"encoding/json"
	"regexp"
	"strings"
)

// What commands print, as entries of the report. Lines that are something else are ignored: they are in the log.

func parseTraining(variant string) func(*report, string) {
	return func(r *report, line string) {
		t := training{Variant: variant}
		if parseObject(line, &t) {
			r.Training = append(r.Training, t)
		}
	}
}

func parseKernels(variant string) func(*report, string) {
	return func(r *report, line string) {
		k := kernel{Variant: variant}
		if !parseObject(line, &k) {
			return
		}
		if k.Name != "" {
			r.Kernels = append(r.Kernels, k)
			return
		}
		var other map[string]any
		if parseObject(line, &other); other["ceiling"] != nil && variant == "" {
			r.Ceilings = append(r.Ceilings, other)
		} else if other["error"] != nil {
			r.note(line)
		}
	}
}

func parseSizes(r *report, line string) {
	var opened struct{ Opened, Instructions string }
	var check sizeCheck
	switch {
	case !strings.HasPrefix(line, "{"):
	case parseObject(line, &check) && check.Name != "":
		r.Sizes = append(r.Sizes, check)
	case parseObject(line, &opened) && opened.Opened != "":
		r.Machine.Instructions = opened.Instructions
	default:
		r.note(line)
	}
}

func parsePeer(r *report, line string) {
	var peer map[string]any
	if parseObject(line, &peer) {
		r.Peers = append(r.Peers, peer)
	}
}

func parseObject(line string, to any) bool {
	return strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), to) == nil
}

var (
	goResult   = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+)`)
	gtestOne   = regexp.MustCompile(`^\[\s+(OK|FAILED|SKIPPED)\s+\] (\w+\.\w+(?:/\w+)*)`)
	errorTotal = regexp.MustCompile(`^========= (?:ERROR|RACECHECK) SUMMARY: .*`)
)

// parseGoTests counts the subtests with a device: those that have none of their own.
func parseGoTests(name string) func(*report, string) {
	return func(r *report, line string) {
		found := goResult.FindStringSubmatch(line)
		if found == nil || !strings.HasSuffix(found[2], "/cuda") {
			return
		}
		r.test(name).add(found[1], found[2])
	}
}

// parseGoogleTests counts the tests, and keeps the summary of compute-sanitizer.
func parseGoogleTests(name string) func(*report, string) {
	return func(r *report, line string) {
		if errorTotal.MatchString(line) {
			r.note(name + ": " + strings.TrimPrefix(line, "========= "))
		}
		if found := gtestOne.FindStringSubmatch(line); found != nil {
			r.test(name).add(found[1], found[2])
		}
	}
}

// parseNotes keeps up to `most` lines that contain text.
func parseNotes(name, text string, most int) func(*report, string) {
	return func(r *report, line string) {
		if strings.Contains(line, text) && most > 0 {
			most--
			r.note(name + ": " + strings.TrimSpace(line))
		}
	}
}

func (r *report) note(text string) { r.Other = append(r.Other, text) }

func (r *report) test(name string) *tests {
	if r.Tests == nil {
		r.Tests = map[string]*tests{}
	}
	if r.Tests[name] == nil {
		r.Tests[name] = &tests{}
	}
	return r.Tests[name]
}

func (t *tests) add(result, name string) {
	switch result {
	case "PASS", "OK":
		t.Passed++
	case "SKIP", "SKIPPED":
		t.Skipped++
	default:
		for _, known := range t.Failed { // GoogleTest lists them again at its end
			if known == name {
				return
			}
		}
		t.Failed = append(t.Failed, name)
	}
}

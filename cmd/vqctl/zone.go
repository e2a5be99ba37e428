package main

import (
	"os"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // --zone works where the system knows no zones

	"ventriloquist/internal/usererr"
)

// timeZone returns the time zone that --zone names, by default this machine's.
func timeZone(name string) (*time.Location, error) {
	if name == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, usererr.Usage("--zone %q is not a time zone such as Europe/Berlin or UTC", name)
	}
	return zone, nil
}

// namedZone returns a time zone by its name where it is time.Local, whose own name says nothing.
func namedZone(zone *time.Location) *time.Location {
	if zone != time.Local {
		return zone
	}
	name, set := os.LookupEnv("TZ")
	name = strings.TrimPrefix(name, ":")
	if !set {
		target, _ := filepath.EvalSymlinks("/etc/localtime")
		_, name, _ = strings.Cut(target, "zoneinfo/")
	}
	switch name = strings.TrimPrefix(name, "Etc/"); {
	case name == "" && !set:
		return zone
	case name == "", name == "UTC":
		return time.UTC
	}
	if known, err := time.LoadLocation(name); err == nil {
		return known
	}
	return zone
}

package main

import (
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

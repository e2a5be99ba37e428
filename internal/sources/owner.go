package sources

import (
	"strings"
	"time"

	"ventriloquist/internal/usererr"
)

// Reading says how to read what an export leaves open.
type Reading struct {
	// Owner reports whether a name or an address is the owner's.
	Owner func(name string) bool
	// Normalize returns the form that all spellings of an address share; nil for a caller who does not know it.
	Normalize func(address string) string
	// Asked reports whether the user stated the owner's name.
	Asked bool
	// Zone is the zone of times without one.
	Zone *time.Location
}

// NoteZone records the zone that was assumed for times without one.
func (r *Reading) NoteZone(sink Sink) {
	name := r.Zone.String()
	if r.Zone == time.Local {
		name, _ = time.Now().Zone()
		name = "this machine's zone, " + name
	}
	sink.Note("its times are taken for those of %s (%v names another)", name, usererr.Option("zone"))
}

// Address returns the form of an address in which spellings make no difference.
func (r *Reading) Address(address string) string {
	if r.Normalize == nil {
		return address
	}
	if form := r.Normalize(address); form != "" {
		return form
	}
	return address
}

// mostAddresses limits the addresses whose form is remembered.
const mostAddresses = 1 << 16

// Remembering returns a Reading that remembers the forms of addresses: finding that of a number takes as long as storing a message.
func (r Reading) Remembering() Reading {
	normalize := r.Normalize
	if normalize == nil {
		return r
	}
	known := make(map[string]string)
	r.Normalize = func(address string) string {
		form, is := known[address]
		if !is {
			form = normalize(address)
			if len(known) < mostAddresses {
				known[strings.Clone(address)] = form
			}
		}
		return form
	}
	return r
}

// Sender returns the address of a sender: messages.Owner for the owner.
func (r *Reading) Sender(name string) string {
	if r.Owner != nil && r.Owner(name) {
		return ""
	}
	return name
}

package source

import (
	"time"
)

// Reading says how to read what an export leaves open.
type Reading struct {
	// Owner tells whether a name or an address is the owner's.
	Owner func(name string) bool
	// Asked is whether anybody said what the owner is called.
	Asked bool
	// Zone is where times without a zone were written.
	Zone *time.Location
}

// Sender is the address of a sender: store.Owner for the owner.
func (r *Reading) Sender(name string) string {
	if r.Owner != nil && r.Owner(name) {
		return ""
	}
	return name
}

// Package loopback decides which hosts are this machine.
//
// In: the name or the address of a host, without a port. Out: whether it is this machine. It must not know: what is sent there, or why
// it matters. It looks no name up: another machine can have any name but localhost.
package loopback

import (
	"net/netip"
	"strings"
)

// Is reports whether a host is this machine: localhost or a loopback address, in brackets or not.
func Is(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && address.IsLoopback()
}

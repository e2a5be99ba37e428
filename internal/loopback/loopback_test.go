package loopback_test

import (
	"testing"

	"ventriloquist/internal/loopback"
)

func TestIs(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "127.8.9.10": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "192.168.1.2": false, "localhost.example.com": false, "127.0.0.1.example.com": false, "2130706433": false, "127.1": false,
	} {
		if loopback.Is(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}

package privacy

import (
	"testing"

	"ventriloquist/internal/messages"
)

// Who was forgotten stays forgotten when a later version normalizes the address in another way.
func TestPolicy_KnowsTheFormsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	for stored, addresses := range map[string][]string{
		"+552187654321":  {"+552187654321", "+5521987654321", "0055 21 98765-4321"},
		"+5491123456789": {"+5491123456789", "+541123456789"},
		"+15551234232":   {"Room 5551234 Ada"},
	} {
		p := &Policy{stored: &messages.PrivacySettings{Secret: make([]byte, 32), Region: "US"}}
		p.stored.Forgotten = map[string]int64{p.digestOf(stored): 3}
		for _, address := range addresses {
			if got, want := p.standIn(address), messages.ForgottenName(3); got != want {
				t.Errorf("%s was forgotten: %q is %q, want %q", stored, address, got, want)
			}
		}
	}
}

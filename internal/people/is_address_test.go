package people

import "testing"

func TestIsAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"+1 (415) 555-1021": true, "415.555.1021": true, "22395": true, "*100#": true, "tel:+14155551021": true, "+12345678900(smsft)": true,
		"p1021@icloud.com": true, "mailto:A@B.org": true,
		"+1": false, "41": false, "": false, "Bob": false, "Bob 1021 555": false, "@icloud.com": false, "bob@": false, "a b@c.org": false,
	} {
		if got := IsAddress(text); got != want {
			t.Errorf("%q is an address: %v, want %v", text, got, want)
		}
	}
}

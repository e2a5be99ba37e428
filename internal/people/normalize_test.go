package people

import (
	"slices"
	"testing"
)

func TestRegions_OncePerCountryInOrder(t *testing.T) {
	t.Parallel()
	got := Regions([]string{"+4915112345678", "j@x.org", "72345", "tel:+12125550100", "+493012345678", "+442079460958"})
	if want := []string{"DE", "US", "GB"}; !slices.Equal(got, want) {
		t.Errorf("the regions are %q, want %q", got, want)
	}
}

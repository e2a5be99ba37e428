package sources

import (
	"fmt"
	"testing"
	"time"
)

// The quick way to parse a time, where it is taken, is the general one.
func TestUsualTime_IsTheGeneralOne(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("there is no time zone database:", err)
	}
	taken := 0
	for _, separator := range []string{"T", " ", "t", "  "} {
		for _, end := range []string{"", "Z", "z", "+01:00", ".5"} {
			for _, date := range []string{"2024-03-15", "2024-02-29", "2023-02-29", "2024-13-01", "2024-00-10", "2024-10-27", "2024-03-31", "0000-01-01", "24-03-15", "2024/03/15"} {
				for _, clock := range []string{"19:02:03", "02:30:00", "24:00:00", "23:60:00", "23:59:60", "7:02:03", "19-02-03", "19:02"} {
					text := date + separator + clock + end
					at, is := usualTime(text, berlin)
					if !is {
						continue
					}
					taken++
					general, err := time.Parse(time.RFC3339Nano, text)
					for _, form := range timeForms[1:] {
						if err != nil {
							general, err = time.ParseInLocation(form, text, berlin)
						}
					}
					if err != nil || !at.Equal(general) {
						t.Errorf("%q is %v, want %v (%v)", text, at, general, err)
					}
				}
			}
		}
	}
	if taken < 5 {
		t.Errorf("%d times are parsed", taken)
	}
}

// An identifier is new once, whatever digits it has.
func TestSeen_TellsIdentifiersApart(t *testing.T) {
	t.Parallel()
	var seen Seen
	for n := range 2000 {
		guid := Hashed(fmt.Sprint(n % 1000))
		if seen.IsNew(guid) != (n < 1000) {
			t.Fatalf("%s is taken for another one", guid)
		}
	}
}

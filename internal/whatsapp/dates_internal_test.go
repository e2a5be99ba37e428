package whatsapp

import (
	"testing"
	"time"
)

// A date before WhatsApp, or to come, speaks against an order.
func TestCalendar_NoDatesToCome(t *testing.T) {
	c := calendar{now: time.Date(2024, 11, 20, 0, 0, 0, 0, time.UTC)}
	for _, line := range []string{"10/11/24, 9:00 - ", "11/12/24, 9:00 - "} {
		s, _, ok := header(line)
		if !ok {
			t.Fatalf("%q is no header", line)
		}
		c.add(&s)
	}
	if order, proven := c.order(); order != monthFirst || !proven {
		t.Errorf("the order is %v (proven: %v)", order, proven)
	}
}

func TestHeader_NotEveryLineWithANumber(t *testing.T) {
	for _, line := range []string{"", "15", "15.03.24", "15.03.24, 19:00", "15.03.24, 19:00 John: hi", "15.03.24, 25:00 - John: hi", "15.03.24, 19:60 - John: hi",
		"15.03/24, 19:00 - John: hi", "[15.03.24, 19:00 John: hi", "15.03.24, 13:00 um - x", "hello 15.03.24, 19:00 - John: hi", "151515.03.24, 19:00 - x",
		"15.03.24, 19:00 -John: hi", "1.5 - 2.5 - 3", "\u200e"} {
		if s, rest, ok := header(line); ok {
			t.Errorf("%q is a header %+v with %q", line, s, rest)
		}
	}
}

package main

import (
	"testing"
	"time"
)

// Row: --since took only days.
func TestParsePeriod_TakesYearsMonthsAndDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"2020": {"2020-01-01", "2021-01-01"}, "2020-02": {"2020-02-01", "2020-03-01"}, " 2020-02-29 ": {"2020-02-29", "2020-03-01"}, "2019-12": {"2019-12-01", "2020-01-01"},
	} {
		begin, end, err := parsePeriod("--since", text)
		if err != nil || begin.Format(time.DateOnly) != want[0] || end.Format(time.DateOnly) != want[1] {
			t.Errorf("%q is %v to %v, %v", text, begin, end, err)
		}
	}
	for _, text := range []string{"20", "2020-1", "2021-02-29", "01.02.2020", "yesterday", "2020/05"} {
		if _, _, err := parsePeriod("--since", text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

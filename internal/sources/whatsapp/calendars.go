package whatsapp

import "time"

// The years of the Persian and of the Islamic calendar in which there is WhatsApp. They overlap in no year before 2050.
const (
	firstPersian = 1387
	lastPersian  = 1428
	firstIslamic = 1430
	lastIslamic  = 1475
)

// persian converts a day of the Persian calendar, whose leap years follow a cycle of 33 years in our time.
func persian(y, m, d int) (year, month, day int, ok bool) {
	length := 31
	if m > 6 {
		length = 30
	}
	if m == 12 && (8*y+29)%33 >= 8 {
		length = 29
	}
	if d > length {
		return 0, 0, 0, false
	}
	y += 1595
	days := 365*y + y/33*8 + (y%33+3)/4 + 31*(m-1) - max(m-7, 0) + d - 355668
	at := time.Date(0, 1, 1+days, 0, 0, 0, 0, time.UTC)
	return at.Year(), int(at.Month()), at.Day(), true
}

// islamic is a variant of the Islamic calendar.
type islamic int

const (
	ummAlQura islamic = iota // of Saudi Arabia, which phones use unless told otherwise
	civil                    // computed by a cycle of 30 years
)

func (v islamic) String() string { return [...]string{"as Umm al-Qura", "in its civil form"}[v] }

// ummAlQuraMonths has the months of the years from firstIslamic that have 30 days rather than 29: bit 11 is the first month. It is
// what ICU, the library of phones, has.
var ummAlQuraMonths = [...]uint16{
	0x655, 0x6a9, 0x754, 0xb6a, 0x56c, 0xaad, 0x555, 0xb29, 0xb92, 0xba9,
	0x5d4, 0xada, 0x55a, 0xaab, 0x595, 0x749, 0x764, 0xbaa, 0x5b5, 0x2b6,
	0xa56, 0xe4d, 0xb25, 0xb52, 0xb6a, 0x5ad, 0x2ae, 0x92f, 0x497, 0x64b,
	0x6a5, 0x6ac, 0xad6, 0x55d, 0x49d, 0xa4d, 0xd16, 0xd95, 0x5aa, 0x5b5,
	0x2da, 0x95b, 0x4ad, 0x595, 0x6ca, 0x6e4,
}

// day converts a day.
func (v islamic) day(y, m, d int) (year, month, day int, ok bool) {
	if d > v.length(y, m) {
		return 0, 0, 0, false
	}
	at := time.Date(2008, 12, 29, 0, 0, 0, 0, time.UTC) // 1 Muharram 1430, in both variants
	days := d - 1
	for n := firstIslamic*12 + 1; n < y*12+m; n++ {
		days += v.length((n-1)/12, (n-1)%12+1)
	}
	at = at.AddDate(0, 0, days)
	return at.Year(), int(at.Month()), at.Day(), true
}

// length returns how many days a month has.
func (v islamic) length(y, m int) int {
	long := m%2 == 1 || m == 12 && (11*y+14)%30 < 11
	if v == ummAlQura {
		long = ummAlQuraMonths[y-firstIslamic]>>(12-m)&1 == 1
	}
	if long {
		return 30
	}
	return 29
}

// isIslamic reports whether a date may have a year of the Islamic calendar.
func (s *stamp) isIslamic() bool {
	for i, n := range s.date {
		if s.era == 0 && s.digits[i] == 4 && n >= firstIslamic && n <= lastIslamic {
			return true
		}
	}
	return false
}

// isCivil reports whether a date, read in an order, is a day of the civil variant alone.
func (s *stamp) isCivil() bool {
	for o := range orders {
		_, _, _, ok := s.day(o)
		other := *s
		other.islamic = civil
		if _, _, _, okCivil := other.day(o); okCivil && !ok {
			return true
		}
	}
	return false
}

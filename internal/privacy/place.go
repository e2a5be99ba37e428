package privacy

import (
	"strconv"
	"strings"

	"ventriloquist/internal/lazyregexp"
)

var (
	// degrees matches a latitude and a longitude in decimal degrees.
	degrees = lazyregexp.New(`([+-]?\d{1,3})\.(\d{2,})\s?°?\s?([NSns]\b)?(?:\s?[,;/|]\s?|\s+|,\s*(?:lon|lng|long)?:?\s?|%2C|\s(?:and|by|x|und|et|y|e|en|i|и|lon|lng|long|longitude):?\s)([+-]?\d{1,3})\.(\d{2,})\s?°?\s?([EWOewo]\b)?`)
	// minutes matches a latitude and a longitude in degrees, minutes and seconds.
	minutes = lazyregexp.New(`\d{1,3}\s?[°º]\s?\d{1,2}(?:[.,]\d+)?\s?['′’‘]\s?(?:\d{1,2}(?:[.,]\d+)?\s?(?:["″”“]|''|′′|’’)\s?)?[NSns]?\s?[,;/]?\s{0,2}\d{1,3}\s?[°º]\s?\d{1,2}(?:[.,]\d+)?\s?['′’‘]\s?(?:\d{1,2}(?:[.,]\d+)?\s?(?:["″”“]|''|′′|’’)\s?)?[EWOewo]?`)
	// parameter matches one coordinate in a URL.
	parameter = lazyregexp.New(`(?i)(?:[?&;/](?:m?lat|m?lon|lng|long|latitude|longitude|cp|center)=|!3d|!4d|!1d|!2d|lat(?:itude)?[:= ]\s?|lo?ng?(?:itude)?[:= ]\s?)([+-]?\d{1,3}\.\d{3,})`)
	// plusCode matches a location code with full precision, threeWords an address of what3words.
	plusCode   = lazyregexp.New(`\b[23456789CFGHJMPQRVWX]{8}\+[23456789CFGHJMPQRVWX]{2,3}\b`)
	threeWords = lazyregexp.New(`(?:^|\s)(///?\p{L}{3,}\.\p{L}{3,}\.\p{L}{3,})\b|(?:w3w\.co|what3words\.com)/(\p{L}{3,}\.\p{L}{3,}\.\p{L}{3,})`)
	// shortPlus matches a location code without the area, which a word or town must go with.
	shortPlus = lazyregexp.New(`\b[23456789CFGHJMPQRVWX]{4}\+[23456789CFGHJMPQRVWX]{2,3}\b`)
	// commas matches degrees with decimal commas, compass matches a letter of the compass before each coordinate.
	commas  = lazyregexp.New(`\d{1,2},\d{3,}\s?°?\s?[NSns]?\b[\s,;/]{1,3}-?\d{1,3},\d{3,}(?:\s?°)?(?:\s?[EWOewo]\b)?`)
	compass = lazyregexp.New(`\b[NS]\s?\d{1,2}(?:[.°º]\s?|\s)\d{1,8}(?:[.\s'′]{1,2}\d{1,6}){0,2}["″'′]{0,2}[\s,;/]{1,3}[EWO]\s?\d{1,3}(?:[.°º]\s?|\s)\d{1,8}(?:[.\s'′]{1,2}\d{1,6}){0,2}["″'′]{0,2}`)
	// grid matches references to national grids, MGRS and UTM.
	grid   = lazyregexp.New(`\b(?:[HJNOST][A-HJ-Z] ?\d{3,5} ?\d{3,5}|\d{1,2}[C-HJ-NP-X] ?[A-HJ-NP-Z]{2} ?\d{3,5} ?\d{3,5}|\d{1,2}[C-HJ-NP-X] \d{6}(?:\.\d+)?m?E?,? \d{7}(?:\.\d+)?m?N?)\b`)
	mapURL = lazyregexp.New(`(?i)(?:maps?\.|/maps?[/?]|geo:|openstreetmap|waze|@$|\bll=|[?&]q=)`)
)

// findPlaces finds coordinates.
func (t *text) findPlaces() (spans []span) {
	if strings.Contains(t.s, "///") || strings.Contains(t.lower, "w3w.co/") || strings.Contains(t.lower, "what3words.com/") {
		for _, at := range threeWords.Get().FindAllStringSubmatchIndex(t.s, -1) {
			start, end := max(at[2], at[4]), max(at[3], at[5])
			spans = append(spans, span{start: start, end: end, value: strings.TrimLeft(t.lower[start:end], "/")})
		}
	}
	if t.digits < 2 {
		return spans
	}
	if strings.ContainsRune(t.s, '+') {
		for _, at := range plusCode.Get().FindAllStringIndex(t.s, -1) {
			spans = append(spans, span{start: at[0], end: at[1], value: t.s[at[0]:at[1]]})
		}
	}
	if strings.ContainsRune(t.s, '+') && t.has(placeWord) {
		for _, at := range shortPlus.Get().FindAllStringIndex(t.s, -1) {
			spans = append(spans, span{start: at[0], end: at[1], value: t.s[at[0]:at[1]]})
		}
	}
	if t.digits >= 8 && strings.ContainsAny(t.s, "NS") {
		for _, at := range compass.Get().FindAllStringIndex(t.s, -1) {
			spans = append(spans, span{start: at[0], end: at[1], value: plain(t.s[at[0]:at[1]])})
		}
	}
	if t.has(placeWord) {
		for _, at := range grid.Get().FindAllStringIndex(t.s, -1) {
			if t.near(placeWord, at[0], at[1], 20) {
				spans = append(spans, span{start: at[0], end: at[1], value: compact(t.s[at[0]:at[1]])})
			}
		}
	}
	if strings.Count(t.s, ",") >= 2 && (t.has(placeWord) || strings.Contains(t.s, "°")) {
		for _, at := range commas.Get().FindAllStringIndex(t.s, -1) {
			spans = append(spans, span{start: at[0], end: at[1], value: plain(t.s[at[0]:at[1]])})
		}
	}
	if strings.ContainsAny(t.s, "°º") {
		for _, at := range minutes.Get().FindAllStringIndex(t.s, -1) {
			spans = append(spans, span{start: at[0], end: at[1], value: plain(t.s[at[0]:at[1]])})
		}
	}
	if strings.Count(t.s, ".") < 2 {
		return apart(spans)
	}
	for _, at := range degrees.Get().FindAllStringSubmatchIndex(t.s, -1) {
		if p := (span{start: at[0], end: at[1]}); t.arePlace(at) {
			p.value = strings.Join(number64.Get().FindAllString(t.s[p.start:p.end], -1), ",")
			spans = append(spans, p)
		}
	}
	for _, at := range parameter.Get().FindAllStringSubmatchIndex(t.s, -1) {
		if v, err := strconv.ParseFloat(t.s[at[2]:at[3]], 64); err == nil && v >= -180 && v <= 180 {
			spans = append(spans, span{start: at[2], end: at[3], value: t.s[at[2]:at[3]]})
		}
	}
	return apart(spans)
}

var number64 = lazyregexp.New(`[+-]?\d+\.\d+`)

// arePlace reports whether two numbers are coordinates: they are in range, and have many decimals, letters of the compass, or a
// word or URL before them that says so.
func (t *text) arePlace(at []int) bool {
	group := func(i int) string { return t.s[max(at[2*i], 0):max(at[2*i+1], 0)] }
	lat, err1 := strconv.ParseFloat(group(1)+"."+group(2), 64)
	lon, err2 := strconv.ParseFloat(group(4)+"."+group(5), 64)
	if err1 != nil || err2 != nil || lat < -90 || lat > 90 || lon < -180 || lon > 180 || !standsAloneDigits(t.s, at[0], at[1]) {
		return false
	}
	decimals := min(len(group(2)), len(group(5)))
	compass := group(3) != "" || group(6) != "" || strings.Contains(t.s[at[0]:at[1]], "°")
	known := mapURL.Get().MatchString(t.s[max(0, at[0]-40):at[0]]) && decimals >= 3 || t.near(placeWord, at[0], at[1], 30)
	whole := len(strings.Trim(group(1), "+-")) + len(strings.Trim(group(4), "+-"))
	return compass || known && decimals >= 2 || decimals >= 4 && whole >= 3
}

// standsAloneDigits reports whether no digit, and no decimal point with a digit, continues at either end.
func standsAloneDigits(s string, start, end int) bool {
	if start > 0 && (isDigit(s[start-1]) || s[start-1] == '.' || s[start-1] == '$') {
		return false
	}
	return end >= len(s) || !isDigit(s[end]) && !(s[end] == '.' && end+1 < len(s) && isDigit(s[end+1]))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

package privacy

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"ventriloquist/internal/lazyregexp"
)

// worldStreets match streets with a number, in the first group, as they are written in more languages. A pattern is tried only on
// texts with one of its marks; without marks, on texts with a capital before a digit.
var worldStreets = []struct {
	marks   []string // in lower case
	pattern *lazyregexp.Regexp
}{
	// Am Alten Markt 3a, 04109 Leipzig; Dlouhá 33, 110 00 Praha: any name with a number, if a town with a postal code follows.
	{nil, lazyregexp.New(`((?:\p{Lu}[\p{L}.'’\-]*|[0-9]{1,2}\.?)(?: [\p{L}.'’\-]+){0,3} \d{1,4} ?[a-z]?(?:[/\-]\d{1,4}[a-z]?)*),\s*(?:[A-Z]{1,3}[\- ])?` + postcodes + ` \p{Lu}\p{L}+`)},
	{[]string{"weg ", "chaussee ", "steig ", "promenade ", "singel ", "dijk ", "dreef ", "katu ", "kuja ", "tie ", "polku ", "vägen ", "torget ", "gränd ", "stigen ", "backen ", "stræde ", "allé ", "gatan ", "gata ", "vej ", "straße ", "strasse ", "str. ", "gasse ", "straat ", "gracht ", "laan ", "plein ", "kade "},
		lazyregexp.New(`(\p{Lu}[\p{L}\-]+(?:weg|chaussee|steig|promenade|singel|dijk|dreef|katu|kuja|tie|polku|vägen|torget|gränd|stigen|backen|stræde|allé|gatan|gata|vej|straße|strasse|str\.|gasse|straat|gracht|laan|plein|kade) \d{1,4} ?[a-zA-Z]?(?:[/\-]\d{1,4}[a-z]?)*)(?:$|[^\p{L}\d])`)},
	// wohne Am Alten Markt 3a
	{[]string{"wohn", "adresse", "anschrift"},
		lazyregexp.New(`(?i:wohn\p{L}*|adresse|anschrift)[^\p{L}\d]{1,3}(?:\p{Ll}+ ){0,2}((?:Am|An der|An den|Im|In der|Zum|Zur|Auf dem|Auf der|Unter den|Hinter der) (?:\p{Lu}[\p{L}\-]+ ){1,3}\d{1,4} ?[a-z]?)(?:$|[^\p{L}\d])`)},
	{[]string{"rue ", "avenue ", "av. ", "boulevard ", "bd ", "place ", "chemin ", "allée ", "impasse ", "quai ", "cours ", "ruelle ", "square ", "faubourg "},
		lazyregexp.New(`(\b\d{1,4}(?: ?(?:bis|ter|quater|[a-d]))?,? (?i:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|cours|passage|ruelle|square|villa|faubourg) (?:(?i:de la|de l['’]|du|des|de|d['’]|l['’]|la|le|les) ?)?\p{Lu}[\p{L}'’\-]+(?: (?:de |du |la |le |des )?\p{Lu}[\p{L}'’\-]+){0,3})`)},
	{[]string{"calle", "c/", "av. ", "av ", "avda", "avenida", "paseo", "plaza", "carretera", "ctra", "camino", "calz", "blvd", "jirón", "jr.", "pasaje", "carrera", "diagonal", "alameda", "praça", "praca", "rua ", "travessa", "estrada", "largo", "via ", "viale", "vicolo", "strada", "piazza", "piazzale", "corso", "rambla", "ronda", "carrer", "rodovia", "beco", "lungotevere", "contrada"},
		lazyregexp.New(`((?:^|[^\p{L}])(?i:calle|c/|av\.|av|avda\.?|avenida|paseo|plaza|carretera|ctra\.?|camino|calz\.?|calzada|blvd\.?|jirón|jr\.|pasaje|psje\.?|carrera|diagonal|alameda|praça|praca|rua|travessa|estrada|largo|via|viale|vicolo|strada|piazza|piazzale|corso|rambla|ronda|carrer|rodovia|beco|lungotevere|contrada) ?(?:(?:de|del|della|delle|dello|degli|dei|di|da|do|das|dos|la|las|los|el|lo|d'|e|y) ?){0,3}\p{Lu}[\p{L}'’.\-]+(?: [\p{L}'’.\-]+){0,4},? ?(?i:n[ºo°.]{1,2} ?|#|num\.? ?|número )?\d{1,5}[a-zA-Z]?\b)`)},
	{[]string{"calle", "cll", "cl ", "carrera", "cra", "kra", "kr ", "cr ", "diagonal", "transversal", "tv "},
		lazyregexp.New(`(\b(?i:calle|cll|cl|carrera|cra|kra|kr|cr|diagonal|diag|transversal|tv|avenida|av)\.? ?\d{1,3} ?(?i:[a-h]\b)?(?: ?(?i:bis|sur|norte|este|oeste))*,? ?(?i:#|no\.?|n[°º]\.?) ?\d{1,3} ?(?i:[a-h])? ?[\-–] ?\d{1,3})`)},
	{[]string{"ul. ", "ul.", "ulica", "ulicy", "al. ", "aleja", "alej", "os. ", "osiedl", "pl. ", "plac "},
		lazyregexp.New(`((?:^|[^\p{L}])(?i:ul\.|ulica|ulicy|al\.|aleja|alei|aleje|os\.|osiedle|osiedlu|pl\.|plac|placu) ?[\p{L}\d][\p{L}.\-]+(?: \p{Lu}?[\p{L}.\-]+){0,3} \d{1,4}[a-zA-Z]?(?:/\d{1,4}[a-z]?| ?m\.? ?\d{1,4})?)`)},
	{[]string{"ул", "пр", "пер", "шоссе", "наб", "б-р", "бульвар", "пл.", "площад", "мкр", "вул", "просп", "провул", "бул."},
		lazyregexp.New(`((?:^|[^\p{L}])(?i:ул\.?|улица|улице|пр\.|пр-т|пр-кт|просп\.?|проспект|проспекте|пер\.?|переулок|шоссе|наб\.?|набережная|б-р|бульвар|пл\.|площадь|мкр\.?|вул\.?|вулиця|провулок|бул\.) ?(?:\p{Lu}|\d)[\p{L}.\-]*(?: [\p{L}.\-]+){0,3}?,? ?(?i:д\.? ?|дом ?|буд\.? ?|№ ?)?\d{1,4}[а-яa-z]?(?:[/к\-]\d{1,3})?)`)},
	{[]string{"проспект", "улица", "переулок", "бульвар", "шоссе", "набережная", "вулиця", "ул.", " ул"},
		lazyregexp.New(`((?:^|[^\p{L}])\p{Lu}[\p{L}\-]+(?: \p{Lu}[\p{L}\-]+)? (?i:проспект|улица|ул\.|ул|переулок|пер\.|бульвар|шоссе|набережная|вулиця),? ?(?i:д\.? ?|дом ?|буд\.? ?)?\d{1,4}[а-я]?(?:[/к\-]\d{1,3})?)`)},
	{[]string{"cadde", "cad.", "cad ", "cd.", "sokak", "soka", "sok.", "sk.", "bulvar", "blv", "mahalle", "mah."},
		lazyregexp.New(`((?:^|[^\p{L}])(?:\p{Lu}|\d{1,4}\.)[\p{L}.]*(?: \p{Lu}[\p{L}.]+){0,2} (?i:caddesi|caddesinde|cad\.?|cd\.?|sokağı|sokak|sokakta|sok\.?|sk\.?|bulvarı|bulvar|blv\.?|mahallesi|mah\.?)(?:,? (?:\p{Lu}|\d)[\p{L}.]*(?: \p{Lu}[\p{L}.]+){0,2} (?i:caddesi|cad\.?|cd\.?|sokağı|sokak|sok\.?|sk\.?|bulvarı))?,? ?(?i:no ?[:.]? ?)?\d{1,4}(?:/\d{1,4})?[a-zA-Z]?\b)`)},
	{[]string{"utca", " u. ", " út", "tér ", "körút", "krt", "köz ", "sétány", "fasor"},
		lazyregexp.New(`((?:^|[^\p{L}])\p{Lu}[\p{L}\-]+(?: \p{L}+){0,2} (?i:utca|u\.|út|útja|tér|tere|körút|krt\.|köz|sétány|fasor|rakpart) \d{1,4}\.?(?: ?/ ?[a-z])?)`)},
	{[]string{"str.", "strada", "bd.", "bulevard", "calea", "aleea", "șos", "bul.", "ulica", "ul "},
		lazyregexp.New(`((?:^|[^\p{L}])(?i:str\.|strada|bd\.|bulevardul|bulevardi|calea|aleea|șos\.?|șoseaua|bul\.) ?\p{Lu}[\p{L}.\-]+(?: \p{Lu}?[\p{L}.\-]+){0,3},? ?(?i:nr\.? ?)?\d{1,4}[a-zA-Z]?\b)`)},
	{[]string{"οδός", "οδό", "λεωφ", "πλατεία"},
		lazyregexp.New(`((?i:οδός|οδό|λεωφόρος|λεωφ\.?|πλατεία) \p{Lu}\p{L}+(?: \p{Lu}?\p{L}+){0,2} \d{1,4})`)},
	{[]string{"jl", "jalan", "jln", "lorong", "persiaran", "gang ", "gg."},
		lazyregexp.New(`((?:^|[^\p{L}])(?:(?i:no\.? ?)?\d{1,4}[a-z]?,? )?(?i:jl\.?|jalan|jln\.?|lorong|persiaran|gang|gg\.) ?[\p{Lu}\d][\p{L}\d.\-/]*(?: \p{L}[\p{L}.\-]+){0,3}?(?:,? (?i:no\.? ?|kav\.? ?|km\.? ?|blok )?\d{1,4}[a-z]?\b(?: ?[/\-] ?\d{1,4})*))`)},
	{[]string{"đường", "phố", "ngõ", "hẻm", "quận", "q."},
		lazyregexp.New(`((?i:số ?)?\b\d{1,4}[a-z]?(?:/\d{1,4})* (?i:(?:đường|phố|ngõ|hẻm) )?\p{Lu}\p{L}+(?: \p{Lu}\p{L}+){0,3}(?:,? (?i:phường|p\.|quận|q\.) ?[\p{L}\d]+(?: \p{Lu}\p{L}+)?)+)`)},
	{[]string{"רחוב", "רח'", "רח׳", "שדרות", "שד'", "דרך"},
		lazyregexp.New(`((?:רחוב|רח['׳]|שדרות|שד['׳]|דרך) ?\p{Hebrew}[\p{Hebrew}'"׳״\-]*(?: \p{Hebrew}[\p{Hebrew}'"׳״\-]*){0,3} \d{1,3}(?:/\d{1,3})?)`)},
	{[]string{"شارع", "خیابان", "کوچه", "طريق", "حي "},
		lazyregexp.New(`((?:شارع|خیابان|کوچه|طريق) \p{Arabic}+(?: \p{Arabic}+){0,4}،? (?:رقم |پلاک |عمارة )?\d{1,4})`)},
	{[]string{"ถนน", "ถ.", "ซอย", "ซ."},
		lazyregexp.New(`(\d{1,4}(?:/\d{1,4})? ?(?:หมู่ ?\d+ )?(?:ถนน|ถ\.|ซอย|ซ\.) ?\p{Thai}+(?: ?\d{1,3})?)`)},
	{[]string{"市", "区", "區", "郡", "町", "村", "丁目"},
		lazyregexp.New(`((?:\p{Han}{2,3}[都道府県])?\p{Han}{1,6}[市区區郡町村][\p{Han}\p{Hiragana}\p{Katakana}ー]{0,12}?\d{1,4}(?:丁目)?(?:[\-−ー番](?:地)?\d{1,4}){1,3}(?:番地|号)?(?: ?\p{Han}*\d+号室)?)`)},
	{[]string{"路", "街", "大道", "巷", "弄", "胡同"},
		lazyregexp.New(`((?:\p{Han}{2,7}[省市区區县縣镇鎮])*\p{Han}{1,8}(?:路|街|大道|巷|弄|胡同|段)(?:[一二三四五六七八九十]段)?(?:\d{1,4}[巷弄])*\d{1,5}(?:-\d{1,4})?[号號](?:院)?(?:[\p{Han}]{0,4}\d{1,5}(?:号楼|號樓|栋|棟|幢|单元|單元|室|楼|樓))*(?:\d{2,4}\b)?)`)},
	{[]string{"로", "길", "동", "번지"},
		lazyregexp.New(`((?:\p{Hangul}+(?:특별시|광역시|시|도|군|구|읍|면) )+\p{Hangul}+(?:로|길|대로|동)(?: ?\d+(?:번)?길)? ?\d{1,4}(?:-\d{1,4})?(?:번지)?(?:,? \d{1,4}동)?(?:,? \d{1,4}호)?)`)},
	{[]string{"호"}, lazyregexp.New(`(\d{1,4}동 ?\d{1,4}호)`)},
}

// markTable finds the marks of worldStreets by their first two bytes.
type markTable struct {
	starts [1 << 16 / 64]uint64
	marks  map[uint16][]streetMark
}

type streetMark struct {
	text   string
	street int
}

var streetMarks = sync.OnceValue(func() *markTable {
	t := &markTable{marks: map[uint16][]streetMark{}}
	for i, street := range worldStreets {
		for _, m := range street.marks {
			two := uint16(m[0])<<8 | uint16(m[1])
			t.starts[two/64] |= 1 << (two % 64)
			t.marks[two] = append(t.marks[two], streetMark{m, i})
		}
	}
	return t
})

// in returns a bit for each pattern with a mark in a text in lower case.
func (t *markTable) in(lower string) (found uint64) {
	for i := range len(lower) - 1 {
		two := uint16(lower[i])<<8 | uint16(lower[i+1])
		if t.starts[two/64]>>(two%64)&1 == 0 {
			continue
		}
		for _, m := range t.marks[two] {
			if strings.HasPrefix(lower[i:], m.text) {
				found |= 1 << m.street
			}
		}
	}
	return found
}

// postcodes matches the postal codes of most countries that stand before a town.
const postcodes = `(?:\d{5}-\d{3}|\d{3} \d{2}|\d{2}-\d{3}|\d{4}-\d{3}|\d{5,6}|[1-9]\d{3} ?[A-Z]{2}|1[0-8]\d\d|2[1-9]\d\d|[3-9]\d{3})`

// tails match what belongs to an address after a street and its number: a flat or floor, a postal code, a town.
var tails = []*lazyregexp.Regexp{
	lazyregexp.New(`^ ?(?:hs|huis|bis|bg|I{1,3}|IV)\b`),
	lazyregexp.New(`^,? ?\d{1,2} ?[ºª°](?: ?[A-Za-zÀ-ÿ]{1,4}\b)?`),
	lazyregexp.New(`^,? ?(?i:apt|apto|apart|app|piso|puerta|pta|esc|bajo|bloco|bl|bloque|int|interior|dpto|depto|dto|kat|daire|d|m|кв|квартира|корп|корпус|стр|подъезд|оф|et|etg|sc|ap|em|ajtó|th|sal|lgh|lejl|wohnung|whg|stiege|tür|top|bus|bte|appt|bât|étage|casa|unit|suite|flat|floor|lot|no)[.:]? ?(?i:n[ºo°]\.? ?)?#?\d{1,4}[a-zA-Zа-я]?\b`),
	lazyregexp.New(`^,?\s+(?:(?i:cep|c\.p\.|cp|plz|zip|psč)[ :]*)?(?:[A-Z]{1,3}-)?` + postcodes + `\b(?:,? \p{Lu}[\p{L}.'’\-]+(?:[ \-](?:(?i:am|an der|de|del|la|le|sur|upon|aan|den|ob|nad|pod|im) )?\p{Lu}[\p{L}.'’\-]+){0,2}(?: \d{1,2}\b)?)?`),
	lazyregexp.New(`^,? (?:[A-Z]{2},? )?[A-Z]\d[A-Z] ?\d[A-Z]\d\b`),
	lazyregexp.New(`^,? ?(?i:[dm]|д)\. ?\d{1,4}[a-zа-я]?\b`),
	lazyregexp.New(`^,? (?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT),? \d{4}\b`),
	lazyregexp.New(`^,?\s+(?:\d{4}|19\d\d|20\d\d) \p{Lu}[\p{L}.'’\-]+(?:[ \-]\p{Lu}[\p{L}.'’\-]+){0,2}`),
}

var (
	australian = lazyregexp.New(` (?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT)$`)
	fourDigits = lazyregexp.New(`^,? \d{4}\b`)
)

// towns match towns with a postal code, in the first group, that stand without a street.
var towns = []struct {
	may     func(t *text) bool
	pattern *lazyregexp.Regexp
}{
	// Fitzroy VIC 3065
	{hasCapitals, lazyregexp.New(`((?:\b\p{Lu}[\p{L}'’]+(?: \p{Lu}[\p{L}'’]+){0,2},? )(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT),? \d{4}\b)`)},
	// 〒150-0002
	{func(t *text) bool { return strings.Contains(t.s, "〒") }, lazyregexp.New(`〒 ?(\d{3}-?\d{4})\b`)},
	// 50674 Köln, as all of a line or after a comma
	{hasFive, lazyregexp.New(`(?m)(?:^|, ?)((?:[A-Z]{1,2}-)?(?:\d{3} \d{2}|\d{2}-\d{3}|\d{4}-\d{3}|\d{5}-\d{3}|[1-9]\d{3} [A-Z]{2}) \p{Lu}\p{L}+(?:[ \-]\p{Lu}?\p{L}+){0,2}(?: \d{1,2})?)(?:$|[,.!])`)},
	{hasFive, lazyregexp.New(`(?m)(?:^|, ?)((?:[A-Z]{1,2}-)?\d{5} \p{Lu}\p{Ll}+(?:[ \-](?:(?:am|an der|im|ob der|sur|de|la) )?\p{Lu}\p{Ll}+){0,2})(?:$|,)`)},
	// D02 X285
	{hasCapitals, lazyregexp.New(`\b((?:[AC-FHKNPRTV-Y]\d{2}|D6W) [0-9AC-FHKNPRTV-Y]{4})\b`)},
}

// hasCapitals reports whether a text has two capitals or more in a row, or one with a digit.
func hasCapitals(t *text) bool {
	for i := 1; i < len(t.s); i++ {
		if c, b := t.s[i], t.s[i-1]; b >= 'A' && b <= 'Z' && (c >= 'A' && c <= 'Z' || isDigit(c)) {
			return true
		}
	}
	return false
}

// hasFive reports whether a text has the digits of a postal code and a capital.
func hasFive(t *text) bool { return t.digits >= 4 && strings.ContainsFunc(t.s, unicode.IsUpper) }

var (
	// singaporean matches a postal code after a word for one: in Singapore, each is one building.
	singaporean = lazyregexp.New(`(?i)^(?:['’]s)?\W{0,3}(?:(?:is|code|no)\W{1,2}){0,2}(\d{6})\b`)
	// zipPlus4 matches a ZIP code with the part that names a block or building.
	zipPlus4 = lazyregexp.New(`\b\d{5}-\d{4}\b`)
	// dutchSole matches a Dutch postal code that is all of a text, or stands with a house number.
	dutchSole = lazyregexp.New(`(?i)^\s*([1-9]\d{3} ?[a-z]{2})(?:,? ?\d{1,4} ?[a-z]?)?\s*$`)
)

// findTowns finds streets of more languages, postal codes, and towns with one.
func (t *text) findTowns() (spans []span) {
	take := func(start, end int) {
		for start < end && strings.IndexByte(" ,.;:(\n", t.s[start]) >= 0 {
			start++
		}
		if p := (span{start: start, end: end}); start < end && !t.inURL(start, end) && !amount(t.s, p) {
			p.value = plain(t.s[start:end])
			spans = append(spans, p)
		}
	}
	marked := streetMarks().in(t.lower)
	for i, street := range worldStreets {
		if street.marks == nil && !(strings.Contains(t.s, ", ") && strings.ContainsFunc(t.s, unicode.IsUpper)) || street.marks != nil && marked>>i&1 == 0 {
			continue
		}
		for _, at := range street.pattern.Get().FindAllStringSubmatchIndex(t.s, -1) {
			take(at[2]+len(leadIn(t.s[at[2]:at[3]])), at[3])
		}
	}
	if t.digits >= 4 {
		for _, town := range towns {
			if !town.may(t) {
				continue
			}
			for _, at := range town.pattern.Get().FindAllStringSubmatchIndex(t.s, -1) {
				take(at[2], at[3])
			}
		}
		t.findPostcodes(take)
	}
	return spans
}

// findPostcodes finds postal codes of a few addresses only. Those of a town, which most are, stay.
func (t *text) findPostcodes(take func(start, end int)) {
	if t.has(postWord) {
		for _, at := range zipPlus4.Get().FindAllStringIndex(t.s, -1) {
			take(at[0], at[1])
		}
	}
	for _, w := range t.words {
		if w.class&postWord != 0 && slices.Contains(t.regions, "SG") {
			if at := singaporean.Get().FindStringSubmatchIndex(t.s[w.end:]); at != nil {
				take(w.end+at[2], w.end+at[3])
			}
		}
	}
	if slices.Contains(t.regions, "NL") {
		if at := dutchSole.Get().FindStringSubmatchIndex(t.s); at != nil {
			take(at[2], at[3])
		}
	}
}

// leadIn returns the verb before an address in a language without spaces between words.
func leadIn(s string) string {
	for _, verb := range []string{"我家住在", "我住在", "住在", "家住", "地址是", "地址", "我在", "寄到", "送到", "住所は", "うちは", "家は", "在"} {
		if strings.HasPrefix(s, verb) {
			return verb
		}
	}
	return ""
}

// withTails extends streets by what belongs to their address.
func (t *text) withTails(spans []span) []span {
	for i, p := range spans {
		for range 2 {
			for _, tail := range tails {
				if at := tail.Get().FindStringIndex(t.s[spans[i].end:]); at != nil {
					spans[i].end += at[1]
				}
			}
		}
		if state := australian.Get().FindString(t.s[p.start:spans[i].end]); state != "" {
			if at := fourDigits.Get().FindStringIndex(t.s[spans[i].end:]); at != nil {
				spans[i].end += at[1]
			}
		}
		if spans[i].end > p.end {
			spans[i].value = plain(t.s[p.start:spans[i].end])
		}
	}
	return spans
}

// longest keeps the longest of spans that overlap.
func longest(spans []span) []span {
	slices.SortStableFunc(spans, func(a, b span) int { return (b.end - b.start) - (a.end - a.start) })
	return apart(spans)
}

package privacy

import (
	"strings"
)

// proof is what makes a number of a known form the number of a person.
type proof int

const (
	alone    proof = iota // the form and the check digits suffice
	local                 // in chats with people of the country, or where a text says what it is
	whenTold              // where a text says what it is
)

// idForm is a national number as people write it.
type idForm struct {
	country string
	proof   proof
	check   func(digits string) bool // of the letters and digits, in upper case
}

// idForms are the national numbers by their shape: A for a letter, 9 for a digit, and the marks between.
var idForms = map[string][]idForm{
	"999-99-9999":           {{"US", alone, issued}},
	"999 99 9999":           {{"US", alone, issued}},
	"999999999":             {{"US", whenTold, issued}, {"NL", whenTold, bsn}, {"PT", whenTold, nif}, {"CA", whenTold, luhn}, {"AU", whenTold, tfn}, {"IL", local, israeli}, {"HU", whenTold, nil}},
	"999 999 999":           {{"CA", local, luhn}, {"AU", whenTold, tfn}, {"PT", whenTold, nif}, {"HU", whenTold, nil}, {"NL", whenTold, bsn}},
	"999-999-999":           {{"CA", local, luhn}, {"AU", whenTold, tfn}},
	"99999999-9":            {{"CL", local, rut}, {"IL", whenTold, israeli}},
	"99999999-A":            {{"ES", local, dni}, {"CL", local, rut}},
	"99.999.999-9":          {{"CL", alone, rut}},
	"99.999.999-A":          {{"CL", alone, rut}, {"ES", alone, dni}},
	"9.999.999-9":           {{"CL", alone, rut}},
	"99 999 999 999":        {{"DE", local, steuerID}, {"AU", whenTold, nil}},
	"99999999999":           {{"DE", whenTold, steuerID}, {"PL", local, pesel}, {"NO", local, fodselsnummer}, {"BR", local, cpf}, {"TR", local, tckn}, {"BE", local, belgian}, {"HR", whenTold, oib}, {"GR", whenTold, luhn}, {"EE", whenTold, baltic}, {"NG", whenTold, nil}, {"RU", whenTold, snils}},
	"9 99 99 99 999 999 99": {{"FR", alone, nir}},
	"9999999999999 99":      {{"FR", alone, nir}},
	"999999999999999":       {{"FR", alone, nir}},
	"99999999A":             {{"ES", local, dni}},
	"99.999.999A":           {{"ES", alone, dni}},
	"A9999999A":             {{"ES", local, nie}, {"SG", local, nric}},
	"A-9999999-A":           {{"ES", alone, nie}},
	"AAAAAA99A99A999A":      {{"IT", alone, codiceFiscale}},
	"AAAAAA 99A99 A999A":    {{"IT", alone, codiceFiscale}},
	"AAA AAA 99A99 A999A":   {{"IT", alone, codiceFiscale}},
	"99.99.99-999.99":       {{"BE", alone, belgian}},
	"99.99.99-999-99":       {{"BE", alone, belgian}},
	"999999-9999":           {{"SE", local, personnummer}, {"DK", local, bornDDMMYY}, {"FI", local, hetu}, {"IS", local, bornDDMMYY}},
	"99999999-9999":         {{"SE", local, personnummer}},
	"999999999999":          {{"SE", local, personnummer}, {"RU", whenTold, inn}, {"IN", whenTold, aadhaar}, {"JP", whenTold, myNumber}},
	"999999-999A":           {{"FI", alone, hetu}},
	"999999A999A":           {{"FI", alone, hetu}},
	"999999A9999":           {{"FI", local, hetu}},
	"999999 99999":          {{"NO", local, fodselsnummer}},
	"AA999999A":             {{"GB", whenTold, nino}},
	"AA 999999 A":           {{"GB", alone, nino}},
	"AA 99 99 99 A":         {{"GB", alone, nino}},
	"AA-99-99-99-A":         {{"GB", alone, nino}},
	"999 999 9999":          {{"GB", whenTold, nhs}},
	"9999999999":            {{"GB", whenTold, nhs}, {"RU", whenTold, inn}, {"BG", whenTold, egn}, {"AT", whenTold, nil}, {"SE", whenTold, personnummer}, {"DK", whenTold, bornDDMMYY}, {"UA", whenTold, nil}, {"CZ", whenTold, rodneCislo}},
	"999.999.999-99":        {{"BR", alone, cpf}},
	"999999999-99":          {{"BR", local, cpf}},
	"99.999.999/9999-99":    {{"BR", alone, cnpj}},
	"99999999999999":        {{"BR", local, cnpj}},
	"99999999999999999A":    {{"CN", alone, residentID}},
	"999999999999999999":    {{"CN", alone, residentID}},
	"9999 9999 9999":        {{"IN", local, aadhaar}, {"JP", whenTold, myNumber}},
	"9999-9999-9999":        {{"IN", local, aadhaar}, {"JP", whenTold, myNumber}},
	"AAAAA9999A":            {{"IN", local, indianPAN}},
	"999999-9999999":        {{"KR", alone, residentRegistration}},
	"9999999999999":         {{"RO", local, cnp}, {"ZA", local, southAfrican}, {"CH", alone, ahv}, {"KR", whenTold, residentRegistration}, {"RS", whenTold, nil}, {"TH", whenTold, nil}, {"FR", whenTold, nil}},
	"999999/9999":           {{"CZ", alone, rodneCislo}},
	"999999 9999 999":       {{"ZA", local, southAfrican}},
	"999999 9999 99 9":      {{"ZA", local, southAfrican}},
	"AAAA999999AAAAAA99":    {{"MX", alone, curp}},
	"AAAA999999AAAAAAA9":    {{"MX", alone, curp}},
	"999-999-999 99":        {{"RU", alone, snils}},
	"999-999-999-99":        {{"RU", alone, snils}},
	"999.9999.9999.99":      {{"CH", alone, ahv}},
	"9999999A":              {{"IE", local, ppsn}},
	"9999999AA":             {{"IE", local, ppsn}},
	"99 999999 A 999":       {{"DE", alone, nil}},
	"99999999A999":          {{"DE", whenTold, nil}},
	"9999 999999":           {{"AT", local, austrian}},
	"99-99999999-9":         {{"AR", alone, cuit}},
	"999-9999-9999999-9":    {{"AE", alone, emirates}},
	"99999-9999999-9":       {{"PK", alone, nil}},
	"999999-99-9999":        {{"MY", local, bornYYMMDD}},
	"999-999-999-999":       {{"PH", whenTold, nil}},
	"99999999 9 AA9":        {{"PT", alone, nil}},
	"99999999-9-AA9":        {{"PT", alone, nil}},
	"A999999999":            {{"TW", local, taiwanese}},
	"A999999(9)":            {{"HK", alone, nil}},
	"9-9999-99999-99-9":     {{"TH", alone, nil}},
}

// rfcShapes are those of Mexican tax numbers, which end in any letters and digits.
func init() {
	for end := range 8 {
		shape := "AAAA999999"
		for i := range 3 {
			shape += string("9A"[end>>i&1])
		}
		idForms[shape] = append(idForms[shape], idForm{"MX", local, rfc})
	}
}

// mostGroups is the number of groups in the longest form, longestForm its length.
const (
	mostGroups  = 8
	longestForm = 21
)

// findIDs finds national numbers by their forms and check digits.
func (t *text) findIDs() (spans []span) {
	s := t.s
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) || i > 0 && (isAlnum(s[i-1]) || strings.IndexByte("_.-/=$€", s[i-1]) >= 0 && i > 1 && isAlnum(s[i-2])) {
			continue
		}
		if p, ok := t.idAt(i); ok {
			spans = append(spans, p)
			i = p.end
			continue
		}
		for i+1 < len(s) && isAlnum(s[i+1]) {
			i++
		}
	}
	return spans
}

// idAt returns the longest national number that begins at i.
func (t *text) idAt(i int) (best span, found bool) {
	var shape [longestForm]byte
	digits, groups := 0, 1
	for n := 0; n < longestForm && i+n < len(t.s); n++ {
		switch c := t.s[i+n]; {
		case isDigit(c):
			shape[n] = '9'
			digits++
		case isAlnum(c):
			shape[n] = 'A'
		case strings.IndexByte(" .-/()", c) >= 0:
			shape[n] = c
			if groups++; groups > mostGroups+1 {
				return best, found
			}
		default:
			return best, found
		}
		end := i + n + 1
		if digits < 4 || end < len(t.s) && isAlnum(t.s[end]) || !isAlnum(t.s[end-1]) && t.s[end-1] != ')' {
			continue
		}
		if end+1 < len(t.s) && strings.IndexByte(".-/", t.s[end]) >= 0 && isDigit(t.s[end+1]) && shape[n] == '9' {
			continue
		}
		if n == len("9999 9999 9999")-1 && end+1 < len(t.s) && t.s[end] == shape[4] && isDigit(t.s[end+1]) {
			continue // the first groups of a card number
		}
		forms := idForms[string(shape[:n+1])]
		if forms == nil || !standsAlone(t.s, i, end) || t.inURL(i, end) {
			continue
		}
		value := compact(t.s[i:end])
		for _, f := range forms {
			if (f.check == nil || f.check(value)) && t.proves(f, i, end) {
				best, found = span{start: i, end: end, value: value}, true
			}
		}
	}
	return best, found
}

// idReach is the distance of a number from the word that says what it is, in bytes.
const (
	idReach      = 40
	plainIDReach = 12
)

// proves reports whether the context of a number of a form suffices.
func (t *text) proves(f idForm, start, end int) bool {
	if f.proof == alone || t.saidID(start, end) {
		return true
	}
	if f.proof != local || t.nearOrder(start, end) || t.near(phoneWord, start, end, 12) {
		return false
	}
	for _, r := range t.regions {
		if r == f.country || r == "SK" && f.country == "CZ" {
			return true
		}
	}
	return false
}

// nearOrder reports whether a word near a number says that it is no private one. PNR is a booking, and a person's number in Sweden.
func (t *text) nearOrder(start, end int) bool {
	for _, w := range t.words {
		if w.class&(orderWord|otherWord) != 0 && t.lower[w.start:w.end] != "pnr" && (w.end <= start && start-w.end <= 20 || w.start >= end && w.start-end <= 20) {
			return true
		}
	}
	return false
}

// saidID reports whether a word near a number says that it is one of a person. A word that is also an ordinary one must stand right
// before it.
func (t *text) saidID(start, end int) bool {
	for _, w := range t.words {
		reach := idReach
		if plainIDs[t.lower[w.start:w.end]] {
			reach = plainIDReach
		}
		if w.class&idWord != 0 && (w.end <= start && start-w.end <= reach || w.start >= end && w.start-end <= reach) {
			return true
		}
	}
	return false
}

// compact returns the letters and digits of a number, in upper case.
func compact(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z':
			return c
		case c >= 'a' && c <= 'z':
			return c + 'A' - 'a'
		}
		return -1
	}, s)
}

func isAlnum(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// plainIDs are words for national ids and documents that are also ordinary words or abbreviations of other things. Their numbers
// need a check digit, a mark between or a letter.
var plainIDs = set("pix pan sin nie rut cf nir tc rg nit nik pis nip cif ein utr taj rfc pps nin uan dl pas perso patente права passi buletin dni nif insee avs ird bsn oib cnp fnr social medicare cc c.c. ci c.i. run ruc ico ičo dic dič nis kt kt. ik nic license tin ic sim seria серия лк documento permis vat siren " +
	"reg ag sort isa bg pg transit savings clearing rek bank acc. cta cta. conta konto s/c")

// findSaidNumbers finds numbers of people, documents and accounts that a text introduces.
func (t *text) findSaidNumbers() (spans []span) {
	for _, w := range t.words {
		if w.class&(idWord|docWord|accountWord) == 0 {
			continue
		}
		v, ok := t.after(w)
		if !ok || t.inURL(v.start, v.end) {
			continue
		}
		end, letters, digits := t.numberAt(v.start)
		if end == v.start || !standsAlone(t.s, v.start, end) {
			continue
		}
		value := compact(t.s[v.start:end])
		least := 6
		if w.class&docWord != 0 || w.class&accountWord != 0 {
			least = 5
		}
		if len(value) < 6 || len(value) > 30 || digits < least || len(value) > 4*digits || dated.Get().MatchString(t.s[v.start:end]) {
			continue
		}
		if word := t.lower[w.start:w.end]; plainIDs[word] && v.link == beside && (w.class&docWord == 0 || letters == 0) && !t.isNumberOf(word, value) {
			continue
		}
		if w.class&(idWord|docWord) == 0 && letters > 0 {
			continue // account numbers have digits only; an IBAN is found by its form
		}
		spans = append(spans, span{start: v.start, end: end, value: value})
	}
	return spans
}

// besideLengths are the numbers of digits that make a number one of what an ordinary word before it means.
var besideLengths = map[string]int{"dni": 8, "konto": 10, "conta": 8, "acc.": 8, "серия": 4}

func (t *text) isNumberOf(word, value string) bool {
	return besideLengths[word] > 0 && len(value) == besideLengths[word]
}

// numberAt returns the end of the number at i, whose groups have a digit or are one letter.
func (t *text) numberAt(i int) (end, letters, digits int) {
	end = i
	for i < len(t.s) {
		from, d, l := i, 0, 0
		for i < len(t.s) && isAlnum(t.s[i]) {
			if isDigit(t.s[i]) {
				d++
			} else {
				l++
			}
			i++
		}
		first := end == from && digits+letters == 0
		if i == from || d == 0 && l > 1 && !(first && l <= 4 && t.upper(from, i)) || d == 1 && l == 0 && end < from && t.s[from-1] == ' ' {
			break
		}
		if d == 0 && !first && (t.s[from] >= 'a' || i < len(t.s) && !strings.ContainsRune(" .-,\n", rune(t.s[i]))) {
			break
		}
		end, letters, digits = i, letters+l, digits+d
		if i < len(t.s) && strings.IndexByte(" .-/", t.s[i]) >= 0 {
			i++
		}
	}
	return end, letters, digits
}

func (t *text) upper(start, end int) bool { return strings.ToUpper(t.s[start:end]) == t.s[start:end] }

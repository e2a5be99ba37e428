package privacy

import "strings"

// The check digits of more national numbers.

// medicareUS checks the form of a Medicare beneficiary's number, which has no S, L, O, I, B and Z.
func medicareUS(s string) bool { return s[0] != '0' && !strings.ContainsAny(s, "SLOIBZ") }

func medicareAU(s string) bool {
	return s[0] >= '2' && s[0] <= '6' && weighted(s, 1, 3, 7, 9, 1, 3, 7, 9)%10 == digitAt(s, 8)
}

// spanishSocial checks the number of an insured person in Spain.
func spanishSocial(s string) bool { return remainder(s[:10], 97) == remainder(s[10:], 97) }

// polishNIP checks tax numbers of Poland.
func polishNIP(s string) bool { return weighted(s, 6, 5, 7, 2, 3, 4, 5, 6, 7)%11 == digitAt(s, 9) }

// pis checks numbers of Brazil's social security.
func pis(s string) bool {
	return (11-weighted(s, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11%10 == digitAt(s, 10)
}

func ecuadorian(s string) bool {
	return (s[:2] <= "24" || s[:2] == "30") && s[:2] != "00" && s[2] <= '6' && luhn(s)
}

// uruguayan checks the number of an identity card of Uruguay.
func uruguayan(s string) bool {
	return (10-weighted(s, 2, 9, 8, 7, 6, 3, 4)%10)%10 == digitAt(s, 7)
}

func hungarianSocial(s string) bool {
	return weighted(s, 3, 7, 3, 7, 3, 7, 3, 7)%10 == digitAt(s, 8)
}

// jmbg checks the numbers that the states of former Yugoslavia share.
func jmbg(s string) bool {
	return bornDDMMYY(s) && (s[4] == '9' || s[4] == '0') && (11-weighted(s, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11 == digitAt(s, 12)
}

func ukrainian(s string) bool {
	sum := weighted(s, 0, 5, 7, 9, 4, 6, 10, 5, 7) - digitAt(s, 0)
	return (sum%11+11)%11%10 == digitAt(s, 9)
}

func kazakh(s string) bool {
	if !born(s[4:6], s[2:4]) || s[6] > '6' {
		return false
	}
	check := weighted(s, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) % 11
	if check == 10 {
		check = weighted(s, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2) % 11
	}
	return check == digitAt(s, 11)
}

func thai(s string) bool {
	return (11-weighted(s, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%10 == digitAt(s, 12)
}

func iranian(s string) bool {
	sum := weighted(s, 10, 9, 8, 7, 6, 5, 4, 3, 2) % 11
	if sum >= 2 {
		sum = 11 - sum
	}
	return sum == digitAt(s, 9)
}

// egyptian checks century, birth and governorate.
func egyptian(s string) bool {
	return (s[0] == '2' || s[0] == '3') && born(s[5:7], s[3:5]) && (s[7:9] <= "35" || s[7:9] == "88")
}

// saudi checks the numbers of citizens (1) and residents (2).
func saudi(s string) bool { return (s[0] == '1' || s[0] == '2') && luhn(s) }

func greekSocial(s string) bool { return bornDDMMYY(s) && luhn(s) }

func greekTax(s string) bool {
	return weighted(s, 256, 128, 64, 32, 16, 8, 4, 2)%11%10 == digitAt(s, 8)
}

func icelandic(s string) bool {
	return bornDDMMYY(s) && (11-weighted(s, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11 == digitAt(s, 8)
}

func newZealandTax(s string) bool {
	if len(s) == 8 {
		s = "0" + s
	}
	check := (11 - weighted(s, 3, 2, 7, 6, 5, 4, 3, 2)%11) % 11
	if check == 10 {
		check = (11 - weighted(s, 7, 4, 3, 2, 5, 2, 7, 6)%11) % 11
	}
	return check == digitAt(s, 8)
}

// indonesian checks the day, plus 40 for women, and the month of birth.
func indonesian(s string) bool {
	day := remainder(s[6:8], 40)
	return day >= 1 && day <= 31 && s[8:10] >= "01" && s[8:10] <= "12"
}

func luxembourgish(s string) bool {
	return (s[:2] == "19" || s[:2] == "20") && born(s[6:8], s[4:6]) && luhn(s[:12]) && verhoeff(s[:11]+s[12:])
}

// latvian checks numbers that begin with a birth; newer ones begin with 32.
func latvian(s string) bool { return bornDDMMYY(s) && s[6] <= '2' || s[:2] == "32" }

// worldForms are the forms of these numbers.
func init() {
	for shape, forms := range map[string][]idForm{
		"9999 99999 9":         {{"AU", alone, medicareAU}},
		"9999 99999 9 9":       {{"AU", alone, func(s string) bool { return medicareAU(s[:10]) }}},
		"99 99999999 99":       {{"ES", local, spanishSocial}, {"ES", whenTold, nil}},
		"99/99999999/99":       {{"ES", alone, nil}},
		"99-99999999-99":       {{"ES", local, spanishSocial}},
		"999-999-99-99":        {{"PL", alone, polishNIP}},
		"999-99-99-999":        {{"PL", alone, polishNIP}},
		"9999999999":           {{"PL", whenTold, polishNIP}, {"EC", local, ecuadorian}, {"UA", local, ukrainian}, {"IR", local, iranian}, {"SA", local, saudi}, {"IS", local, icelandic}, {"HU", whenTold, nil}, {"CO", whenTold, nil}, {"BG", local, egn}},
		"999.99999.99-9":       {{"BR", alone, pis}},
		"99.999.999-9":         {{"BR", whenTold, nil}},
		"99.999.999-A":         {{"BR", whenTold, nil}},
		"9.999.999-9":          {{"UY", alone, uruguayan}},
		"9999999-9":            {{"UY", local, uruguayan}},
		"99.999.999":           {{"AR", whenTold, nil}, {"CO", whenTold, nil}},
		"9.999.999.999":        {{"CO", whenTold, nil}},
		"999 999 999":          {{"HU", local, hungarianSocial}, {"NZ", whenTold, newZealandTax}},
		"999-999-999":          {{"NZ", whenTold, newZealandTax}, {"HU", whenTold, hungarianSocial}},
		"999999999":            {{"GR", whenTold, greekTax}, {"NZ", whenTold, newZealandTax}},
		"99-999-999":           {{"NZ", local, newZealandTax}, {"NZ", whenTold, nil}},
		"99999999":             {{"PE", whenTold, nil}},
		"9999999999999":        {{"RS", local, jmbg}, {"BA", local, jmbg}, {"SI", local, jmbg}, {"MK", local, jmbg}, {"ME", local, jmbg}, {"HR", local, jmbg}, {"TH", local, thai}, {"LU", local, luxembourgish}},
		"999999999999":         {{"KZ", local, kazakh}, {"VN", whenTold, nil}, {"MY", whenTold, bornYYMMDD}},
		"99999999999":          {{"GR", local, greekSocial}, {"EE", local, func(s string) bool { return baltic(s) && estonian(s) }}, {"LT", local, func(s string) bool { return baltic(s) && estonian(s) }}, {"MX", whenTold, luhn}, {"LV", whenTold, latvian}, {"BR", whenTold, pis}, {"AR", local, cuit}},
		"999999-99999":         {{"LV", local, latvian}},
		"99999999999999":       {{"EG", local, egyptian}},
		"9999999999999999":     {{"ID", local, indonesian}},
		"999.999.999-999":      {{"VN", whenTold, nil}},
		"99.999.999.9-999.999": {{"ID", alone, nil}},
		"999999 9999999":       {{"KR", local, residentRegistration}},
		"A999999":              {{"HK", whenTold, nil}},
		"AA999999":             {{"UA", whenTold, nil}},
		"999 9999 9999 99":     {{"AE", whenTold, nil}},
		"999999999999999":      {{"AE", local, emirates}},
	} {
		idForms[shape] = append(idForms[shape], forms...)
	}
	for kind := range 4 { // the third and the sixth character of Medicare's numbers are digits or letters
		third, sixth := string("9A"[kind&1]), string("9A"[kind>>1])
		idForms["9A"+third+"9-A"+sixth+"9-AA99"] = append(idForms["9A"+third+"9-A"+sixth+"9-AA99"], idForm{"US", alone, medicareUS})
		idForms["9A"+third+"9A"+sixth+"9AA99"] = append(idForms["9A"+third+"9A"+sixth+"9AA99"], idForm{"US", whenTold, medicareUS})
	}
}

// estonian checks the last digit of numbers of Estonia and Lithuania.
func estonian(s string) bool {
	check := weighted(s, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1) % 11
	if check == 10 {
		check = weighted(s, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) % 11 % 10
	}
	return check == digitAt(s, 10)
}

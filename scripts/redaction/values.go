package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
)

// maker makes values. Values of the two sets come from different seeds.
type maker struct {
	*rand.Rand
	half int // of the word lists, so that the sets share no password
}

func newMaker(seed uint64) *maker {
	return &maker{Rand: rand.New(rand.NewPCG(seed, 11)), half: int(seed % 2)}
}

// labels are the kind of a value, and what it is if that is not the name of its maker.
var labels = map[string][2]string{
	"phone": {"phone"}, "tel": {"phone", "phone"}, "intl": {"phone", "phone with country code"}, "email": {"email"}, "card": {"card"}, "iban": {"account"}, "account": {"account", "account number"},
	"code": {"code"}, "pin": {"code"}, "address": {"address"}, "coord": {"address", "coordinates"},
	"pw": {"key", "password"}, "pwword": {"key", "password"}, "wifi": {"key", "password"}, "seed": {"key", "seed phrase"}, "seedin": {"key", "seed phrase"}, "key": {"key", "token"}, "like": {"key", "token"}, "pem": {"key", "private key"},
	"url": {"key", "token in a URL"}, "wif": {"key", "private key"}, "hexkey": {"key", "private key"}, "crypto": {"account", "crypto address"},
	"id": {"account", "national id"}, "passport": {"account", "passport or license"},
}

func labelOf(name string) (kind, what string) {
	l := labels[name]
	if l[1] == "" {
		l[1] = name
	}
	return l[0], l[1]
}

// value makes a value.
func (m *maker) value(name, argument string) (string, error) {
	if f := values[name]; f != nil {
		if v := f(m, argument); v != "" {
			return v, nil
		}
	}
	return "", fmt.Errorf("there is no maker %s:%s", name, argument)
}

var values = map[string]func(m *maker, argument string) string{
	"tel":   (*maker).digits,
	"phone": func(m *maker, c string) string { return m.digits(pick(m, phones[c]...)) },
	"intl":  (*maker).international,
	"email": (*maker).email,
	"card":  (*maker).card,
	"iban":  (*maker).iban,
	"id":    (*maker).id,
	"code":  func(m *maker, form string) string { return m.digits(or(form, "######")) },
	"pin":   func(m *maker, form string) string { return m.digits(or(form, "####")) },
	"pw":    (*maker).password, "wifi": (*maker).password,
	"pwword": func(m *maker, _ string) string { return m.word() },
	"seed":   func(m *maker, count string) string { return m.seed("english", count) },
	"seedin": func(m *maker, argument string) string {
		language, count, _ := strings.Cut(argument, " ")
		return m.seed(language, count)
	},
	"key": (*maker).key, "url": (*maker).key, "like": (*maker).like,
	"crypto": (*maker).crypto,
	"coord":  (*maker).coordinates,
	"pem":    (*maker).pem,
	"wif":    func(m *maker, _ string) string { return base58Check(append([]byte{0x80}, m.bytes(32)...)) },
	"hexkey": func(m *maker, _ string) string { return hex.EncodeToString(m.bytes(32)) },

	// traps
	"n":    func(m *maker, form string) string { return m.digits(form) },
	"hash": func(m *maker, n string) string { return hex.EncodeToString(m.bytes(20))[:atoi(n)] },
	"isbn": func(m *maker, _ string) string { return ean(m.digits("978##########")[:12]) },
	"price": func(m *maker, _ string) string {
		return pick(m, m.digits("%#.99"), m.digits("%##"), m.digits("%,###"), m.digits("%##.50"))
	},
	"time": func(m *maker, _ string) string { return fmt.Sprintf("%d:%02d", 1+m.IntN(23), m.IntN(60)) },
	"date": func(m *maker, _ string) string {
		d, mo, y := 1+m.IntN(28), 1+m.IntN(12), 1990+m.IntN(36)
		return pick(m, fmt.Sprintf("%02d/%02d/%d", mo, d, y), fmt.Sprintf("%d-%02d-%02d", y, mo, d), fmt.Sprintf("%d.%d.%d", d, mo, y), fmt.Sprintf("%02d.%02d.%02d", d, mo, y%100))
	},
	"year": func(m *maker, _ string) string { return fmt.Sprint(1950 + m.IntN(80)) },
	"version": func(m *maker, _ string) string {
		return m.digits(pick(m, "%.#.#", "%.##.##", "##.04", "%.#.#-rc2", "2.%.###.1"))
	},
	"ip":    func(m *maker, _ string) string { return fmt.Sprintf("192.168.%d.%d", m.IntN(255), m.IntN(255)) },
	"epoch": func(m *maker, _ string) string { return fmt.Sprint(1500000000 + m.IntN(200000000)) },
	"up":    func(m *maker, n string) string { return m.from("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", atoi(n)) },
	"uuid": func(m *maker, _ string) string {
		h := hex.EncodeToString(m.bytes(16))
		return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
	},
	"badcard": func(m *maker, _ string) string {
		c := []byte(m.card("plain"))
		c[15] = '0' + (c[15]-'0'+3)%10
		return string(c[:4]) + " " + string(c[4:8]) + " " + string(c[8:12]) + " " + string(c[12:])
	},
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func atoi(s string) (n int) {
	fmt.Sscan(s, &n)
	return n
}

func (m *maker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.IntN(256))
	}
	return b
}

func (m *maker) from(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[m.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	lowers = "abcdefghijklmnopqrstuvwxyz"
	uppers = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	figure = "0123456789"
	alnum  = lowers + uppers + figure
)

// digits fills a form: # is a digit, % one that is not 0, and 2 to 9 and the rest stand for themselves.
func (m *maker) digits(form string) string {
	return strings.Map(func(c rune) rune {
		switch c {
		case '#':
			return rune('0' + m.IntN(10))
		case '%':
			return rune('1' + m.IntN(9))
		}
		return c
	}, form)
}

// phones are forms of numbers without a country code.
var phones = map[string][]string{
	"US": {"(212) 5##-####", "415-7##-####", "646.3##.####", "312 4##-####", "20244#####", "(718)3##-####", "1-650-2##-####"},
	"CA": {"(416) 5##-####", "604-7##-####", "514 3## ####"},
	"GB": {"07700 9#####", "07911 ######", "079## ######", "020 7946 0###", "0161 496 0###", "07712######"},
	"DE": {"0151 2#######", "0171/#######", "030 2345###", "0176-4#######", "089 / 1234##", "017612######"},
	"FR": {"06 ## ## ## ##", "07.8#.##.##.##", "01 42 ## ## ##", "061#######"},
	"ES": {"6## ## ## ##", "612 ### ###", "91 5## ## ##", "6########"},
	"IT": {"347 #######", "333-#######", "02 8#######", "06 6982 ####", "348 ### ####"},
	"NL": {"06 12######", "06-5#######", "020 6######", "0612######"},
	"BE": {"0475 ## ## ##", "02 5## ## ##", "0486/##.##.##"},
	"PT": {"91# ### ###", "96#######", "21 3## ####"},
	"PL": {"501 ### ###", "60#-###-###", "22 6## ## ##", "512######"},
	"SE": {"070-1## ## ##", "073 ### ## ##", "08-50# ### ##", "0761######"},
	"NO": {"412 ## ###", "9## ## ###", "22 5# ## ##"},
	"DK": {"20 ## ## ##", "51######", "33 1# ## ##"},
	"FI": {"040 ### ####", "050-#######", "044 ### ## ##"},
	"CH": {"079 3## ## ##", "044 66# ## ##", "0786######"},
	"AT": {"0664 #######", "0676/#######", "01 5######"},
	"TR": {"0532 ### ## ##", "0(212) 3## ## ##", "0555#######", "542 ### ## ##"},
	"RU": {"8 (916) ###-##-##", "8 926 ### ## ##", "8905#######", "8-495-###-##-##"},
	"UA": {"067 ### ## ##", "(050) ###-##-##", "093#######"},
	"IN": {"98### #####", "9811######", "97### #####", "022 2### ####", "099########"},
	"CN": {"138 #### ####", "139########", "186-####-####"},
	"JP": {"090-1###-####", "080 4### ####", "03-3###-####", "0901#######"},
	"KR": {"010-2###-####", "010 9### ####", "02-7##-####", "01023######"},
	"BR": {"(11) 9####-####", "21 9####-####", "11 3###-####", "11 9########"},
	"MX": {"55 3### ####", "33 1### ####", "(81) 8### ####"},
	"AU": {"0412 ### ###", "04########", "(02) 9### ####", "03 9### ####"},
	"NZ": {"021 ### ###", "09 3## ####", "027 ### ####"},
	"ZA": {"082 ### ####", "083#######", "021 4## ####"},
	"IL": {"054-###-####", "052 #######", "03-6######"},
	"IE": {"087 2######", "085 ### ####", "01 67# ####"},
	"RO": {"0722 ### ###", "0745######", "021 3## ## ##"},
	"CZ": {"602 ### ###", "777######", "224 ### ###"},
	"GR": {"694 ### ####", "697#######", "210 3######"},
	"SG": {"9### ####", "8#######", "6### ####"},
	"HK": {"9### ####", "6### ####", "2### ####"},
	"AR": {"11 4###-####", "011 4###-####", "11 15 3### ####"},
	"ID": {"0812-####-####", "0857########", "021 5### ####"},
	"PH": {"0917 ### ####", "0918#######"},
	"NG": {"0803 ### ####", "0705#######"},
	"EG": {"010 #### ####", "0112#######"},
	"VN": {"090 ### ## ##", "0912 ### ###"},
	"HU": {"06 30 ### ####", "06-20-###-####"},
	"CO": {"310 ### ####", "315#######"},
	"CL": {"9 8### ####", "9 6### ####"},
}

var countryCodes = map[string]string{"US": "1 415 7######", "GB": "44 7911 ######", "DE": "49 151 2#######", "FR": "33 6 ## ## ## ##", "ES": "34 612 ### ###", "IT": "39 347 #######",
	"NL": "31 6 12######", "BR": "55 11 9####-####", "IN": "91 98### #####", "JP": "81 90-1###-####", "KR": "82 10-2###-####", "RU": "7 916 ###-##-##", "PL": "48 501 ### ###",
	"TR": "90 532 ### ## ##", "AU": "61 412 ### ###", "IL": "972 54-###-####", "UA": "380 67 ### ## ##", "CN": "86 138 #### ####", "SE": "46 70 1## ## ##", "MX": "52 55 3### ####",
	"SG": "65 9### ####", "ZA": "27 82 ### ####", "AE": "971 50 ### ####", "CH": "41 79 3## ## ##"}

func (m *maker) international(country string) string {
	n := m.digits(countryCodes[country])
	if m.IntN(4) == 0 {
		n = strings.NewReplacer(" ", "", "-", "").Replace(n)
	}
	return pick(m, "+", "+", "+", "00") + n
}

func (m *maker) email(string) string {
	first := pick(m, "anna", "j.miller", "k_schmidt", "luca.rossi", "info", "mei.chen", "Jan", "sofia+shop", "d.okafor", "p-novak")
	return first + m.digits(pick(m, "", "#", "##", "19##")) + "@" + pick(m, "gmail.com", "example.org", "web.de", "mail.ru", "uni-koeln.de", "yahoo.co.jp", "proton.me", "orange.fr", "acme-tools.co.uk")
}

func (m *maker) card(form string) string {
	number := m.digits(pick(m, "4##############", "5[#############", "4##############", "2221###########"))
	number = strings.Replace(number, "[", fmt.Sprint(1+m.IntN(5)), 1)
	if form == "amex" {
		number = m.digits("37############")
	}
	number += luhnDigit(number)
	switch {
	case form == "plain":
	case form == "amex":
		return number[:4] + " " + number[4:10] + " " + number[10:]
	default:
		s := pick(m, " ", " ", "-", "")
		return number[:4] + s + number[4:8] + s + number[8:12] + s + number[12:]
	}
	return number
}

var ibans = map[string]string{"DE": "##################", "GB": "WEST##############", "FR": "10096##############85##", "ES": "####################", "NL": "ABNA##########", "IT": "X##########0000########",
	"PL": "########################", "BE": "############", "CH": "#################", "AT": "################", "SE": "####################", "PT": "#####################",
	"TR": "#####0################", "NO": "###########", "DK": "##############", "FI": "##############", "CZ": "####################", "IE": "AIBK##############", "RO": "AAAA################",
	"GR": "0110125################", "UA": "322313###################", "SA": "80##################"}

func (m *maker) iban(country string) string {
	body := m.digits(ibans[country])
	n, _ := new(big.Int).SetString(letters(body+country+"00"), 10)
	check := 98 - int(new(big.Int).Mod(n, big.NewInt(97)).Int64())
	all := fmt.Sprintf("%s%02d%s", country, check, body)
	switch m.IntN(4) {
	case 0:
		return all
	case 1:
		return strings.ToLower(all)
	}
	var groups []string
	for ; len(all) > 4; all = all[4:] {
		groups = append(groups, all[:4])
	}
	return strings.Join(append(groups, all), " ")
}

// letters writes letters as numbers from 10.
func letters(s string) string {
	var out strings.Builder
	for _, c := range s {
		if c >= 'A' {
			fmt.Fprint(&out, c-'A'+10)
		} else {
			out.WriteRune(c)
		}
	}
	return out.String()
}

func (m *maker) coordinates(form string) string {
	lat, lon := 25+m.Float64()*35, m.Float64()*140-60
	switch form {
	case "url":
		return fmt.Sprintf("%.6f,%.6f", lat, lon)
	case "dms":
		return fmt.Sprintf(`%d°%02d'%02d.%d"N %d°%02d'%02d.%d"E`, int(lat), m.IntN(60), m.IntN(60), m.IntN(10), m.IntN(99), m.IntN(60), m.IntN(60), m.IntN(10))
	case "ns":
		return fmt.Sprintf("%.4f° N, %.4f° W", lat, lon+70)
	}
	return fmt.Sprintf(pick(m, "%.5f, %.5f", "%.6f,%.6f", "%.4f, %.4f", "%.7f %.7f"), lat, lon)
}

var passwordWords = [2][]string{
	{"butterscotch", "tornado", "mango", "kingfisher", "velvet", "sputnik", "dolphin", "waffles", "pinecone", "orchid", "juniper", "pickles"},
	{"marmalade", "falcon", "papaya", "octopus", "granite", "zeppelin", "badger", "noodles", "thunder", "lavender", "cricket", "biscuit"},
}

func (m *maker) word() string { return pick(m, passwordWords[m.half]...) }

func (m *maker) password(string) string {
	w := m.word()
	title := strings.ToUpper(w[:1]) + w[1:]
	switch m.IntN(8) {
	case 0:
		return w + m.digits("##")
	case 1:
		return title + m.digits("20##!")
	case 2:
		return strings.NewReplacer("a", "4", "e", "3", "o", "0", "i", "1").Replace(title) + pick(m, "!", "$", "#1", "_x")
	case 3:
		return m.from(alnum, 4) + m.from("#$%&*!?", 1) + m.from(alnum, 4) + m.digits("#")
	case 4:
		return title + "-" + m.digits("####")
	case 5:
		return w + "." + m.word() + m.digits("#")
	case 6:
		return m.digits("########")
	}
	return m.from(lowers+figure, 9) + m.digits("#")
}

func (m *maker) key(service string) string {
	switch service {
	case "hf":
		return "hf_" + m.from(lowers+uppers, 34)
	case "hforg":
		return "api_org_" + m.from(lowers+uppers, 34)
	case "gh":
		return pick(m, "ghp_", "gho_", "ghs_") + m.from(alnum, 36)
	case "ghpat":
		return "github_pat_" + m.from(alnum, 22) + "_" + m.from(alnum, 59)
	case "openai":
		return pick(m, "sk-", "sk-proj-") + m.from(alnum, 48)
	case "anthropic":
		return "sk-ant-api03-" + m.from(alnum+"-_", 93) + "AA"
	case "slack":
		return "xoxb-" + m.digits("##########-##########-") + m.from(alnum, 24)
	case "stripe":
		return pick(m, "sk_live_", "rk_live_", "sk_test_") + m.from(alnum, 24)
	case "aws":
		return "AKIA" + m.from(uppers+"234567", 16)
	case "awssecret":
		return m.from(alnum+"/+", 40)
	case "google":
		return "AIza" + m.from(alnum+"-_", 35)
	case "telegram":
		return m.digits("6#########:AA") + m.from(alnum+"-_", 33)
	case "discord":
		return "M" + m.from(alnum, 23) + "." + m.from(alnum, 6) + "." + m.from(alnum+"-_", 27)
	case "gitlab":
		return "glpat-" + m.from(alnum+"-_", 20)
	case "npm":
		return "npm_" + m.from(alnum, 36)
	case "sendgrid":
		return "SG." + m.from(alnum+"-_", 22) + "." + m.from(alnum+"-_", 43)
	case "jwt":
		return "eyJhbGciOiJIUzI1NiJ9.eyJ" + m.from(alnum, 30) + "." + m.from(alnum+"-_", 43)
	case "twilio":
		return "SK" + m.from("0123456789abcdef", 32)
	case "do":
		return "dop_v1_" + m.from("0123456789abcdef", 64)
	case "groq":
		return "gsk_" + m.from(alnum, 52)
	case "replicate":
		return "r8_" + m.from(alnum, 37)
	case "hex32":
		return m.from("0123456789abcdef", 32)
	case "mix24":
		return m.from(alnum, 22) + m.digits("##")
	case "tskey":
		return "tskey-auth-" + m.from(alnum, 17) + "-" + m.from(alnum, 32)
	}
	return ""
}

// alphabets are those that like knows by a letter.
var alphabets = map[rune]string{
	'a': alnum, 'b': alnum + "-_", 'B': alnum + "+/", 'd': figure, 'l': lowers, 'u': uppers + figure, 'x': "0123456789abcdef", 'X': "0123456789ABCDEF",
	'v': uppers + "234567", 'U': "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 'e': "=",
}

var alphabetOf = regexp.MustCompile("~([a-zA-Z])([0-9]*)")

// like fills a form: ~x32 stands for 32 characters of the alphabet x.
func (m *maker) like(form string) string {
	return alphabetOf.ReplaceAllStringFunc(form, func(part string) string {
		p := alphabetOf.FindStringSubmatch(part)
		return m.from(alphabets[rune(p[1][0])], max(1, atoi(p[2])))
	})
}

func (m *maker) pem(form string) string {
	name := pick(m, "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY")
	text := "-----BEGIN " + name + "-----\n"
	for range 3 {
		text += m.from(alnum+"+/", 64) + "\n"
	}
	return text + m.from(alnum+"+/", 30) + "==\n-----END " + name + "-----"
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

func base58Check(b []byte) string {
	first := sha256.Sum256(b)
	second := sha256.Sum256(first[:])
	n, out := new(big.Int).SetBytes(append(b, second[:4]...)), ""
	for d := new(big.Int); n.Sign() > 0; {
		n.DivMod(n, big.NewInt(58), d)
		out = string(base58[d.Int64()]) + out
	}
	for _, c := range b {
		if c != 0 {
			break
		}
		out = "1" + out
	}
	return out
}

func (m *maker) crypto(coin string) string {
	switch coin {
	case "btc":
		return base58Check(append([]byte{0}, m.bytes(20)...))
	case "p2sh":
		return base58Check(append([]byte{5}, m.bytes(20)...))
	case "ltc":
		return base58Check(append([]byte{0x30}, m.bytes(20)...))
	case "trx":
		return base58Check(append([]byte{0x41}, m.bytes(20)...))
	case "bech32":
		return bech32("bc", m.bytes(20))
	case "eth":
		return "0x" + hex.EncodeToString(m.bytes(20))
	case "xmr":
		return "4" + m.from("0123456789AB", 1) + m.from(base58, 93)
	case "sol":
		return m.from(base58, 44)
	}
	return ""
}

// bech32 writes a version 0 witness program (BIP 173).
func bech32(prefix string, program []byte) string {
	data, bits, value := []byte{0}, 0, 0
	for _, b := range program {
		value, bits = value<<8|int(b), bits+8
		for ; bits >= 5; bits -= 5 {
			data = append(data, byte(value>>(bits-5)&31))
		}
	}
	var expanded []byte
	for _, c := range prefix {
		expanded = append(expanded, byte(c>>5))
	}
	expanded = append(expanded, 0)
	for _, c := range prefix {
		expanded = append(expanded, byte(c&31))
	}
	sum := 1
	for _, v := range append(append(expanded, data...), 0, 0, 0, 0, 0, 0) {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ int(v)
		for i, g := range []int{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	sum ^= 1
	for i := range 6 {
		data = append(data, byte(sum>>(5*(5-i))&31))
	}
	out := prefix + "1"
	for _, d := range data {
		out += string("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[d])
	}
	return out
}

// seed makes a BIP-39 phrase of so many words in a language.
func (m *maker) seed(language, count string) string {
	text, err := os.ReadFile("internal/privacy/bip39/" + language + ".txt")
	if err != nil {
		return ""
	}
	list := strings.Fields(string(text))
	n := atoi(count)
	entropy := m.bytes(n * 4 / 3)
	sum := sha256.Sum256(entropy)
	bits := ""
	for _, b := range append(entropy, sum[0]) {
		bits += fmt.Sprintf("%08b", b)
	}
	var words []string
	for i := range n {
		index := 0
		fmt.Sscanf(bits[11*i:11*i+11], "%b", &index)
		words = append(words, list[index])
	}
	switch m.IntN(5) {
	case 0:
		for i := range words {
			words[i] = fmt.Sprintf("%d. %s", i+1, words[i])
		}
		return strings.Join(words, pick(m, " ", "\n"))
	case 1:
		return strings.Join(words, ", ")
	}
	return strings.Join(words, " ")
}

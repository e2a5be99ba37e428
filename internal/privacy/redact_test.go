package privacy_test

import (
	"regexp"
	"strings"
	"testing"

	"ventriloquist/internal/privacy"
)

func newRedactor(kinds ...privacy.Kind) *privacy.Redactor {
	if len(kinds) == 0 {
		kinds = privacy.Kinds()
	}
	return privacy.New([]byte("secret"), "US", kinds, nil)
}

var names = regexp.MustCompile(`\[(\w+) [a-z2-7]{8}\]`)

// shown returns a text with its stand-ins as <kind>.
func shown(s string) string { return names.ReplaceAllString(s, "<$1>") }

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		// telephone numbers
		"call me at (212) 555-0123 ok":           "call me at <phone> ok",
		"+44 20 7946 0958":                       "<phone>",
		"0044 20 7946 0958!":                     "<phone>!",
		"555-123-4567":                           "<phone>",
		"+1 555 123 4567 or +1.555.123.4568":     "<phone> or <phone>",
		"my number is 2125550123":                "my number is <phone>",
		"text 555-0123":                          "text <phone>",
		"2 of 212-555-0123 3":                    "2 of <phone> 3",
		"tel:+12125550123":                       "tel:<phone>",
		"2024-03-15 10:30":                       "2024-03-15 10:30",
		"15.03.2024, 192.168.100.200":            "15.03.2024, 192.168.100.200",
		"3.14159265 and 1.000.000 and 2019-2021": "3.14159265 and 1.000.000 and 2019-2021",
		"it costs $2125550123":                   "it costs $2125550123",
		"https://x.org/status/2125550123":        "https://x.org/status/2125550123",
		"1710547200":                             "1710547200",
		"order A2125550123":                      "order A2125550123",
		"216.56/219.11 MB, PING 85.217.188.5 (85.217.188.5) 1400(1428)": "216.56/219.11 MB, PING 85.217.188.5 (85.217.188.5) 1400(1428)",
		"version 20120514-1.1": "version 20120514-1.1",
		// e-mail
		"it's John.Doe+x@mail.example.co.uk.": "it's <email>.",
		"ask @john or a@b":                    "ask @john or a@b",
		"müller@größe.de":                     "<email>",
		// cards
		"4111 1111 1111 1111 exp 12/27":           "<card> exp 12/27",
		"4111-1111-1111-1111":                     "<card>",
		"378282246310005":                         "<card>",
		"4111 1111 1111 1112":                     "4111 1111 1111 1112",
		"drwxr-xr-x 3 root 4096 2006-02-19 04:30": "drwxr-xr-x 3 root 4096 2006-02-19 04:30",
		"3782 822463 10005":                       "<card>",
		// accounts
		"DE89 3704 0044 0532 0130 00 danke":        "<account> danke",
		"IBAN GB82WEST12345698765432, thanks":      "IBAN <account>, thanks",
		"DE89 3704 0044 0532 0130 01":              "DE89 3704 0044 0532 0130 01",
		"my ssn is 123-45-6789":                    "my ssn is <account>",
		"666-45-6789":                              "666-45-6789",
		"routing number 021000021":                 "routing number <account>",
		"account number: 000123456789 at the bank": "account number: <account> at the bank",
		"sort code 12-34-56":                       "sort code <account>",
		// codes
		"Your Uber code is 1234. Never share it":    "Your Uber code is <code>. Never share it",
		"G-123456 is your Google verification code": "<code> is your Google verification code",
		"123-456 is your login code":                "<code> is your login code",
		"PIN 4821":                                  "PIN <code>",
		"Dein Bestätigungscode lautet 998877":       "Dein Bestätigungscode lautet <code>",
		"验证码：482913，五分钟内有效":                         "验证码：<code>，五分钟内有效",
		"Use it.\n@example.com #747723":             "Use it.\n@example.com #<code>",
		// a part of a telephone number is no code
		"+1 202 555 0143, code 123456 is your verification code": "<phone>, code <code> is your verification code",
		"gate code 4821, or call 212 555 0123":                   "gate code <code>, or call <phone>",
		"zip code 10001":                                         "zip code 10001",
		"the promo code gives 1000 off":                          "the promo code gives 1000 off",
		"I wrote code all of 2019":                               "I wrote code all of 2019",
		"your code gives 1200$ or 5000% off":                     "your code gives <code>$ or 5000% off",
		"Process 1555 was started (code=exited)":                 "Process 1555 was started (code=exited)",
		"the code to the gate is 4821":                           "the code to the gate is <code>",
		// addresses
		"come to 12 Main St, Apt 4, Springfield, IL 62701 at 8": "come to <address> at 8",
		"221b Baker Street":                     "<address>",
		"221b baker street, London NW1 6XE":     "<address>",
		"i live at 1600 pennsylvania avenue nw": "i live at <address>",
		"Hauptstraße 12, 10115 Berlin":          "<address>",
		"wir sind in der Kastanienallee 7":      "wir sind in der <address>",
		"12 bis rue de la Paix, 75002 Paris":    "<address>",
		"Calle Mayor 5":                         "<address>",
		"Keizersgracht 123":                     "<address>",
		"P.O. Box 1234":                         "<address>",
		"Springfield, IL 62701-1234":            "<address>",
		"SW1A 1AA":                              "<address>",
		"a 64 MB usb drive and a 5400 rpm mini drive, 1.5 tb green drive": "a 64 MB usb drive and a 5400 rpm mini drive, 1.5 tb green drive",
		"want me to c/paste the last 3 lines":                             "want me to c/paste the last 3 lines",
		"I write this via live usb disk of Ubuntu 13.10":                  "I write this via live usb disk of Ubuntu 13.10",
		"7 Willow Drive":                 "<address>",
		"we're at 400 oak street":        "we're at <address>",
		"5 place Bellecour, 69002 Lyon":  "<address>",
		"12 rue de la paix":              "<address>",
		"Via Giuseppe Verdi, 12":         "<address>",
		"5 on the road, 10 minutes away": "5 on the road, 10 minutes away",
		"there are 2 more on my way":     "there are 2 more on my way",
		"3 of us will drive":             "3 of us will drive",
		"at 8 in court":                  "at 8 in court",
		// keys
		"AKIAIOSFODNN7EXAMPLE":                           "<key>",
		"key: ghp_0123456789abcdefghijABCDEFGHIJ012345.": "key: <key>.",
		"sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12":               "<key>",
		"the wifi password is hunter2!":                  "the wifi password is <key>!",
		"base-passwd_3.5.10_i386.deb":                    "base-passwd_3.5.10_i386.deb",
		"password: hunter2":                              "password: <key>",
		"the password is wrong!":                         "the password is wrong!",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----": "<key>",
		"https://example.org/watch?v=dQw4w9WgXcQ":                                          "https://example.org/watch?v=dQw4w9WgXcQ",
		// nothing
		"hey, what's up? 10 of us come at 19:30": "hey, what's up? 10 of us come at 19:30",
		"":                                       "",
	} {
		r := newRedactor()
		got := r.Text(text)
		if shown(got) != want {
			t.Errorf("%q becomes %q, want %q", text, shown(got), want)
		}
		if again := r.Text(got); again != got {
			t.Errorf("%q becomes %q when it is redacted again", got, again)
		}
	}
}

func TestRedactor_OneStandInPerValue(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"(212) 555-0123", "+1 212 555 0123", "2125550123", "212.555.0123"},
		{"4111 1111 1111 1111", "4111111111111111", "4111-1111-1111-1111"},
		{"J@X.org", "j@x.org"},
		{"DE89 3704 0044 0532 0130 00", "de89370400440532013000"},
		{"12 Main St., Apt 4", "12 main st apt 4"},
	} {
		want := newRedactor().Text(same[0])
		for _, text := range same[1:] {
			if got := newRedactor().Text(text); got != want || got == text {
				t.Errorf("%q becomes %q, %q %q", same[0], want, text, got)
			}
		}
	}
	if a, b := newRedactor().Text("212-555-0123"), newRedactor().Text("212-555-0124"); a == b {
		t.Errorf("two numbers have one stand-in: %s", a)
	}
	other := privacy.New([]byte("another secret"), "US", privacy.Kinds(), nil)
	if a, b := newRedactor().Text("212-555-0123"), other.Text("212-555-0123"); a == b {
		t.Error("the stand-in does not depend on the secret")
	}
}

func TestRedactor_Region(t *testing.T) {
	t.Parallel()
	british := privacy.New([]byte("secret"), "GB", privacy.Kinds(), nil)
	if a, b := british.Text("020 7946 0958"), british.Text("+442079460958"); a != b || shown(a) != "<phone>" {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestRedactor_SomeKinds(t *testing.T) {
	t.Parallel()
	got := newRedactor(privacy.Email).Text("j@x.org, 212-555-0123")
	if shown(got) != "<email>, 212-555-0123" {
		t.Errorf("got %q", got)
	}
}

func TestRedactor_Forgotten(t *testing.T) {
	t.Parallel()
	r := privacy.New([]byte("secret"), "US", nil, func(address string) bool { return address == "+12125550123" || address == "j@x.org" })
	got := r.Text("(212) 555-0123, 212-555-0124, J@x.org, k@x.org")
	if got != "[forgotten], 212-555-0124, [forgotten], k@x.org" {
		t.Errorf("got %q", got)
	}
	if again := r.Text(got); again != got {
		t.Errorf("again it is %q", again)
	}
}

func TestRedactor_Findings(t *testing.T) {
	t.Parallel()
	r := newRedactor()
	for _, text := range []string{"j@x.org J@x.org k@x.org", "212-555-0123", "nothing"} {
		r.Text(text)
	}
	findings, texts := r.Findings()
	if len(findings) != 2 || findings[0] != (privacy.Finding{Kind: privacy.Email, Found: 3, Distinct: 2}) || findings[1].Kind != privacy.Phone || texts != 2 {
		t.Errorf("findings %+v in %d texts", findings, texts)
	}
}

// Redacting a text again changes nothing, and what is not replaced stays as it is.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"call (212) 555-0123 or j@x.org", "code 123456 code 12345678", "[phone aaaaaaaa] 212-555-0123", "12 Main St, 4111 1111 1111 1111",
		"account 1234567 DE89 3704 0044 0532 0130 00", "password: x1x1x1x1 AKIAIOSFODNN7EXAMPLE", "\x00@\x00.\xff", "1-1-1-1-1-1-1-1-1-1-1", "@a #1234 code",
		"пароль：ｑｗｅ１２３ 密码是abc12345", "legal winner thank year wave sausage worth useful legal winner thank yellow", "pw is pw is a1b2c3 (the password)",
		"geo:37.786971,-122.399677 40°42'46\"N 74°00'21\"W", "\u202a０６ 12 34 56 78\u202c ssn 123456789 dni 12345678Z", "creds: a:b1b1b1 u: a p: b1b1"} {
		f.Add(seed)
	}
	r := newRedactor().WithRegions([]string{"FR", "IN", "DK"})
	f.Fuzz(func(t *testing.T, text string) {
		once := r.Text(text)
		if again := r.Text(once); again != once {
			t.Errorf("%q becomes %q, then %q", text, once, again)
		}
		if !rewrites(text, once) {
			t.Errorf("%q becomes %q: more changed than what stand-ins replace", text, once)
		}
	})
}

// rewrites reports whether a text becomes a redacted one by nothing but putting stand-ins in place of parts: what is between the
// stand-ins occurs in the text in the same order, at both ends and without overlaps.
func rewrites(text, redacted string) bool {
	between := names.Split(redacted, -1)
	if len(between) == 1 {
		return text == redacted
	}
	first, last := between[0], between[len(between)-1]
	if !strings.HasPrefix(text, first) || !strings.HasSuffix(text[len(first):], last) {
		return false
	}
	rest := text[len(first) : len(text)-len(last)]
	for _, part := range between[1 : len(between)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return true
}

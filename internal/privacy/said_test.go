package privacy_test

import "testing"

// becomes checks what texts become, and that redacting them again changes nothing. The owner is American and has contacts in the
// regions.
func becomes(t *testing.T, regions []string, cases map[string]string) {
	t.Helper()
	for text, want := range cases {
		r := newRedactor().WithRegions(regions)
		got := r.Text(text)
		if shown(got) != want {
			t.Errorf("%q becomes %q, want %q", text, shown(got), want)
		}
		if again := r.Text(got); again != got {
			t.Errorf("%q becomes %q when it is redacted again", got, again)
		}
	}
}

func TestRedactor_SaidPasswords(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"pw is hunter2": "pw is <key>",
		"the wifi password at grandma's is sunfl0wer": "the wifi password at grandma's is <key>",
		"password is swordfish":                       "password is <key>",
		"password: tulips eat green tractors":         "password: <key>",
		`the password is "correct horse battery"`:     `the password is "<key>"`,
		"i changed the pw to Cricket-0331 ok?":        "i changed the pw to <key> ok?",
		"its P4pillon for the wifi":                   "its <key> for the wifi",
		"Luna2019 is the netflix password":            "<key> is the netflix password",
		"creds: dave:Hunter22":                        "creds: dave:<key>",
		"u: dave p: hunter22":                         "u: dave p: <key>",
		"login maria@example.org / Luna2019":          "login <email> / <key>",
		"пароль: sputnik99":                           "пароль: <key>",
		"пароль от вайфая sputnik99":                  "пароль от вайфая <key>",
		"das Passwort ist Sommer23":                   "das Passwort ist <key>",
		"le mot de passe c'est soleil24":              "le mot de passe c'est <key>",
		"la contraseña es gatito20":                   "la contraseña es <key>",
		"a senha do wifi é futebol10":                 "a senha do wifi é <key>",
		"hasło do wifi to kotek123":                   "hasło do wifi to <key>",
		"het wachtwoord is fiets22":                   "het wachtwoord is <key>",
		"wifi şifresi galata1905":                     "wifi şifresi <key>",
		"密码是abc12345":                                 "密码是<key>",
		"パスワードはneko1234です":                            "パスワードは<key>です",
		"와이파이 비밀번호는 qwer1234":                         "와이파이 비밀번호는 <key>",
		"рассылка: пароль для входа 48291":            "рассылка: пароль для входа <key>",
		"पासवर्ड billi123 है":                         "पासवर्ड <key> है",
		"wifi: HomeNet_5G / 39182746":                 "wifi: <key> / <key>",
		"הסיסמה לוויפי hatul123":                      "הסיסמה לוויפי <key>",
		"الباسورد qwer1234":                           "الباسورد <key>",
		"הסיסמה היא qwer1234":                         "הסיסמה היא <key>",
	})
}

func TestRedactor_KeepsTalkOfPasswords(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"password is wrong", "I forgot my password", "the password is on the fridge", "the password has expired", "the password is the same as before",
		"password: ask me", "password is case sensitive", "i set the password to something silly", "is the wifi password still the old one?",
		"das Passwort ist abgelaufen", "le mot de passe est sur le frigo", "la contraseña es la misma de siempre", "a senha está errada", "hasło jest złe",
		"wachtwoord vergeten", "пароль забыла", "пароль тот же", "şifre yanlış", "密码在冰箱上", "パスワードを忘れた", "비밀번호 까먹었어",
		"[sudo] password for eric: Reading package lists... Done", "look into /etc/passwd", "type passwd sam555", "pass me the salt", "the secret is patience",
		"key change at 3:30", "my pin is loose", "forgot my pin", "wifi is set to ath0",
	} {
		if got := newRedactor().Text(text); got != text {
			t.Errorf("%q becomes %q", text, shown(got))
		}
	}
}

func TestRedactor_Tokens(t *testing.T) {
	t.Parallel()
	const letters = "QwErTyUiOpAsDfGhJkLzXcVbNmQwErTyUi"
	becomes(t, nil, map[string]string{
		"token hf_" + letters:      "token <key>",
		"api_org_" + letters + "!": "<key>!",
		"https://hooks.slack.com/services/T02AB3CD4/B05EF6GH7/aBcDeFgHiJkLmNoPqRsTuVwX": "https://hooks.slack.com/services/<key>",
		"postgres://app:Sup3rS3cret!@db.example.com/prod":                               "postgres://app:<key>@db.example.com/prod",
		"https://example.org/reset?token=abcdef1234567890&lang=en":                      "https://example.org/reset?token=<key>&lang=en",
		"https://example.org/list?page=12345678&sort=abcdefgh":                          "https://example.org/list?page=12345678&sort=abcdefgh",
		"import 5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ":                    "import <key>",
		"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK":                           "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK",
	})
}

func TestRedactor_SeedPhrases(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"legal winner thank year wave sausage worth useful legal winner thank yellow":                                        "<key>",
		"ok: Legal, winner, thank, year, wave, sausage, worth, useful, legal, winner, thank, yellow. safe?":                  "ok: <key>. safe?",
		"legal winner thank year wave sausage worth useful legal winner thank zoo":                                           "legal winner thank year wave sausage worth useful legal winner thank zoo",
		"my seed: legal winner thank year wave sausage worth useful legal winner thank zoo":                                  "my seed: <key>",
		"1. legal 2. winner 3. thank 4. year 5. wave 6. sausage 7. worth 8. useful 9. legal 10. winner 11. thank 12. yellow": "<key>",
	})
}

func TestRedactor_SaidCodes(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"my pin's 4821":                         "my pin's <code>",
		"код 1234":                              "код <code>",
		"code for the front door is 4821":       "code for the front door is <code>",
		"gate: 4821":                            "gate: <code>",
		"locker combo 14-32-08":                 "locker combo <code>",
		"exp 11/28 cvc 206":                     "exp 11/28 cvc <code>",
		"gate: 4821#":                           "gate: <code>",
		"luggage combo is 391":                  "luggage combo is <code>",
		"gym locker is 24-8-36":                 "gym locker is <code>",
		"the safe is 12 inches wide":            "the safe is 12 inches wide",
		"combo meal is 12.50":                   "combo meal is 12.50",
		"digicode 48B21":                        "digicode <code>",
		"enter 482913 to log in":                "enter <code> to log in",
		"backup codes: 4829-1038 7710-2948":     "backup codes: <code> <code>",
		"あなたの認証コードは482913です":                    "あなたの認証コードは<code>です",
		"error code 4821, status code 5000":     "error code 4821, status code 5000",
		"rsync error (code 23) at main.c(1183)": "rsync error (code 23) at main.c(1183)",
	})
}

func TestRedactor_NationalIDs(t *testing.T) {
	t.Parallel()
	becomes(t, []string{"IN", "DK"}, map[string]string{
		"Steuer-ID 86 095 742 719":        "Steuer-ID <account>",
		"sécu 2 55 08 14 168 025 38":      "sécu <account>",
		"DNI 12345678Z":                   "DNI <account>",
		"RSSMRA85T10A562S":                "<account>",
		"RSSMRA85T10A562T":                "RSSMRA85T10A562T",
		"bsn 111222333":                   "bsn <account>",
		"cpf 529.982.247-25":              "cpf <account>",
		"aadhaar 2341 2341 2346":          "aadhaar <account>",
		"11010519491231002X":              "<account>",
		"СНИЛС 112-233-445 95":            "СНИЛС <account>",
		"756.9217.0769.85":                "<account>",
		"311280-999J":                     "<account>",
		"SIN: 046 454 286":                "SIN: <account>",
		"my social is 123456789":          "my social is <account>",
		"passport number is C01X00T47":    "passport number is <account>",
		"паспорт 4510 482913":             "паспорт <account>",
		"my card says 046 454 286 points": "my card says 046 454 286 points",
		"i want to run 1440x900":          "i want to run 1440x900",
		"order 44051401359":               "order 44051401359",
	})
}

func TestRedactor_Coins(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"btc 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa":                "btc <account>",
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb":                    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4":            "<account>",
		"0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe":            "<account>",
		"commit da39a3ee5e6b4b0d3255bfef95601890afd80709 is ok": "commit da39a3ee5e6b4b0d3255bfef95601890afd80709 is ok",
	})
}

func TestRedactor_Coordinates(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"i'm at 40.7127837, -74.0059413":                           "i'm at <address>",
		"geo:37.786971,-122.399677?z=16":                           "geo:<address>?z=16",
		"https://www.google.com/maps/@37.786971,-122.399677,15z":   "https://www.google.com/maps/@<address>,15z",
		`40°42'46.0"N 74°00'21.5"W`:                                "<address>",
		"https://www.openstreetmap.org/?mlat=52.5162&mlon=13.3777": "https://www.openstreetmap.org/?mlat=<address>&mlon=<address>",
		"36.6, 37.2":                     "36.6, 37.2",
		"0.7071, 1.4142":                 "0.7071, 1.4142",
		"went from 182.3456 to 190.1234": "went from 182.3456 to 190.1234",
	})
}

func TestRedactor_LocalPhones(t *testing.T) {
	t.Parallel()
	becomes(t, []string{"DE", "FR", "PL", "SG"}, map[string]string{
		"0171/4829103":                       "<phone>",
		"appelle au 06 12 34 56 78":          "appelle au <phone>",
		"06.12.34.56.78 le soir":             "<phone> le soir",
		"mój numer 501 234 567":              "mój numer <phone>",
		"my hp 9123 4567":                    "my hp <phone>",
		"+33 6 12 34 56 78":                  "<phone>",
		"100 000 000":                        "100 000 000",
		"7 000 000 zł":                       "7 000 000 zł",
		"the number of sectors is 976773105": "the number of sectors is 976773105",
		"/lib/modules/2.6.12-10-386/kernel":  "/lib/modules/2.6.12-10-386/kernel",
		"gtf 1600 1200 60":                   "gtf 1600 1200 60",
	})
	// Without contacts in France, the same digits are no number.
	becomes(t, nil, map[string]string{"06.12.34.56.78 le soir": "06.12.34.56.78 le soir"})
}

func TestRedactor_DigitsOfOtherScripts(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"212-555-0123", "２１２－５５５－０１２３", "٢١٢-٥٥٥-٠١٢٣", "२१२-५५५-०१२३", "212\u00a0555\u20110123", "\u202a212-555-0123\u202c"},
		{"4111111111111111", "４１１１１１１１１１１１１１１１"},
	} {
		want := newRedactor().Text(same[0])
		for _, text := range same[1:] {
			if got := newRedactor().Text(text); names.FindString(got) != want {
				t.Errorf("%q becomes %q, %q %q", same[0], want, text, got)
			}
		}
	}
	becomes(t, nil, map[string]string{"密码：ａｂｃ１２３４５": "密码：<key>"})
}

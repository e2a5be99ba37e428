package privacy_test

import "testing"

func TestRedactor_UnknownTokens(t *testing.T) {
	t.Parallel()
	const random = "a8Kd02mPq7XzR4tLw9BnYc3VfHj6"
	becomes(t, nil, map[string]string{
		"the new thing wants " + random:                                       "the new thing wants <key>",
		"somecorp-live-" + random:                                             "<key>",
		"AccountName=acme;AccountKey=" + random + "/+Q==;EndpointSuffix=core": "AccountName=acme;AccountKey=<key>;EndpointSuffix=core",
		"mailer key 0123456789abcdef0123456789abcdef-us21":                    "mailer key <key>",
		"type JBSWY3DPEHPK3PXP into authy":                                    "type <key> into authy",
		"getUserByIdFromDatabaseVersion2OrTheCache":                           "getUserByIdFromDatabaseVersion2OrTheCache",
		"https://example.org/d/" + random + "/edit":                           "https://example.org/d/" + random + "/edit",
		"see img/" + random + ".jpg":                                          "see img/" + random + ".jpg",
		"commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12":                     "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
		"Screenshot_20240914-183022_WhatsApp":                                 "Screenshot_20240914-183022_WhatsApp",
	})
}

func TestRedactor_PasswordsBeforeTheirWord(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"he puesto Coruña88 de contraseña":            "he puesto <key> de contraseña",
		"j'ai mis Nantes44! comme mot de passe":       "j'ai mis <key> comme mot de passe",
		"ustawiłem Gdynia-12 jako hasło":              "ustawiłem <key> jako hasło",
		"ho cambiato la password in Etna1669$":        "ho cambiato la password in <key>",
		"ich hab das passwort auf Elbe-1820 geändert": "ich hab das passwort auf <key> geändert",
	})
}

func TestRedactor_NamesOfNetworksStay(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"our wifi is GuestsOfTheHouse and the password is daisies1988": "our wifi is GuestsOfTheHouse and the password is <key>",
		"SSID: Speedport42  key: applepie4020":                         "SSID: Speedport42  key: <key>",
		"wifi up at the lake: FoxDen / acorns22":                       "wifi up at the lake: FoxDen / <key>",
	})
}

func TestRedactor_Phrases(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"the google app password is abxz wqrt ynok dhvm":         "the google app password is <key>",
		"passphrase for my key is purple monkey dishwasher lamp": "passphrase for my key is <key>",
		`the password is "four more years 99"`:                   `the password is "<key>"`,
		"a passphrase is better than a password if it is long":   "a passphrase is better than a password if it is long",
	})
}

func TestRedactor_CodesOfDoors(t *testing.T) {
	t.Parallel()
	becomes(t, []string{"US", "UA"}, map[string]string{
		"gate: *4471":                        "gate: <code>",
		"back door opens w 9213#":            "back door opens w <code>",
		"smart lock is 481916 then the star": "smart lock is <code> then the star",
		"luggage lock 493":                   "luggage lock <code>",
		"door entry is C2580Y":               "door entry is <code>",
		"код домофона 45к1289":               "код домофона <code>",
		"код під'їзду 166":                   "код під'їзду <code>",
		"玄関のコード4491":                         "玄関のコード<code>",
		"what did it say?? 824895":           "what did it say?? <code>",
		"gate 204 boards at 9":               "gate 204 boards at 9",
		"the safe is 2000 dollars":           "the safe is 2000 dollars",
	})
}

func TestRedactor_CodeAfterCard(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"4111 1111 1111 1111\n07/27\n683":   "<card>\n07/27\n<code>",
		"4111 1111 1111 1111 exp 07/27 683": "<card> exp 07/27 <code>",
	})
}

func TestRedactor_SpelledEmails(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"jane dot doe at gmail dot com":   "<email>",
		"write to jane.doe (at) web.de":   "write to <email>",
		"jane [at] example [dot] org":     "<email>",
		"we meet at the dot com building": "we meet at the dot com building",
	})
}

func TestRedactor_NumbersOfManyCountries(t *testing.T) {
	t.Parallel()
	becomes(t, []string{"GB", "IN", "PT", "SG"}, map[string]string{
		"sc 20-45-77 an 13872290":                             "sc <account> an <account>",
		"pay me at dana.k@okicici":                            "pay me at <account>",
		"국민은행 447182-04-118290":                               "국민은행 <account>",
		"cartão de cidadão 13847192 4 ZX8":                    "cartão de cidadão <account>",
		"tin 447-182-900-000":                                 "tin <account>",
		"Flat 3, 41 Lansdowne Road, BS8 4JT":                  "<address>",
		"Blk 412 Ang Mo Kio Ave 10 #08-115, Singapore 560412": "<address>",
		"88 Queen St W, Toronto ON M5H 2N2":                   "<address>",
		"wohne Am Alten Markt 3a":                             "wohne <address>",
		"ordernummer 08348633":                                "ordernummer 08348633",
	})
}

func TestRedactor_HexadecimalKeysAfterTheirWord(t *testing.T) {
	t.Parallel()
	const hex = "046a0728b799c2d25aaa97ddd63abeeabe0d5938"
	becomes(t, nil, map[string]string{
		"wandb login key " + hex:                  "wandb login key <key>",
		"the key for the api is " + hex[:32]:      "the key for the api is <key>",
		"ключ от апи " + hex[:32]:                 "ключ от апи <key>",
		"the key commit is " + hex:                "the key commit is " + hex,
		"the md5 " + hex[:32] + " is its map key": "the md5 " + hex[:32] + " is its map key",
	})
}

func TestRedactor_PasswordsOfScreens(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"laptop unlock is Gr33nTea$$ dont tell": "laptop unlock is <key> dont tell",
		"Entsperren: Gr33nTea99":                "Entsperren: <key>",
		"lockscreen is iOS17 now":               "lockscreen is iOS17 now",
	})
}

func TestRedactor_MarksBeforeParticles(t *testing.T) {
	t.Parallel()
	becomes(t, nil, map[string]string{
		"와이파이 비번은 happy8282!이야": "와이파이 비번은 <key>이야",
		"パスワードはneko8282!です":     "パスワードは<key>です",
	})
}

func TestRedactor_PhonesJoinedWithWords(t *testing.T) {
	t.Parallel()
	becomes(t, []string{"IL", "EG"}, map[string]string{
		"תתקשר ל052-482-9317":    "תתקשר ל<phone>",
		"اتصل بـ01024829317":     "اتصل بـ<phone>",
		"ב2019 היו 482,931 איש":  "ב2019 היו 482,931 איש",
		"מספר הזמנה3482931":      "מספר הזמנה3482931",
		"order a052-482-9317-bc": "order a052-482-9317-bc",
	})
}

func TestRedactor_PhonesCalledMine(t *testing.T) {
	t.Parallel()
	becomes(t, []string{"PT", "PL"}, map[string]string{
		"o meu é 912 483 772":     "o meu é <phone>",
		"mój to 601 482 937":      "mój to <phone>",
		"mine is 601 482 937 btw": "mine is 601 482 937 btw",
		"o meu é 600 000":         "o meu é 600 000",
	})
}

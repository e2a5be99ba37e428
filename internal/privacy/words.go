package privacy

import (
	"strings"
	"sync"
)

// lexicon returns the words that introduce private values, in the languages of most chats.
var lexicon = sync.OnceValue(func() *wordTable { return newWordTable(lexiconEntries()) })

func lexiconEntries() []entry {
	return merged(
		worldEntries(),
		cameEntries(),
		// passwords
		words(passWord, "", "passcode", "password", "passwords are", "pass word", "pw", "pwd", "passwd", "passphrase", "pass phrase", "psw", "pswd", "wifi pw", "login password", "secret word", "magic word", "p/w", "master key"),
		words(passWord, "de", "passwort", "kennwort", "passwörter", "losung", "netzwerkschlüssel", "wlan-schlüssel", "wlan schlüssel", "losungswort", "zugangspasswort"),
		words(passWord, "fr", "mot de passe", "mots de passe", "mdp", "clé wifi", "clef wifi", "clé wi-fi", "clé du wifi"),
		words(passWord, "es", "contraseña", "contrasena", "contraseñas", "contra del wifi", "clave", "clave del wifi", "clave wifi", "la contra", "contrasenya"),
		words(passWord, "it", "parola d'ordine", "parola chiave"),
		words(passWord, "pt", "senha", "palavra-passe", "palavra passe", "palavra-chave"),
		words(passWord, "nl", "wachtwoord", "ww", "wachtwoorden"),
		words(passWord, "pl", "hasło", "haslo", "hasła", "hasłem"),
		words(passWord, "sv", "lösenord", "lösenordet", "lösen", "løsen"),
		words(passWord, "no", "passord", "passordet", "adgangskode", "adgangskoden", "kodeord", "kodeordet", "lykilorð", "aðgangsorð"),
		words(passWord, "fi", "salasana", "salasanan", "salasanasi", "salis"),
		words(passWord, "et", "parool", "salasõna", "parole", "slaptažodis"),
		words(passWord, "ru", "пароль", "паролем", "парол", "пароли", "пасс", "пасворд", "пароль такой", "парола", "лозинка", "шифра"),
		words(passWord, "tr", "şifre", "şifresi", "şifrem", "şifremiz", "sifre", "sifresi", "parola", "parolası", "parolam", "şifreniz"),
		words(passWord, "cs", "heslo", "hesla", "heslem", "geslo", "lozinka", "zaporka", "šifra", "lozinku"),
		words(passWord, "ro", "parola", "parola de la", "parolă"),
		words(passWord, "hu", "jelszó", "jelszo", "jelszava", "jelszavam", "a jelszó"),
		words(passWord, "el", "κωδικός", "κωδικό", "ο κωδικός", "κωδικος", "κωδικός πρόσβασης", "κωδικός wifi", "συνθηματικό", "κωδικο wifi", "κωδικός του wifi"),
		words(passWord, "id", "kata sandi", "sandi", "katasandi", "kata laluan", "mot de pass"),
		words(passWord, "vi", "mật khẩu", "mat khau", "mk wifi", "pass wifi"),
		words(passWord, "hi", "पासवर्ड", "পাসওয়ার্ড", "கடவுச்சொல்"),
		words(passWord, "ca", "contrasenya", "pasahitza"),
		joined(passWord, "he", "סיסמה", "סיסמא", "הסיסמה", "הסיסמא"),
		joined(passWord, "ar", "كلمة السر", "كلمة المرور", "كلمه السر", "الباسورد", "باسورد", "الرقم السري", "رمز عبور", "پسورد", "گذرواژه"),
		joined(passWord, "zh", "密码", "密碼", "口令", "パスワード", "パスコード", "パスは", "パス", "合言葉", "비밀번호", "비번", "패스워드", "암호", "รหัสผ่าน", "พาสเวิร์ด"),
		joined(passWord, "de", "passwort", "kennwort"),
		words(passMaybe, "", "pass", "secret", "wifi code", "wifi key", "wi-fi code", "wi-fi key", "code wifi", "code du wifi", "clé", "network key", "schlüssel", "wpa", "wpa2", "psk", "chiave", "nøgle"),

		// keys and tokens
		words(keyWord, "", "api key", "api-key", "api_key", "apikey", "x-api-key", "secret key", "secret_key", "secretkey", "access token", "access_token", "auth token", "auth_token", "auth key", "authtoken",
			"client secret", "client_secret", "bearer", "token", "encryption key", "recovery key", "bitlocker key", "license key", "licence key", "product key", "activation key", "app password", "app-passwort",
			"session token", "refresh token", "refresh_token", "webhook secret", "signing secret", "signing key", "master token", "deploy key", "access key", "access_key", "secret access key", "service key",
			"clé api", "clave api", "chave api", "api-schlüssel", "токен", "токен бота", "bot token", "api token", "api_token", "personal access token", "pat", "api_hash", "api hash", "app secret", "app_secret", "stream key", "ключ апи", "ключ api", "org token"),
		words(privateWord, "", "private key", "priv key", "privkey", "privatekey", "private_key", "pk", "wallet key", "приватный ключ", "privater schlüssel", "clé privée", "clave privada", "chave privada", "private keys", "wif"),
		words(wifiWord, "", "wifi", "wi-fi", "wlan", "wi fi", "ssid", "wiffi", "hotspot", "вайфай", "вайфая", "вай-фай", "вай фай", "вифи", "wifin", "wifi's", "internet", "guest network"),
		joined(wifiWord, "zh", "الواي فاي", "واي فاي", "וויפי", "무선", "와이파이", "ワイファイ", "无线", "無線"),
		words(loginWord, "", "login", "logins", "log in with", "log in as", "creds", "credentials", "credential", "cred", "zugangsdaten", "logindaten", "anmeldedaten", "identifiants", "identifiant", "credenciales", "credenziali", "credenciais",
			"inloggegevens", "логин", "логин и пароль", "login info", "sign in with", "login details", "user", "username", "usuario", "utente", "benutzer", "benutzername", "gebruiker"),

		// codes
		words(codeWord, "", "passcode", "pass code", "pass-code", "passcodes", "security code", "verification code", "confirmation code", "access code", "login code", "sign-in code", "sign in code", "signin code", "auth code",
			"authentication code", "authorization code", "authenticator", "authenticator code", "one-time code", "one time code", "one-time password", "one time password", "one-time passcode", "one-time pin", "backup code", "backup codes",
			"recovery code", "recovery codes", "gate code", "door code", "entry code", "lock code", "alarm code", "garage code", "keypad", "keypad code", "lockbox", "lockbox code", "otp", "2fa", "mfa", "2-step", "two-factor",
			"two factor", "2fa code", "sms code", "sms-code", "text code", "activation code", "reset code", "unlock code", "garage keypad", "safe code", "tan", "mtan", "totp", "verify", "verification", "verify code", "apple id code", "whatsapp code"),
		words(codeWord, "de", "bestätigungscode", "sicherheitscode", "verifizierungscode", "prüfcode", "zugangscode", "türcode", "alarmcode", "haustürcode", "aktivierungscode", "einmalcode", "einmalpasswort", "anmeldecode", "freischaltcode", "torcode"),
		words(codeWord, "fr", "code de vérification", "code de sécurité", "code de confirmation", "code d'accès", "code porte", "code de la porte", "code d'entrée", "digicode", "code immeuble", "code de l'immeuble", "code du bâtiment", "code de la résidence", "code de la barrière", "code portail", "code du portail", "code d'activation", "code d'authentification"),
		words(codeWord, "es", "código", "codigo", "código de verificación", "código de seguridad", "clave dinámica", "codi"),
		words(codeWord, "it", "codice", "codice di verifica", "codice di sicurezza", "codice cancello", "codice porta", "codice otp"),
		words(codeWord, "pt", "código de verificação", "código de segurança", "código de acesso"),
		words(codeWord, "nl", "verificatiecode", "beveiligingscode", "toegangscode", "deurcode", "inlogcode", "bevestigingscode", "poortcode"),
		words(codeWord, "pl", "kod", "kodu", "kod do drzwi", "kod weryfikacyjny", "kod dostępu", "kodem"),
		words(codeWord, "sv", "kod", "koden", "portkod", "portkoden", "engångskod", "verifieringskod", "bekräftelsekod", "säkerhetskod"),
		words(codeWord, "no", "kode", "koden", "engangskode", "bekreftelseskode", "sikkerhetskode", "portkode", "dørkode", "bekræftelseskode", "verifikationskode"),
		words(codeWord, "fi", "koodi", "koodisi", "vahvistuskoodi", "ovikoodi", "turvakoodi", "varmenne"),
		words(codeWord, "ru", "код", "кода", "коды", "код подтверждения", "код от домофона", "код домофона", "код доступа", "код для входа", "смс код", "смс-код"),
		words(codeWord, "tr", "doğrulama kodu", "doğrulama kodunuz", "onay kodu", "onay kodunuz", "güvenlik kodu", "kodunuz", "kodun", "kodu", "kod"),
		words(codeWord, "cs", "kód", "váš kód", "ověřovací kód", "overovací kód", "koda", "šifra"),
		words(codeWord, "ro", "cod", "codul", "codul tău", "cod de verificare"),
		words(codeWord, "hu", "kód", "kódod", "kódja", "kapukód", "ellenőrző kód", "megerősítő kód"),
		words(codeWord, "el", "κωδικός", "κωδικό", "ο κωδικός", "κωδικος"),
		words(codeWord, "id", "kode", "kode otp", "kode verifikasi", "mã xác nhận", "mã otp", "mã xác thực", "mã", "kod pengesahan"),
		words(codeWord, "hi", "ओटीपी", "कोड", "ওটিপি"),
		joined(codeWord, "he", "קוד", "הקוד"),
		joined(codeWord, "ar", "رمز التحقق", "رمز التأكيد", "كود", "الكود", "رمز", "کد تایید", "کد"),
		joined(codeWord, "zh", "验证码", "驗證碼", "校验码", "動態碼", "动态码", "提取码", "認証コード", "確認コード", "認証番号", "ワンタイム", "セキュリティコード", "인증번호", "인증코드", "인증 코드", "보안코드", "확인코드", "門禁碼", "门禁", "รหัส otp", "รหัสยืนยัน"),
		words(plainCode, "", "code", "codes", "unlock", "code is", "coded", "code:"),
		words(pinWord, "", "pin", "pins", "pin code", "pin-code", "pincode", "pin number", "pin no", "sim pin", "upi pin", "mpin", "card pin", "nip", "atm pin", "puk", "geheimzahl", "pin nummer", "pinkode", "pinkod", "code pin", "codice pin",
			"пин", "пинкод", "пин-код", "пин код", "pinkoodi", "pin kodu", "pin kódom", "kod pin", "código pin", "personal identification number", "tpin", "voicemail pin"),
		joined(pinWord, "zh", "暗証番号", "暗証", "핀번호", "핀 번호", "支付密码", "取款密码"),
		words(cvvWord, "", "cvv", "cvc", "cvv2", "cvc2", "cvn", "ccv", "security code on the back", "card security code", "prüfnummer", "kartenprüfnummer", "code on the back", "three digits on the back", "3 digits on the back", "crypto", "cryptogramme"),
		words(comboWord, "", "combo", "combination", "locker combo", "lock combo", "kombination", "combinaison", "combinación", "zahlenschloss", "locker combination", "safe combination"),

		words(doorWord, "", "gate", "door", "front door", "garage", "entry", "buzzer", "intercom", "locker", "safe", "vault", "keybox", "key box", "alarm", "tür", "haustür", "tor", "porte", "portail", "portón", "puerta", "cancello", "portão", "poort", "brama", "домофон", "подъезд", "deur"),

		// ids and documents
		words(idWord, "", "ssn", "social security", "social security number", "social security no", "soc sec", "my social", "your social", "his social", "her social", "ssn#", "itin", "ein", "tax id", "tax id number", "national id", "national id number", "id number", "id no", "id no.", "id card number",
			"nino", "ni number", "ni no", "national insurance", "national insurance number", "nhs", "nhs number", "nhs no", "utr",
			"steuer-id", "steuer id", "steueridentifikationsnummer", "steuernummer", "steuer-idnr", "idnr", "sozialversicherungsnummer", "sv-nummer", "svnr", "sv nummer", "rentenversicherungsnummer", "versicherungsnummer", "ahv", "ahv-nummer", "ahv nummer", "ahv-nr", "avs",
			"numéro de sécu", "numero de secu", "numéro de sécurité sociale", "n° sécu", "sécu", "nir", "insee", "numéro fiscal", "numéro national", "registre national",
			"dni", "nie", "nif", "cif", "número de la seguridad social", "nuss", "curp", "rfc", "rut", "cuil", "cuit", "cédula", "cedula", "nit",
			"codice fiscale", "cf", "cod. fisc.", "cod fiscale", "partita iva", "contribuinte", "niss", "cpf", "cnpj", "rg", "pis", "título de eleitor",
			"bsn", "burgerservicenummer", "sofinummer", "rijksregisternummer", "rrn", "insz",
			"pesel", "nip firmy", "regon", "personnummer", "personnr", "pers.nr", "personnumret", "samordningsnummer", "fødselsnummer", "fødselsnr", "fnr", "cpr", "cpr-nummer", "cpr nummer", "cpr-nr", "cpr nr", "hetu", "henkilötunnus", "kennitala", "isikukood",
			"инн", "снилс", "иин", "рнокпп", "іпн", "егн", "јмбг", "jmbg", "oib", "cnp", "emšo", "rodné číslo", "rč", "rodne cislo", "taj", "taj szám", "adóazonosító", "amka", "αμκα", "αφμ", "afm",
			"tc", "tc no", "tc kimlik", "tc kimlik no", "tckn", "kimlik no", "t.c.", "vergi no", "aadhaar", "aadhar", "adhaar", "aadhaar number", "aadhaar no", "aadhar no", "aadhar card", "pan", "pan card", "pan no", "pan number", "gstin", "voter id", "uan",
			"nric", "fin number", "mykad", "ic number", "ic no", "ktp", "nik", "nomor ktp", "cccd", "cmnd", "philhealth", "sss number", "tin number", "tfn", "tax file number", "medicare number", "medicare no", "ird number", "ird", "sin", "sin number", "social insurance number",
			"pps", "pps number", "ppsn", "nin", "bvn", "my id", "id#", "emirates id", "iqama", "cnic", "hkid"),
		joined(idWord, "", "身份证号码", "身份证号", "身份证", "身分證", "身份證", "マイナンバー", "個人番号", "주민등록번호", "주민번호", "외국인등록번호", "תעודת זהות", "ת.ז.", "ת.ז", "ת״ז", "מספר זהות", "رقم الهوية", "رقم البطاقة", "الرقم القومي", "کد ملی"),
		words(docWord, "", "passport", "passport number", "passport no", "passport no.", "passport #", "pasport", "driver's license", "drivers license", "driver license", "driving licence", "driving license", "driver's licence", "drivers licence",
			"license number", "licence number", "license no", "license #", "dl", "dl number", "dl no", "dl #", "green card", "green card number", "alien number", "a-number", "visa number", "global entry", "known traveler number", "ktn", "travel document",
			"reisepass", "reisepassnummer", "passnummer", "pass nr", "pass-nr", "ausweis", "ausweisnummer", "personalausweis", "personalausweisnummer", "perso", "führerschein", "führerscheinnummer", "aufenthaltstitel",
			"passeport", "numéro de passeport", "carte d'identité", "cni", "permis de conduire", "titre de séjour", "pasaporte", "número de pasaporte", "carnet de conducir", "licencia de conducir", "passaporto", "numero passaporto", "patente", "carta d'identità", "carta identità",
			"passaporte", "cnh", "carta de condução", "paspoort", "paspoortnummer", "rijbewijs", "paszport", "numer paszportu", "dowód", "dowód osobisty", "nr dowodu", "prawo jazdy", "pas", "körkort", "førerkort", "kørekort", "passi", "ajokortti", "паспорт", "паспорта", "загран",
			"загранпаспорт", "права", "водительское", "pasaport", "pasaport no", "ehliyet", "pas č", "občanka", "pașaport", "buletin", "útlevél", "διαβατήριο", "ταυτότητα", "paspor", "hộ chiếu", "ci series"),
		joined(docWord, "", "护照号", "护照", "護照", "驾照", "驾驶证", "パスポート番号", "パスポート", "旅券番号", "免許証番号", "免許証", "여권번호", "여권", "운전면허", "דרכון", "رقم الجواز", "جواز السفر", "جواز"),
		words(accountWord, "", "account", "acct", "a/c", "acc", "account number", "account no", "account no.", "acct no", "acct no.", "acct number", "acct #", "acc no", "acc number", "account #", "checking", "savings account", "checking account", "bank account", "bsb", "iban",
			"konto", "kontonummer", "kto", "kto-nr", "kontonr", "compte", "n° de compte", "numéro de compte", "rib", "cuenta", "número de cuenta", "clabe", "cbu", "conto", "numero di conto", "conta", "número da conta", "agência", "rekening", "rekeningnummer",
			"numer konta", "nr konta", "nr rachunku", "rachunek", "bankkonto", "clearingnr", "tili", "tilinumero", "счет", "счёт", "номер счета", "р/с", "рахунок", "hesap no", "hesap numarası", "číslo účtu", "cont", "bankszámla", "bankszámlaszám", "λογαριασμός", "no rekening", "norek", "nomor rekening", "số tài khoản", "stk", "routing", "routing number", "aba", "rtn", "sort code", "sortcode", "swift", "ifsc"),
		joined(accountWord, "", "账号", "帐号", "银行卡号", "卡号", "口座番号", "口座", "계좌번호", "계좌", "מספר חשבון", "رقم الحساب"),

		// numbers
		words(phoneWord, "", "call", "text", "txt", "phone", "tel", "telephone", "cell", "mobile", "mob", "number", "no.", "num", "dial", "ring", "fax", "whatsapp", "whats app", "wa", "signal", "viber", "imessage", "facetime", "sms", "landline", "reach me", "call me", "ph", "hp", "cel", "celu", "cell phone", "hotline", "helpline", "contact",
			"nummer", "handy", "handynummer", "telefon", "tel.", "mobil", "festnetz", "anrufen", "ruf", "numéro", "numero", "num de tel", "appelle", "appeler", "portable", "fixe", "téléphone", "número", "llámame", "apunta", "apunta:", "anota", "anotá", "apúntate", "marca", "márcame", "marcame", "llamame", "llama", "móvil", "movil", "teléfono", "telefono", "celular", "fono", "cellulare", "chiama", "chiamami", "telemóvel", "telefone", "liga", "zap", "ligar", "whats",
			"bel", "bellen", "gsm", "telefoonnummer", "mobiel", "numer", "numer telefonu", "zadzwoń", "zadzwon", "dzwoń", "tel kom", "telefonnummer", "nummeret", "numret", "puhelin", "puhelinnumero", "numeroni", "soita", "numero on", "номер", "телефон", "тел", "тел.", "мобильный", "позвони", "звони", "набери", "звоните", "дзвони", "подзвони", "numaram", "telefonum", "ara", "cep", "numarası", "číslo", "volej", "zavolej", "mobilní", "numărul", "sună", "hívj", "szám", "számom", "telefonszám", "κινητό", "τηλέφωνο", "nomor", "telp", "hubungi", "số", "sđt", "gọi", "no hp", "line", "broj", "zovi", "мобилен", "landlinenummer"),
		joined(phoneWord, "", "电话", "電話", "手机", "手機", "号码", "致电", "携帯", "전화번호", "전화", "번호", "핸드폰", "טלפון", "המספר", "נייד", "תתקשר", "رقمي", "رقم", "اتصل", "جوال", "موبايل", "โทร", "เบอร์", "फोन", "नंबर"),
		words(seedWord, "", "seed", "seed phrase", "seed phrases", "seedphrase", "recovery phrase", "secret phrase", "mnemonic", "backup phrase", "wallet words", "recovery words", "seed words", "metamask", "phantom", "ledger", "trezor", "wallet", "сид", "сид фраза", "сид-фраза", "мнемоника", "frase semilla", "phrase de récupération", "助记词"),
		words(coinWord, "", "btc", "bitcoin", "eth", "ethereum", "ltc", "litecoin", "usdt", "usdc", "sol", "solana", "xmr", "monero", "xrp", "ripple", "doge", "tron", "trx", "trc20", "crypto", "wallet", "phantom", "metamask", "ada", "cardano", "address", "addr", "coinbase", "binance", "кошелек", "кошелёк"),
		words(placeWord, "", "gps", "coordinates", "coords", "coord", "lat", "latitude", "location", "koordinaten", "coordonnées", "coordenadas", "coordinate", "координаты", "конум", "pin dropped", "dropped pin", "geo", "waypoint", "standort"),

		// what is not private
		words(otherWord, "", "zip code", "zipcode", "postal code", "post code", "postcode", "area code", "dress code", "country code", "promo code", "promotion code", "discount code", "coupon code", "voucher code", "referral code", "source code",
			"error code", "status code", "exit code", "exit status", "color code", "colour code", "tax code", "hs code", "qr code", "bar code", "barcode", "dial code", "dialing code", "dialling code", "gift code", "game code", "room code", "friend code", "creator code", "league code",
			"steam code", "jackbox code", "among us code", "party code", "lobby code", "code review", "code freeze", "code name", "code base", "codebase", "morse code", "invite code", "train no", "booking code",
			"phone number pad", "token ring", "token limit", "unlock level", "pin number phobia", "use code", "response code", "return code", "reason code", "http code", "fault code", "code page", "line of code", "lines of code", "code on line", "machine code", "python code", "java code", "character code", "key code", "keycode", "scan code", "language code", "product code", "item code", "product number",
			"código postal", "codigo postal", "cod postal", "codice postale", "code postal", "code promo", "code erreur", "codice sconto", "código de barras", "código promocional", "código de descuento", "cupón", "postleitzahl", "fehlercode", "rabattcode", "gutscheincode", "quellcode", "strichcode", "kod pocztowy", "kod rabatowy", "kod błędu", "kod kreskowy", "postnummer", "rabattkod", "felkod", "postikoodi", "alennuskoodi", "код ошибки", "исходный код", "промокод", "код товара", "код города", "номер заказа", "номер рейса", "posta kodu", "indirim kodu", "psč", "irányítószám", "kode pos", "kode promo", "kode error", "mã giảm giá", "sipariş", "zamówienie", "bestellnummer", "rechnungsnummer", "kundennummer", "auftragsnummer", "sendungsnummer", "kodak", "verify you", "verify your email", "verified in", "pincode of", "bestelling", "numer zamówienia", "numéro de commande", "número de pedido", "numero ordine", "número de rastreo", "numéro de suivi", "pass rush"),
		words(orderWord, "", "number of", "sequence number", "log sequence number", "version number", "line number", "random number", "pin number of", "account of", "order number", "order no", "order no.", "tracking number", "tracking no", "confirmation number", "case number", "ticket number", "invoice number", "model number", "serial number", "flight number", "room number", "part number", "train no", "order", "orders", "order #", "order id", "tracking", "invoice", "ticket", "case", "case #", "pnr", "isbn", "upc", "ean", "sku", "fedex", "ups", "usps", "dhl", "booking", "reservation", "confirmation", "ref", "reference", "serial", "model",
			"build", "commit", "revision", "bug", "epoch", "timestamp", "unix time", "seed", "po", "rfc", "population", "views", "steps", "id", "port", "pid", "process", "flight", "train", "room", "bestellung", "auftrag", "rechnung", "sendung", "commande", "facture", "colis", "pedido", "factura", "ordine", "fattura", "zamówienie", "заказ", "посылка", "трек", "pesanan", "resi", "rs", "rs.", "inr", "usd", "eur", "total", "price", "version", "kernel", "server id", "user id", "message id", "transaction", "txn", "part no", "part no.", "bug #", "issue", "launchpad"),
		joined(otherWord, "", "邮政编码", "邮编", "二维码", "优惠码", "订单号", "快递单号", "单号", "代码", "郵便番号", "注文番号", "주문번호", "우편번호", "송장번호", "車牌號", "車牌", "车牌"),
	)
}

// words makes entries that stand alone.
func words(c class, lang string, list ...string) (entries []entry) {
	for _, w := range list {
		entries = append(entries, entry{word: w, class: c, lang: lang})
	}
	return entries
}

// joined makes entries of scripts and languages without spaces between words.
func joined(c class, lang string, list ...string) (entries []entry) {
	for _, w := range list {
		entries = append(entries, entry{word: w, class: c, lang: lang, joins: true})
	}
	return entries
}

// merged joins lists of entries; a word that is in several has the classes and languages of all.
func merged(lists ...[]entry) (all []entry) {
	at := map[string]int{}
	for _, list := range lists {
		for _, e := range list {
			key := e.word
			if e.joins {
				key = "\x00" + key
			}
			if i, known := at[key]; known {
				all[i].class |= e.class
				if all[i].lang != e.lang {
					all[i].lang += " " + e.lang
				}
				continue
			}
			at[key] = len(all)
			all = append(all, e)
		}
	}
	return all
}

// copulas are the words between a word of a language and its value.
var copulas = map[string]map[string]bool{
	"":   set("is was are be 's ist est c'est c’est es è é lautet hai equals became nya е its it's it’s says reads"),
	"de": set("ist lautet heißt heisst wäre war sind"),
	"fr": set("est c'est c’est sera était cest"),
	"es": set("es será era sería és"),
	"it": set("è e' é sarà era"),
	"pt": set("é e será era eh"),
	"nl": set("is was wordt"),
	"pl": set("to brzmi"),
	"sv": set("är e var blir"),
	"no": set("er var blir"),
	"fi": set("on oli"),
	"et": set("on ir yra"),
	"ru": set("это такой такая будет был вот є е це"),
	"tr": set("budur şu şudur bu"),
	"cs": set("je byl bude bylo"),
	"ro": set("e este era"),
	"hu": set("az ez a"),
	"el": set("είναι ειναι"),
	"id": set("adalah nya itu yaitu ialah là la"),
	"lv": set("ir yra"),
	"th": set("คือ"),
	"sq": set("është eshte ni is"),
	"vi": set("là la"),
	"hi": set("है hai"),
	"he": set("היא הוא זה"),
	"ar": set("هي هو"),
	"ca": set("és es da"),
}

// isCopula reports whether a word connects a word of some languages with its value.
func isCopula(langs, w string) bool {
	if copulas[""][w] {
		return true
	}
	for lang := range strings.FieldsSeq(langs) {
		if copulas[lang][w] {
			return true
		}
	}
	return false
}

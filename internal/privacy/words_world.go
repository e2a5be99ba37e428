package privacy

import "slices"

// worldEntries are more words of many languages that introduce private values.
func worldEntries() []entry {
	return slices.Concat(
		// passwords
		words(passWord, "", "password's", "passwrd", "pasword", "pass-word", "mac password", "psk", "passw", "contrasena del wifi", "паролата", "шифрата", "паролю", "лозинката"),
		words(passWord, "nl", "paswoord", "wachtwoordje", "wifi-wachtwoord", "wifiwachtwoord"),
		words(passWord, "de", "wlan-passwort", "wlanpasswort", "wlan-kennwort", "passwörtchen", "pin/passwort", "netzwerkkennwort", "wifi-passwort"),
		words(passWord, "fr", "motdepasse", "mot-de-passe", "code wi-fi", "mots de pass"),
		words(passWord, "es", "contrasenia", "pasword", "contraseñita", "palabra clave"),
		words(passWord, "pt", "senhas", "senhazinha", "palavrapasse"),
		words(passWord, "pl", "hasełko", "haselko", "haslem", "hasłowifi"),
		words(passWord, "sv", "wifilösenord", "lösenordet"),
		words(passWord, "no", "wifipassord", "wifi-passord", "kodeordet", "kode ord"),
		words(passWord, "fi", "wifisalasana", "salasanani", "salasanamme"),
		words(passWord, "cs", "heslíčko", "heslom", "gesla"),
		words(passWord, "hu", "jelszavunk", "wifijelszó", "wifi jelszó"),
		words(passWord, "id", "sandinya", "kata sandinya", "passwordnya", "pw nya", "kata laluannya"),
		words(passWord, "tr", "şifremi", "şifrenin", "şifreyi", "parolayı"),
		words(passWord, "ro", "parolele", "parolei"),
		words(passWord, "et", "parooli"),
		words(passWord, "lv", "parole", "paroli", "slaptazodis", "slaptažodį"),
		words(passWord, "sq", "fjalëkalimi", "fjalekalimi", "focal faire", "pasvorto", "cyfrinair", "neno la siri", "nenosiri", "wagwoord", "iphasiwedi"),
		words(passWord, "hi", "పాస్\u200cవర్డ్", "ಪಾಸ್\u200cವರ್ಡ್", "പാസ്\u200cവേഡ്", "પાસવર્ડ", "ਪਾਸਵਰਡ", "পাসওয়ার্ড"),
		joined(passWord, "ar", "كلمه المرور", "كلمة سر", "الرمز السري", "پاسورڈ", "پاس ورڈ", "پسوورد", "رمز عبورم"),
		joined(passWord, "th", "รหัสไวไฟ", "รหัสผ่านไวไฟ", "รหัส wifi", "ពាក្យសម្ងាត់", "စကားဝှက်", "ລະຫັດຜ່ານ", "პაროლი", "գաղտնաբառ"),
		joined(passWord, "zh", "登录密码", "暗号", "パスワ", "비밀 번호"),
		// keys of wireless networks, only in texts that speak of one
		words(wifiKey, "", "key", "pass", "code", "the key", "clave", "clé", "clef", "schlüssel", "sleutel", "chiave", "chave", "kod", "kode", "код", "ключ", "ключ сети", "pk", "kunci", "klucz", "nyckel", "anahtar"),
		joined(wifiKey, "", "رمز", "كود", "کد", "קוד", "รหัส", "キー", "코드"),
		joined(wifiWord, "", "وای فای", "وایفای", "ไวไฟ", "วายฟาย", "וויי פיי", "वाईफाई", "वाई-फाई"),
		words(networkWord, "", "network", "netzwerk", "réseau", "rede", "rete", "netwerk", "sieć", "сеть", "nätverk", "router", "internet", "hotspot", "ssid"),
		words(loginWord, "", "melde dich mit", "meld dich mit", "meld dich an mit", "anmelden mit", "einloggen mit", "logg dich ein mit", "log je in met", "connecte-toi avec", "connecte toi avec", "inicia sesión con", "entra con", "accedi con", "entra com", "acede com", "zaloguj się",
			"войди", "зайди под", "zalogować się", "logga in med", "log ind med", "logg inn med", "giriş", "přihlaš se", "prihlás sa", "log on as", "log on with", "sign in as", "signin", "account login", "admin login"),

		// managers of passwords, whose master password follows
		words(passMaybe, "", "passwords", "master", "keepass", "bitwarden", "lastpass", "1password", "security answer", "secret answer", "security question"),
		words(passWord, "", "recovery passphrase"),
		joined(passWord, "ar", "الباسوورد", "باسوورد", "الباس"),

		words(orderWord, "", "ordernummer", "ordernr", "bestellnummer", "bestellnr", "bestelnummer", "numéro de commande", "n° de commande", "número de pedido", "nº de pedido", "numero ordine", "numero d'ordine", "numer zamówienia", "nr zamówienia", "sipariş", "sipariş no", "sipariş numarası", "tilausnumero", "číslo objednávky", "rendelési szám", "номер замовлення", "замовлення", "auftragsnummer", "rechnungsnummer", "sendungsnummer", "numéro de suivi", "número de seguimiento", "codice di tracciamento", "numer przesyłki", "trackingnummer", "kargo takip", "takip no", "objednávka", "rendelés", "comanda", "mã đơn", "đơn hàng", "nomor pesanan", "no pesanan"),
		joined(orderWord, "", "رقم الطلب", "الطلب", "الشحنة", "שילוח", "הזמנה", "מספר הזמנה", "ऑर्डर", "ออเดอร์", "คำสั่งซื้อ", "追跡番号", "伝票番号", "运单号", "物流单号", "订单", "訂單", "訂單編號", "운송장", "주문"),

		// codes
		words(codeWord, "", "digits i just got", "digit code", "6 digits", "six digits", "4 digits", "6-digit", "six-digit", "4-digit", "пришла смс", "смс с кодом", "sms-tan", "sms tan", "blik", "kod blik", "burglar alarm", "bike lock", "bike lock code", "padlock", "padlock code", "key safe", "keysafe", "keysafe code", "key safe code", "digi code", "door keypad", "front door keypad",
			"домофон", "код домофона", "код подъезда", "код от подъезда", "код от двери", "interfon", "interphone", "citofono", "codul de la interfon", "kaputelefon", "kapukód", "domofon", "kod domofonu", "sonnette code", "porttelefon", "ringeklokke", "θυροτηλέφωνο", "θυροτηλεφωνο", "zvonček", "zvonek", "telefonillo", "portero automático", "portero eléctrico", "portería", "interfono",
			"verifikasi", "kode verif", "kode wa", "kode masuk", "sms-koodi", "vahvistus", "kodė", "kodas", "kods", "κωδικός επιβεβαίωσης", "otp code", "one time passcode", "log-in code", "login-code", "auth-code", "confirmation pin", "safe pin", "door pin", "gate pin", "entry pin", "access pin", "vault code"),
		joined(codeWord, "", "رمز ورود", "رمز یکبار مصرف", "رمز پویا", "رمز دوم", "کد ورود", "کد فعال سازی", "رمز التفعيل", "كود التحقق", "开门密码", "门锁密码", "门密码", "取件码", "動態密碼", "認證碼", "驗證號碼", "현관 비번", "현관비번", "도어락", "승인번호", "暗証コード", "ロック番号", "キーボックス", "オートロック", "รหัสประตู"),
		words(codeWord, "", "callbox", "call box", "callbox number", "door entry", "buzzer code", "guard code", "steam guard", "sleutelkastje", "sleutelkluisje", "schlüsselkästchen", "portalkod", "kod do bramy", "kod do klatki"),
		joined(codeWord, "", "のコード", "공동현관", "현관번호", "暗証コード"),
		words(plainCode, "", "entsperren", "déverrouiller", "desbloquear", "desbloquea", "sbloccare", "ontgrendelen", "odblokować", "låsa upp", "разблокировать", "разблокировка"),
		words(doorWord, "", "disarm", "alarm disarm", "smart lock", "luggage lock", "під'їзд", "під'їзду", "підʼїзду"),
		joined(doorWord, "", "玄関", "현관"),
		words(cvvWord, "", "cid", "prüfziffer", "kontrollnummer", "kartenprüfziffer", "csc", "cód seg", "cod seg", "cryptogramme visuel", "güvenlik kodu", "код cvv", "cvv-код", "cvv код", "cvc-код"),
		words(pinWord, "", "पिन", "பின்", "পিন", "פין", "πιν", "pin do karty", "pin-koodi", "pin karty", "pin kartu", "pin kod", "pinkodu", "pin kodum", "pin-kód", "sim-pin", "pin bancomat", "pin del móvil", "pin del movil", "debit pin", "bank pin", "phone pin", "pin telefonu", "clave del cajero", "contraseña del cajero", "senha do cartão", "senha do cartao", "screen lock"),
		joined(pinWord, "", "رقم سري", "الرقم السرى", "پن کوڈ", "พิน", "ピン", "ピンコード", "핀", "锁屏密码"),
		words(doorWord, "", "türe", "haustüre", "wohnungstür", "eingang", "drzwi", "furtka", "klatka", "brána", "dveře", "dvere", "ajtó", "kapu", "ovi", "dør", "døren", "dörr", "dörren", "porten", "πόρτα", "είσοδος", "kapı", "калитка", "ворота", "дверь", "шлагбаум", "portal", "barrière", "barrera", "portone", "voordeur", "garagem", "garaje", "garagentor", "shed", "gym locker", "bike shed", "mailbox", "lock", "padlock", "shed lock", "storage unit", "schloss", "fahrradschloss", "schlüsseltresor", "schlüsselkasten", "schlüsselsafe", "tresor", "safe", "candado", "cadenas", "cadeado", "lucchetto", "kłódka", "slot", "hänglås", "замок", "сейф", "seif", "caja fuerte", "coffre", "cofre", "cassaforte", "kluis", "sejf", "trezor", "coffre-fort", "boîte à clés", "caja de llaves", "cassetta delle chiavi", "sleutelkluis", "to get in", "entrare", "para entrar", "pour entrer", "reinzukommen", "elevator", "lift", "aufzug", "parking", "parkhaus", "barrier", "schranke", "burglar alarm", "alarme", "alarma", "allarme", "сигнализация", "gate thing"),
		joined(doorWord, "", "现关", "大門", "门口", "שער", "דלת", "الباب", "البوابة", "در"),

		// ids and documents
		words(idWord, "", "social", "ss#", "ss number", "adhar", "adhar no", "adhar card", "adhaar card", "aadhar card no", "aadhaar card", "medicare", "medicare card", "medicare card number", "medicare id", "seguridad social", "número de afiliación", "nss", "n.s.s.", "imss", "cc", "c.c.", "documento", "cédula de ciudadanía", "cedula de ciudadania", "cédula de identidad", "ci", "c.i.", "dui", "pix", "chave pix", "rtn", "cui", "dpi", "run", "ruc", "rfc sat",
			"p.iva", "p. iva", "piva", "vat", "vat number", "vat no", "ust-id", "ustid", "ust-idnr", "siret", "siren", "nip", "nr nip", "numer nip", "ičo", "ico", "dič", "dic", "kvk", "btw-nummer", "btw nummer", "orgnr", "org.nr", "y-tunnus", "cvr",
			"pis/pasep", "nis", "titulo de eleitor", "cartão de cidadão", "cc nº", "número de utente", "nº utente", "nº contribuinte", "número de contribuinte", "número fiscal",
			"mitt pnr", "asmens kodas", "personas kods", "matične broj", "matični broj", "матичен број", "матични број", "ембг", "јмбг", "emso", "numri personal", "matricule", "жсн", "персональный номер", "ідентифікаційний код", "іпн код", "паспорт id", "taj-szám", "tajszám", "taj számom", "adóazonosító jel", "adószám",
			"fin kod", "pinfl", "jshshir", "регистр", "nida", "kitambulisho", "nid", "nid number", "nic number", "nic", "npwp", "no ktp", "no kk", "kartu keluarga", "căn cước", "số cmnd", "số cccd", "mã số thuế", "umid", "tin", "no ic", "ic saya", "ic", "kad pengenalan", "national number", "residence permit", "residency number", "civil id", "cpr number", "qid",
			"dni del", "numéro sécu", "num sécu", "num secu", "n° sécurité sociale", "sécurité sociale", "securite sociale", "rodné č", "r.č.", "r.c.", "аты", "steuerid", "steuer id nr", "steuer-nr", "sozialversicherungsnr", "sv nr", "sv-nr", "rv-nummer", "bürgergeld nummer", "ahv nr", "isik", "ik", "hetuni", "henkkari", "fødselsnr.", "persnr", "pers nr", "personnr.", "cpr-nr.", "kt.", "kt"),
		joined(idWord, "", "رقم الاقامة", "رقم الإقامة", "الإقامة", "الاقامة", "رقم هويتي", "هويتي", "الهوية", "الرقم الوطني", "الرقم المدني", "کدملی", "شماره ملی", "کد ملیم", "شناختی کارڈ", "เลขบัตรประชาชน", "เลขบัตร", "บัตรประชาชน", "统一编号", "統一編號", "居留证", "在留カード", "在留カード番号", "保険証番号", "保険証", "外国人登録番号", "주민등록", "사업자번호", "사업자등록번호", "מספר זהות שלי", "ת״ז שלי", "ת\"ז"),
		words(docWord, "", "member id", "membership number", "member number", "member no", "policy number", "policy no", "insurance number", "insurance id", "insurance no", "group number", "subscriber id", "patient number", "patient id", "mrn", "student id", "student number", "student no", "employee id", "employee number", "staff id", "health card", "health card number", "ohip", "carte vitale", "versichertennummer", "krankenversicherungsnummer", "patientennummer", "mitgliedsnummer", "polizza", "numero polizza", "número de póliza", "apólice", "numéro d'adhérent", "known traveller number", "redress number", "residence card", "id card",
			"perso nr", "persoausweis", "ausweis nr", "pass nummer", "n° passeport", "n° de passeport", "passeport n°", "nº pasaporte", "n° carte d'identité", "carte vitale n°", "permis", "licence no", "dl no.", "driver's licence number", "driving licence number", "паспорт серия", "серия", "серия и номер", "номер паспорта", "паспортные данные", "паспорта номер", "пасспорт", "паспортът", "лична карта", "лк", "osobna", "osobná", "občiansky", "občanský průkaz", "číslo občanky", "číslo pasu", "nr paszportu", "numer dowodu", "seria", "seria i numer", "ehliyet no", "pasaport numarası", "αριθμός διαβατηρίου", "ταυτότητας", "αριθμός ταυτότητας", "id-kort", "passnummer", "rijbewijsnummer", "paspoort nr", "id-kaart", "henkilökortti", "passin numero", "no passport", "nomor paspor", "sim", "no sim"),
		joined(docWord, "", "护照号码", "護照號碼", "驾驶证号", "驾照号", "社保号", "医保卡号", "學生證", "学号", "工号", "パスポートの番号", "運転免許証", "여권 번호", "운전면허번호", "학번", "사번", "رقم جواز", "رقم الرخصة", "שם דרכון", "מספר דרכון", "רישיון"),
		words(accountWord, "", "no rek", "no. rek", "rek", "nomer rekening", "cvu", "účet", "ucet", "číslo účtu", "cislo uctu", "bank account number", "acc.", "acct.", "acct no:", "a/c no", "a/c number", "ac no", "s/c", "sort", "blz", "bankleitzahl", "konto nr", "konto-nr", "konto nr.", "kontonr.", "kontonummer:", "bankszámlám", "számlaszám", "bank bca", "bank no", "n° compte", "numero cuenta", "nº de cuenta", "no de cuenta", "cta", "cta.", "nº conta", "conta corrente", "c/c", "c/c:", "conto corrente",
			"номер счёта", "расчетный счет", "лицевой счет", "рахунку", "номер рахунку", "банковская карта", "hesap numaram", "hesabım", "banka hesap", "nr. cont", "numar cont", "număr cont", "τραπεζικός λογαριασμός", "αριθμός λογαριασμού", "stk mb", "số tk", "stk vcb", "savings", "isa", "transit", "transit number", "institution number", "bankgiro", "plusgiro", "bg", "pg", "kontot", "tilinro", "tilinumeroni", "rekeningnr", "rek nr", "rek.nr", "ibani", "clearing", "clearingnummer", "reg", "reg nr", "reg.nr", "ag"),
		joined(accountWord, "", "银行账号", "銀行帳號", "帳號", "账户", "普通口座", "계좌 번호", "通帳", "通장", "رقم حسابي", "حسابي", "شماره حساب", "شماره شبا", "شبا", "آيبان", "ايبان", "חשבון בנק", "เลขบัญชี", "เลขที่บัญชี", "खाता नंबर", "खाता संख्या"),

		words(accountWord, "", "council tax", "council tax ref", "council tax reference"),
		joined(accountWord, "", "은행", "银行", "銀行"),
		words(idWord, "", "utr for self assessment", "self assessment", "chave aleatória", "chave aleatoria"),
		joined(idWord, "", "رقم قومي", "رقمي القومي", "رقم وطني", "आधार", "आधार नंबर", "आधार कार्ड", "পরিচয়পত্র", "এনআইডি"),
		words(docWord, "", "global entry id", "global entry number", "nexus number", "healthcard", "healthcard number", "versichertennr", "versicherten-nr", "versichertennr.", "krankenkassennummer", "cartão de cidadão", "número de cartão de cidadão", "license", "licence", "license plate", "licence plate", "number plate", "nummernschild", "kennzeichen"),

		words(mailWord, "", "dot com", "dot org", "dot net", "dot edu", "dot co", "dot de", "dot uk", "dot io", "dot me", "arroba", "punto com", "ponto com", "point com", "point fr", "punkt de", "punkt com", "gmail", "at gmail"),
		joined(mailWord, "", "(at)", "[at]", "(@)", "( at )", "[ at ]"),

		// numbers, among them those that payments go to
		words(phoneWord, "", "yape", "yapeame", "yapéame", "yapea", "plineame", "mera no", "my no", "ka no", "plin", "nequi", "daviplata", "bizum", "swish", "swisha", "vipps", "vippse", "mobilepay", "paynow", "gcash", "maya", "twint", "zelle", "venmo", "cash app", "cashapp", "upi", "paytm", "gpay", "google pay", "phonepe", "mbway", "mb way", "lydia", "wero", "satispay", "payid", "pay id", "bkash", "mpesa", "m-pesa", "m pesa", "payconiq", "tikkie", "blik na numer", "blik na telefon", "сбп", "сбер", "перевод по номеру", "paylah", "touch n go", "dana", "ovo", "gopay", "momo", "zalopay", "promptpay", "duitnow", "easypaisa", "jazzcash", "telebirr",
			"bell", "bell me", "buzz me", "mój nr", "nowy nr", "moj nr", "nr tel.", "nr telefonu", "mein nr", "neue nr", "nieuwe nr", "mitt nr", "landline", "house phone", "home phone", "work phone", "desk phone", "cellie", "my digits", "her digits", "his digits", "ring us on", "ring on", "reach us", "handynr", "handynr.", "telefonnr", "tel nr", "rufnummer", "durchwahl", "num", "mon num", "06", "mon tel", "telf", "telf.", "tlf", "tlf.", "tlfn", "tfno", "fijo", "fono", "numerito", "num.", "cellu", "numeretto", "telefoon", "mobieltje", "06-nummer", "komórka", "komórki", "stacjonarny", "komorka", "tel kom.", "mobilnummer", "mobilen", "mobiili", "gsm-numero", "gsm no", "cep no", "cep tel", "cepten", "ev telefonu", "сот", "сотовый", "моб", "моб.", "городской", "мобільний", "моб. тел", "телефонът", "telefonu", "mobil číslo", "pevná", "mobilom", "telefonul", "telefonszámom", "vezetékes", "σταθερό", "κινητο", "τηλ", "τηλ.", "telpon", "telepon", "no telp", "no tel", "no wa", "nomor wa", "nomer", "nombor", "nombor telefon", "số điện thoại", "đt", "sdt", "cp number", "cp no", "selpon", "simu", "namba", "namba ya simu", "foni"),
		joined(phoneWord, "", "打给我", "打給我", "联系电话", "聯絡電話", "联系方式", "微信同号", "固话", "座机", "かけて", "でんわ", "ケータイ", "携帯番号", "연락처", "폰번호", "집전화", "تليفون", "تلفون", "موبايلي", "جوالي", "اتصل بي", "كلمني", "شماره", "شماره تماس", "زنگ بزن", "تماس", "צלצל", "פלאפון", "הטלפון", "मोबाइल", "कॉल", "फ़ोन", "ফোন", "নম্বর", "โทรศัพท์", "มือถือ"),

		words(seedWord, "", "12 words", "24 words", "twelve words", "twenty-four words", "recovery seed", "seed words", "secret recovery phrase", "phrase", "my words", "12 wörter", "24 wörter", "wiederherstellungsphrase", "seed-phrase", "phrase de récup", "phrase secrète", "12 mots", "24 mots", "frase de recuperación", "palabras semilla", "12 palabras", "24 palabras", "mis palabras", "frase di recupero", "frase segreta", "12 parole", "24 parole", "frase de recuperação", "12 palavras", "24 palavras", "minhas 12 palavras", "fráze", "12 slov", "24 slov", "12 słów", "24 słowa", "fraza", "12 woorden", "24 woorden", "herstelzin", "12 слов", "24 слова", "12 kelime", "24 kelime", "kurtarma", "12 ord", "24 ord", "12 sanaa", "walletwords", "ledger words", "backup words"),
		joined(seedWord, "", "助记词", "助記詞", "恢复短语", "恢復短語", "助憶詞", "12个词", "24个词", "十二个词", "復元フレーズ", "リカバリーフレーズ", "シードフレーズ", "ニーモニック", "12単語", "24単語", "복구 문구", "복구문구", "시드 문구", "시드문구", "니모닉", "12단어", "عبارة الاسترداد"),
		words(placeWord, "", "grid ref", "grid reference", "os grid", "os ref", "mgrs", "utm", "plus code", "pluscode", "geocache", "pin drop", "koordinatet", "koordinater", "koordinater:", "koordinaadid", "koordynaty", "współrzędne", "souřadnice", "súradnice", "koordinatlar", "konum", "koordináták", "συντεταγμένες", "toạ độ", "tọa độ", "titik koordinat", "ubicación", "ubicacion", "ubicació", "posizione", "posição", "localização", "localisation", "position", "sijainti", "местоположение", "геолокация", "гео", "координати", "we're at", "i'm at", "estamos en", "sono qui", "estou em", "treffpunkt", "meet at", "parked at", "parked"),
		joined(placeWord, "", "坐标", "座標", "定位", "位置", "좌표", "위치", "موقعي", "الموقع", "إحداثيات", "מיקום", "נ״צ", "พิกัด"),
		words(postWord, "", "zip", "zip code", "zipcode", "full zip", "postal code", "post code", "postcode", "postal", "plz", "postleitzahl", "cp", "c.p.", "c.p", "code postal", "código postal", "codigo postal", "cep", "cap", "psč", "psc", "kode pos", "kodepos", "irsz", "irányítószám", "eircode", "pincode", "pin code", "индекс", "почтовый индекс", "індекс", "поштовий індекс", "posta kodu", "postnr", "postnummer", "postinumero", "ταχυδρομικός κώδικας", "τ.κ.", "τκ", "cod poștal", "cod postal", "kod pocztowy", "poskod", "mã bưu điện", "codice postale", "poštanski broj", "poštová", "пощенски код"),
		joined(postWord, "", "邮编", "邮政编码", "郵遞區號", "郵便番号", "〒", "우편번호", "מיקוד", "الرمز البريدي", "کد پستی", "รหัสไปรษณีย์", "पिनकोड"),
	)
}

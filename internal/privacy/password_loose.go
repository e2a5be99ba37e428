package privacy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/lazyregexp"
)

var (
	// replacedBy matches what a password was changed to, without a word for passwords.
	replacedBy = lazyregexp.New(`(?i)(?:\b(?:changed|set|reset|updated|switched) (?:it|that|mine|ours)(?: back)? to|\bauf|chang[ée]{1,2}e? (?:en|pour|par)|cambi(?:é|e|ado|ada|ata|ato|ato) (?:a|por|in|con)|mud(?:ei|ou) (?:para|pra)|меня(?:л|ла|ли) на|смени(?:л|ла|ли) на|zmieni(?:łem|łam) na|veranderd (?:in|naar)|ändrade till|endret (?:den )?til|değiştirdim) ([^\s\x00"'` + "`" + `,]{8,64})`)
	// ownName matches a password after the name that goes with it.
	ownName = lazyregexp.New(`(?i)\b(?:my|your|our|her|his|meine|mon|mi|mia|meu) (?:e-?mail|mail|username|user name|user|name|correo|adresse|nombre|nome)(?: address)? (?:and|/|&|with|und|et|y|e|en|,) ?([^\s\x00"'` + "`" + `,]{8,64})`)
	// apartFrom matches a word set apart from what a text says of passwords.
	apartFrom = lazyregexp.New(`(?i)(?:[,:/–—-] |[/:]|\b(?:use|with|and|try|its|it's|it’s|mit|avec|con|com|met|med|und|et|y|e|en|och|og|i|и|с|put|type|enter) )([^\s\x00"'` + "`" + `,]{8,64})`)
	// forService matches a password before what it is for, opens a password before or after what it opens, guess a password that
	// someone suggests, and userPair one after the name of a user that every system has.
	forService = lazyregexp.New(`(?i)\b(?:its|it's|it’s|is|use|try|still|ist|c'est|es|è|é)(?: still| now| just| prob\w*)? ([^\s\x00"'` + "`" + `,]{6,64}) (?:for|on|für|pour|para|per|na|do) (?:the |my |our |das |le |la |el |il |o )?([\p{L}+]+)`)
	opens      = lazyregexp.New(`(?i)\b(?:locked|protected|encrypted|unlocks?|unlocked|opens|(?:open|opens|opened)|verschlüsselt|gesichert|geschützt|protégé|protegido|protetto|chronione|защищен|запаролен)(?: it)? (?:with|by|mit|avec|par|con|com|da|z) ([^\s\x00"'` + "`" + `,]{6,64})`)
	guess      = lazyregexp.New(`(?i)(?:^|\n)(?:ok,? |so,? |hm+,? |maybe )?(?:try|use|maybe|its|it's|it’s|probier|versuch|essaie|prueba|prova|tenta|probeer|попробуй)(?: with)? ([^\s\x00"'` + "`" + `,]{8,64})(?:,? (?:or|oder|ou|o|of|или) ([^\s\x00"'` + "`" + `,]{8,64}))?(?:$|[\s.,;!?)])`)
	userPair   = lazyregexp.New(`(?i)\b(?:admin|root|administrator|guest|user|test) ?[/:|] ?([^\s\x00"'` + "`" + `,/]{6,64})(?:$|[\s,;.])`)
	// onNetwork matches the key of a network that a text speaks of.
	onNetwork = lazyregexp.New(`(?i)\b(?:use|try|type|enter|with|nimm|mit|prends|avec|usa|con|com|met) ([^\s\x00"'` + "`" + `,]{6,64})`)
	// unlocking matches what unlocks a screen.
	unlocking = lazyregexp.New(`(?i)\b(?:unlock(?: code)?|lock ?screen|screen lock|entsperren|sperrbildschirm|déverrouillage|desbloqueo|desbloquear|sblocco|desbloqueio|ontgrendelen|vergrendelscherm|odblokowania|разблокировки|ekran kilidi)(?: (?:my|the|our) \w+)?(?:'s|’s| is| ist| est| es| è| é| to| —|:| =)?:? ([^\s\x00"'` + "`" + `,]{6,64})`)
	// spaced matches a password after the name of a user that every system has, without a mark between.
	spaced = lazyregexp.New(`(?i)\b(?:admin|root|administrator) ([^\s\x00"'` + "`" + `,/]{8,64})(?:$|[\s,;])`)
	// asPassword matches a password before the word for passwords, as languages say it that put a verb before both.
	asPassword = lazyregexp.New(`(?i)([^\s\x00"'` + "`" + `,]{6,64}),? (?:as|als|comme|como|de|come|jako|som|olarak|как|як)(?: (?:the|my|our|das|le|mon|la|mi|il|a|o|minha|mijn|het|mot|contra|kata|il mio))? ?$`)
	// marked matches a password with marks in it at the end of a clause that is set apart.
	marks = lazyregexp.New(`[,:] ([\p{L}\d]+[!@#$%^&*+=~][\p{L}\d!@#$%^&*+=~]{2,})\s*(?:$|[\n,])`)
	// answer matches what a transfer of money or a forgotten password asks for.
	answer = lazyregexp.New(`(?i)\banswer(?:'s| is|:| =)? ?([^\s\x00"'` + "`" + `,]{6,64})`)
	// userOption matches the password in options of programs.
	userOption = lazyregexp.New(`(?:\bcurl\b[^\n]*? (?:-u|--user)[ =]?"?[^\s:"]+:|\b(?:mysql|mysqldump|mariadb)\b[^\n]*? -p|\b(?:sshpass|7z|unzip|zip)\b[^\n]*? -[pP] ?)([^\s"'\x00]{4,64})`)
	// product matches names of products and files, which mix letters and digits too.
	product = lazyregexp.New(`(?i)^(?:iphone|ipad|ipod|macbook|airpods|galaxy|pixel|windows|win|covid|ubuntu|debian|usb|html|http|mp[34]|ps[45]|xbox|rtx|gtx|core|ryzen|room|gate|flight|version|route|season|chapter|level|week|sheet|img|dsc|file|part|v)[-_ ]?\d\w*$`)
)

// loosePasswords finds passwords that stand apart from the words that speak of them, if nothing else looks like them: at least eight
// characters, with a digit, a small letter, and a capital or mark.
func (t *text) loosePasswords() (spans []span) {
	take := func(start int, strict bool) {
		start, end := t.valueAt(start)
		if end > start && strings.HasPrefix(t.s[end:], "!") && t.endsClause(end) {
			end++
		}
		v := t.s[start:end]
		if strict && !unmistakable(v) || strengthOf(v) == never || t.inURL(start, end) || strings.ContainsAny(v, "@\x00") && email.Get().MatchString(v) {
			return
		}
		spans = append(spans, span{start: start, end: end, value: v})
	}
	each := func(pattern *lazyregexp.Regexp, strict bool) {
		for _, at := range pattern.Get().FindAllStringSubmatchIndex(t.s, -1) {
			take(at[2], strict)
		}
	}
	if strings.Contains(t.s, " -") && (strings.Contains(t.s, "curl") || strings.Contains(t.s, "mysql") || strings.Contains(t.s, "mariadb") || strings.Contains(t.s, "sshpass") || strings.Contains(t.s, "zip ") || strings.Contains(t.s, "7z ")) {
		each(userOption, false)
	}
	if t.has(passWord) {
		for _, at := range marks.Get().FindAllStringSubmatchIndex(t.s, -1) {
			if v := t.s[at[2]:at[3]]; len(v) >= 8 && strengthOf(v) == strong && !t.inURL(at[2], at[3]) {
				spans = append(spans, span{start: at[2], end: at[3], value: v})
			}
		}
		for _, w := range t.words {
			if w.class&passWord == 0 {
				continue
			}
			if at := asPassword.Get().FindStringSubmatchIndex(t.s[:w.start]); at != nil {
				if v := t.s[at[2]:at[3]]; strengthOf(v) == strong && mixed(v) && !t.inURL(at[2], at[3]) {
					spans = append(spans, span{start: at[2], end: at[3], value: v})
				}
			}
		}
	}
	if t.digits == 0 {
		return spans
	}
	some, sure := t.mayBeLoose()
	if !some {
		return spans
	}
	strongOnes := func(pattern *lazyregexp.Regexp) {
		for _, at := range pattern.Get().FindAllStringSubmatchIndex(t.s, -1) {
			if start, end := t.valueAt(at[2]); end-start >= 6 && strengthOf(t.s[start:end]) == strong && mixed(t.s[start:end]) && !product.Get().MatchString(t.s[start:end]) && !strings.ContainsAny(t.s[start:end], "/\\.") {
				take(at[2], false)
			}
		}
	}
	if t.contains("lock", "encrypt", "protect", "opens", "protég", "protegido", "protetto", "schlüsselt", "gesichert", "geschützt", "chronione", "защищ", "запарол") {
		strongOnes(opens)
	}
	if t.contains("lock", "entsperr", "sperrbild", "ontgrendel", "vergrendel", "desbloque", "sblocco", "déverrouill", "odblokow", "разблокиров", "kilidi") {
		strongOnes(unlocking)
	}
	if t.contains("admin", "root", "guest", "user", "test") {
		strongOnes(userPair)
	}
	if t.contains("transfer", "interac", "security question", "secret question") {
		strongOnes(answer)
	}
	if t.has(wifiWord) {
		strongOnes(onNetwork)
	}
	if t.contains("capital", "caps", "uppercase", "lowercase", "all lower", "no spaces", "groß", "majuscule", "mayúscula", "maiuscol", "maiúscul", "hoofdletter") {
		strongOnes(guess)
	}
	if !sure {
		return spans
	}
	for _, at := range forService.Get().FindAllStringSubmatchIndex(t.s, -1) {
		if name := t.lower[at[4]:at[5]]; len(name) > 2 && (services[name] || between[name]) {
			take(at[2], true)
		}
	}
	for _, at := range guess.Get().FindAllStringSubmatchIndex(t.s, -1) {
		take(at[2], true)
		if at[4] >= 0 {
			take(at[4], true)
		}
	}
	each(replacedBy, true)
	each(ownName, true)
	each(spaced, true)
	if t.has(passWord|loginWord) || t.has(wifiWord|networkWord) && t.has(passMaybe|wifiKey) {
		for _, at := range apartFrom.Get().FindAllStringSubmatchIndex(t.s, -1) {
			_, end := t.valueAt(at[2])
			if !t.has(passWord|loginWord) && t.keyFollows(end) {
				continue // the name of the network
			}
			if t.endsClause(end) || t.lastWord(end) {
				take(at[2], true)
			}
		}
	}
	return spans
}

// contains reports whether a text contains one of several words in lower case.
func (t *text) contains(any ...string) bool {
	return slices.ContainsFunc(any, func(w string) bool { return strings.Contains(t.lower, w) })
}

// lastWord reports whether at most one word follows i.
func (t *text) lastWord(i int) bool { return len(strings.Fields(t.s[i:])) <= 1 }

// mayBeLoose reports whether a word of a text looks like a password by itself, and whether one is unmistakable.
func (t *text) mayBeLoose() (some, sure bool) {
	for i := 0; i < len(t.s); {
		start := i
		digits, letters := false, false
		for ; i < len(t.s) && t.s[i] > ' '; i++ {
			c := t.s[i]
			digits = digits || isDigit(c)
			letters = letters || c >= utf8.RuneSelf || isAlnum(c) && !isDigit(c)
		}
		if digits && letters && i-start >= 6 {
			v := strings.Trim(t.s[start:i], "\"'`.,;:()")
			if cut := strings.LastIndexAny(v, ":/|,"); cut >= 0 {
				v = v[cut+1:]
			}
			some = some || len(v) >= 6 && mixed(v) && strengthOf(v) == strong
			sure = sure || unmistakable(v)
		}
		i++
	}
	return some, sure
}

// unmistakable reports whether a word looks like a password whatever surrounds it.
func unmistakable(v string) bool {
	letters := strings.Trim(v, "!?.#*")
	return len(v) >= 8 && strengthOf(v) == strong && mixed(v) && strings.ContainsFunc(v, unicode.IsLower) &&
		(strings.ContainsFunc(v, unicode.IsUpper) || strings.ContainsAny(v, "!@#$%^&*?=+")) && !product.Get().MatchString(letters) && !strings.ContainsAny(v, "/\\.()")
}

// label returns the value of a line that says nothing but what a password is for, and the password: wifi password sunflower.
func (t *text) label(w hit) (start, end int) {
	from := strings.LastIndexByte(t.s[:w.start], '\n') + 1
	to := len(t.s)
	if n := strings.IndexByte(t.s[w.end:], '\n'); n >= 0 {
		to = w.end + n
	}
	after := strings.Fields(t.lower[w.end:to])
	if len(after) == 0 || len(after) > 3 || !t.labels(t.lower[from:w.start], from) {
		return 0, 0
	}
	if articles := after[:len(after)-1]; len(articles) > 0 && !t.has(wifiWord|networkWord) && !slices.ContainsFunc(articles, func(f string) bool { return services[f] && len(f) > 3 }) {
		return 0, 0 // the key of success
	}
	for _, f := range after[:len(after)-1] {
		if !between[strings.TrimRight(f, ":")] && !services[f] {
			return 0, 0
		}
	}
	start, end = t.valueAt(w.end + strings.LastIndex(t.s[w.end:to], " ") + 1)
	if rest := strings.TrimSpace(t.s[end:to]); rest != "" && rest != "!" {
		return 0, 0
	}
	v := t.s[start:end]
	if bare := strings.TrimRight(v, "!"); start <= w.end || len(bare) < 5 || strengthOf(bare) < weak || ordinary(bare) || predicate(bare) || talk[strings.ToLower(bare)] || !latin(v) || !latin(t.s[w.start:w.end]) || between[strings.ToLower(bare)] || t.startsWith(^class(0), start) || strings.ContainsFunc(bare, func(c rune) bool { return c == '\'' || c == '’' }) {
		return 0, 0
	}
	if strings.HasPrefix(t.s[end:], "!") {
		end++
	}
	return start, end
}

// labels reports whether the words before a password's word say only what it is for.
func (t *text) labels(before string, from int) bool {
	list := strings.Fields(before)
	network := false
	for _, w := range t.words {
		if w.class&(wifiWord|networkWord) != 0 && w.start >= from && w.end <= from+len(before) {
			network = true
		}
	}
	if len(list) > 8 || len(list) > 3 && !network {
		return false
	}
	for _, f := range list {
		f = strings.Trim(f, ":,-")
		if !network && !between[f] && !services[f] {
			return false
		}
	}
	return true
}

// services are things that people have passwords for.
var services = set("interac etransfer e-transfer zoom zip pdf mac pc phone computer tablet admin hulu disney disney+ prime hbo max peacock twitter tiktok snapchat paypal ebay discord xbox playstation psn nintendo bank work school uni email e-mail mail outlook teams slack github gitlab vpn nas server " +
	"the my our your guest guests family home house office upstairs downstairs airbnb hotel neu neue neues mein meine unser unsere das die mon ma le la notre nouveau mi el nuestra nueva mio mia il meu minha a o novo nova mijn ons het de moje mój min mitt vår benim yeni muj můj az a")

// talk are words that people say of passwords rather than use for them, in languages whose sentences need no verb between.
var talk = set("forgotten forgot please plz changed change needed again lol thanks anyone someone hacked resetted wrong incorrect invalid expired works worked working fails failed denied typo caps length rules manager generator " +
	"vergessen falsch geändert ändern bitte stimmt fehlt funktioniert geht nochmal notiert zurücksetzen oublié oubliée perdu changé incorrect invalide marche svp erroné réinitialisé olvidada olvidé cambiada cambió incorrecta funciona favor equivocada nuevamente " +
	"dimenticata dimenticato sbagliata cambiata scaduta errata funziona grazie favore esqueci esquecida errada mudou trocada incorreta funciona obrigado vergeten verkeerd gewijzigd klopt werkt fout kwijt alsjeblieft opnieuw zapomniałem zapomniałam złe zmienione działa niepoprawne proszę wygasło " +
	"zapomněl zapomněla špatné nefunguje změněno prosím nesprávné zabudol zlé glömt fel ändrat ändrad funkar stämmer snälla glemt feil endret virker forkert ændret takk tak unohtui unohdin väärin väärä vaihdettu toimi kiitos " +
	"unuttum yanlış değişti lütfen hatalı çalışmıyor uitat greșită gresita schimbată schimbata merge elfelejtettem rossz megváltozott kérlek hibás zaboravio zaboravila pogrešna promijenjena promenjena molim vale unustasin unustatud muudetud neteisingas pamiršau pakeistas nepareiza aizmirsu rangt gleymt gleymdi " +
	"lupa salah ganti diganti berubah dong sila silap tukar quên sai đổi nakalimutan mali palitan bhul galat badal plz")

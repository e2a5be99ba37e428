package privacy

import (
	"strings"

	"ventriloquist/internal/lazyregexp"
)

var (
	// sixDigits matches what most services send: six digits or more, together or by threes.
	sixDigits = lazyregexp.New(`\b(?:\d{6,8}|\d{3}-\d{3})\b`)
	// marked matches codes whose form says what they are.
	marked = lazyregexp.New(`\bG-\d{6}\b`)
	// typed matches codes that are entered on a keypad.
	typed = lazyregexp.New(`(?i)\b(?:punch|key|tap|type) in (\d{4,8})[#*]?(?:$|[ ,.!?\n])`)
	// keypad matches a code after a word for a door, if what follows is said of keypads.
	keypad = lazyregexp.New(`(?i)^(?: code)?[ :]{1,2}(\d{4,8})[#*]?,? (?:then|and|and then|followed by) (?:the )?(?:star|hash|pound|enter|hit|press|push|bell|green|ok|turn)\b`)
	// opening matches a code for what a text says to open with it.
	opening = lazyregexp.New(`(?i)(?:^|[^\p{L}])(?:needs?|wants|takes|opens? (?:with|on|by)|unlocks? with|punch|dial|press|geht mit|öffnet mit|aufgeht mit|mit|con|com|avec|met|fai|fais|faites|tape|marca|marcar|digita|toets|wpisz|slå|tast|набери|набрать) (\d{4,8})[#*]?(?:$|[^\w])`)
	// answered matches a code after a short question for it, or after a line of its own.
	answered = lazyregexp.New(`(?i)(?:\?+|\n)\s*(\d{6})\W*$`)
	// forWhom matches a code before the service that sent it.
	forWhom = lazyregexp.New(`(?i)^(\d{6}) (?:is )?(?:for|from) (?:the |my |your )?(\p{L}+)`)
	// soon matches a code with a word or two.
	soon  = lazyregexp.New(`(?i)^(\d{6})[ ,!.:-]{1,3}(?:fyi|that's it|thats it|thats the one|is it|it is|for u|for you|here|ok\??|now|quick|hurry|expires.*|just came.*|voilà|toma|ecco|bitte|hier|вот|держи)\W*$`)
	birth = lazyregexp.New(`^(?:(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:\d\d|(?:19|20)\d\d)|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))$`)
)

// afterReceived are words that may follow a code in the middle of a sentence; after others, a number counts things.
var afterReceived = set("is was that's thats for from as to quick right now again pls please ok and then dont don't within fyi an rein y e et und puis poi i en och og bekommen gekommen erhalten gekriegt ontvangen gekregen binnen bitte stp svp por pra come now it's its i dostałem geldi diye aaya aya mila nya ya")

// received finds codes that a text only says to have come, or to be used, and texts that are nothing but a code.
func (t *text) received() (spans []span) {
	take := func(start, end int) {
		spans = append(spans, span{start: start, end: end, value: digitsOf(t.s[start:end])})
	}
	if strings.Contains(t.s, "G-") {
		for _, at := range marked.Get().FindAllStringIndex(t.s, -1) {
			take(at[0], at[1])
		}
	}
	if strings.Contains(t.lower, " in ") {
		for _, at := range typed.Get().FindAllStringSubmatchIndex(t.s, -1) {
			take(at[2], at[3])
		}
	}
	for _, w := range t.words {
		if w.class&doorWord == 0 {
			continue
		}
		if at := keypad.Get().FindStringSubmatchIndex(t.s[w.end:]); at != nil {
			take(w.end+at[2], w.end+at[3])
		}
	}
	if t.has(doorWord | comboWord) {
		spans = append(spans, t.opened()...)
	}
	if t.digits < 6 {
		return apart(spans)
	}
	if at := forWhom.Get().FindStringSubmatchIndex(t.s); at != nil && (services[t.lower[at[4]:at[5]]] || between[t.lower[at[4]:at[5]]]) && !strings.HasSuffix(t.s[at[2]:at[3]], "000") {
		take(at[2], at[3])
	}
	if at := answered.Get().FindStringSubmatchIndex(t.s); at != nil && len(strings.Fields(t.s)) <= 7 && !strings.HasSuffix(t.s[at[2]:at[3]], "000") && !birth.Get().MatchString(t.s[at[2]:at[3]]) && !t.saidOtherwise(at[2:4]) {
		take(at[2], at[3])
	}
	if at := soon.Get().FindStringSubmatchIndex(t.s); at != nil {
		take(at[2], at[3])
	}
	for _, at := range sixDigits.Get().FindAllStringIndex(t.s, -1) {
		p := span{start: at[0], end: at[1], value: digitsOf(t.s[at[0]:at[1]])}
		if strings.HasSuffix(p.value, "000") || !standsAlone(t.s, p.start, p.end) || amount(t.s, p) || t.inURL(p.start, p.end) || overlaps(spans, p) || t.saidOtherwise(at) {
			continue
		}
		if birth.Get().MatchString(p.value) && (len(p.value) == 8 || t.sole(p)) {
			continue
		}
		if t.sole(p) && len(p.value) == 6 && t.s[p.start:p.end] == p.value || t.cameAs(p) {
			spans = append(spans, p)
		}
	}
	return spans
}

// opened finds codes of what a text says to open with them, and those at the end of a short text that says only what they open.
func (t *text) opened() (spans []span) {
	take := func(start, end int) {
		digits := t.s[start:end]
		if p := (span{start: start, end: end, value: digits}); !year.Get().MatchString(digits) && !strings.HasSuffix(digits, "000") && !amount(t.s, p) && t.mayFollowDoor(end) {
			spans = append(spans, p)
		}
	}
	for _, at := range opening.Get().FindAllStringSubmatchIndex(t.s, -1) {
		take(at[2], at[3])
	}
	for _, w := range t.words {
		if w.class&(doorWord|comboWord) == 0 || len(strings.Fields(t.s)) > 6 || w.end >= len(t.s) || t.s[w.end] != ' ' {
			continue
		}
		end := w.end + 1
		for end < len(t.s) && isDigit(t.s[end]) {
			end++
		}
		least := 4
		if strings.Contains(t.lower[w.start:w.end], "lock") || t.has(codeWord) {
			least = 3
		}
		if n := end - w.end - 1; n >= least && n <= 6 && strings.Trim(t.s[end:], "#* .!?\n") == "" {
			take(w.end+1, end)
		}
	}
	return spans
}

// mayFollowDoor reports whether what follows a number at i is none of the things that it counts.
func (t *text) mayFollowDoor(i int) bool {
	for i < len(t.s) && (t.s[i] == '#' || t.s[i] == '*') {
		i++
	}
	i = t.skipSpaces(i)
	return t.mayFollow(i) || t.lower[i:t.wordEnd(i)] == "auf" || t.lower[i:t.wordEnd(i)] == "in"
}

// sole reports whether a text is nothing but a part of it.
func (t *text) sole(p span) bool { return strings.Trim(t.s[:p.start]+t.s[p.end:], " \t\r\n.!?") == "" }

// cameAs reports whether a word next to a number says that it came or is to be entered.
func (t *text) cameAs(p span) bool {
	const before, after = 14, 24
	for _, w := range t.words {
		if w.class&cameWord == 0 {
			continue
		}
		if w.end <= p.start && p.start-w.end <= before && !strings.ContainsAny(t.s[w.end:p.start], "0123456789\n.;!?") && t.mayFollow(p.end) {
			return true
		}
		if w.start >= p.end && w.start-p.end <= after && !strings.ContainsAny(t.s[p.end:w.start], "0123456789\n.;!?") && t.mayFollow(p.end) {
			return true
		}
	}
	return false
}

// mayFollow reports whether what follows a number at i is none of the things that it counts.
func (t *text) mayFollow(i int) bool {
	if t.endsClause(i) {
		return true
	}
	i = t.skipSpaces(i)
	stop := t.wordEnd(i)
	return afterReceived[t.lower[i:stop]] || t.startsWith(cameWord, i)
}

// startsWith reports whether a word of a class begins at i.
func (t *text) startsWith(c class, i int) bool {
	for _, w := range t.words {
		if w.start == i && w.class&c != 0 {
			return true
		}
	}
	return false
}

// cameEntries are words that say that a code came or is to be entered.
func cameEntries() []entry {
	return append(
		words(cameWord, "", "texted me", "it texted me", "sent me", "they sent", "just sent", "sent", "it sent", "got", "i got", "just got", "received", "came thru", "comes through", "came through", "came in", "gave me", "it says", "shows", "here it is", "here you go", "try", "try this", "use", "enter", "type", "type in", "put in", "try with",
			"bekommen", "gekommen", "erhalten", "gekriegt", "kam", "kam gerade", "nimm", "probier", "versuch", "versuchs mit", "gib", "tipp", "reçu", "j'ai reçu", "ai reçu", "il m'a envoyé", "tape", "essaie", "essaye", "mets", "llegar", "mandar", "me mandaron", "recevoir", "receber", "ricevere", "otrzymałem", "says", "llegado", "me llegó", "llegó", "me llego", "llego", "ha llegado", "recibí", "prueba", "pon", "probá", "usa", "mete", "arrivato", "è arrivato", "mi è arrivato", "ho ricevuto", "prova", "metti", "inserisci",
			"chegou", "recebi", "veio", "mandaram", "tenta", "usa esse", "coloca", "põe", "kreeg", "gekregen", "ontvangen", "probeer", "vul in", "toets", "przyszło", "przyszedł", "przyszlo", "dostałem", "dostałam", "wpisz", "spróbuj", "fick", "fått", "kom", "testa", "slå", "fikk", "fik", "fått", "prøv", "tast", "tuli", "sain", "kokeile", "syötä", "пришло", "пришел", "пришёл", "прислали", "пришла", "введи", "попробуй", "набери", "прийшло", "прийшов", "надіслали", "спробуй",
			"geldi", "dene", "gir", "přišlo", "prišlo", "přišel", "zkus", "zadej", "prišiel", "a venit", "am primit", "primit", "încearcă", "kaptam", "jött", "próbáld", "írd be", "ήρθε", "μου ήρθε", "βάλε", "δοκίμασε", "dapat", "masuk", "dikirim", "coba", "masukin", "nhận được", "nhận", "nhập", "thử", "मिला", "आया", "aaya", "aya", "mila", "dala", "try kar", "sampai", "dobio", "dobila", "stiglo", "дойде", "получих", "gavau", "atėjo", "sain just", "saņēmu", "natanggap", "dumating"),
		joined(cameWord, "", "קיבלתי", "הגיע", "שלחו", "תנסה", "تقيد", "وصلني", "وصل", "جاني", "اجاني", "جالي", "جرب", "اكتب", "رسید", "اومد", "بزن", "届いた", "来た", "きた", "送られてきた", "入れて", "왔어", "왔는데", "왔다", "받았어", "입력", "收到", "发来", "發來", "收到了", "试试", "試試", "输入", "輸入", "ได้รับ", "ส่งมา")...)
}

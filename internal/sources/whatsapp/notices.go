package whatsapp

import (
	"slices"
	"strings"
	"unicode"
)

// Notices that appear under a sender's name, folded (see fold). Only a whole text is a notice: what a person wrote may begin
// like one.
var (
	// wholeNotices are complete; * stands for any text.
	wholeNotices = patterns(`live location shared; live location ended; waiting for this message; waiting for this message. this may take a while*;
		this message can't be displayed; this message can't be displayed here*; you blocked this contact; you blocked this contact. tap to *; you unblocked this contact; you unblocked this contact. tap to *;
		this business uses a secure service from *; this business works with other companies to manage this chat*; this business is now using a secure service *;
		this business account is now registered as a standard account*; this business account has now registered as a standard account*; this business account isn't verified*;
		your security code with * changed; your security code with * changed. *; you joined using this group's invite link; you created this group; * created this group; you were added; you're now an admin; you're no longer an admin;
		deine sicherheitsnummer für * hat sich geändert; deine sicherheitsnummer für * hat sich geändert. *; warte auf diese nachricht; warte auf diese nachricht. *; live-standort wird geteilt; live-standort wird nicht mehr geteilt; live-standort wird nicht länger geteilt;
		tu código de seguridad con * cambió; tu código de seguridad con * cambió. *; tu código de seguridad con * ha cambiado*; esperando el mensaje; esperando el mensaje. *;
		votre code de sécurité avec * a changé; votre code de sécurité avec * a changé. *; en attente de ce message; en attente de ce message. *;
		il tuo codice di sicurezza con * è cambiato; il tuo codice di sicurezza con * è cambiato. *; in attesa del messaggio; in attesa del messaggio. *;
		o seu código de segurança com * mudou*; seu código de segurança com * mudou*; o seu código de segurança com * foi alterado*; seu código de segurança com * foi alterado*; aguardando mensagem; aguardando mensagem. *;
		je beveiligingscode voor * is gewijzigd; je beveiligingscode voor * is gewijzigd. *; je beveiligingscode voor * is veranderd*; wachten op dit bericht; wachten op dit bericht. *;
		ваш код безопасности с * изменился*; ваш код безопасности с * изменён*; ожидание сообщения; ожидание сообщения. *; oczekiwanie na wiadomość; oczekiwanie na wiadomość. *`)

	// encryptedNotices begin the first sentence of the notice that a chat is encrypted; see isEncryption.
	encryptedNotices = beginnings(`messages and calls are end-to-end encrypted; messages to this chat and calls are now secured with end-to-end encryption; messages to this group are now secured with end-to-end encryption;
		messages you send to this chat and calls are now secured with end-to-end encryption; messages you send to this group are now secured with end-to-end encryption;
		nachrichten und anrufe sind ende-zu-ende-verschlüsselt; los mensajes y las llamadas están cifrados de extremo a extremo; los mensajes y las llamadas están cifrados;
		les messages et les appels sont chiffrés de bout en bout; les messages et les appels sont chiffrés; i messaggi e le chiamate sono crittografati end-to-end; i messaggi e le chiamate sono crittografati;
		as mensagens e chamadas são encriptadas; as mensagens e as chamadas são protegidas; as mensagens e ligações são protegidas; berichten en gesprekken worden end-to-end;
		сообщения и звонки защищены сквозным; повідомлення й дзвінки захищено наскрізним; wiadomości i połączenia są w pełni zaszyfrowane; mesajlar ve aramalar uçtan uca;
		zprávy a hovory jsou opatřeny koncovým; メッセージと通話はエンドツーエンド暗号化されています; 消息和通话都进行端到端加密; 訊息和通話經端對端加密; 메시지 및 전화는 종단간;
		ההודעות והשיחות מוצפנות; الرسائل والمكالمات مشفرة`)

	// learnMore ends the notice that a chat is encrypted.
	learnMore = []string{"learn more", "more info", "mehr erfahren", "mehr dazu", "más información", "en savoir plus", "scopri di più", "saiba mais", "saber mais", "meer infor" + "matie",
		"meer info", "подробнее", "докладніше", "więcej", "daha fazla bilgi", "více", "詳細", "了解更多", "瞭解詳情", "자세히 알아보기", "מידע נוסף", "لمعرفة المزيد", "معرفة المزيد"}

	// calls may be followed by a comma and what became of the call, which is a duration or one of callEnds.
	calls = phrases(`missed voice call; missed video call; missed group voice call; missed group video call; voice call; video call; group voice call; group video call; silenced voice call; silenced video call;
		verpasster sprachanruf; verpasster videoanruf; verpasster gruppenanruf; sprachanruf; videoanruf; llamada perdida; videollamada perdida; llamada de voz perdida; llamada de voz; videollamada;
		appel vocal manqué; appel vidéo manqué; appel manqué; appel vocal; appel vidéo; chiamata persa; videochiamata persa; chiamata vocale persa; chiamata vocale; videochiamata;
		chamada de voz perdida; chamada de vídeo perdida; ligação de voz perdida; ligação de vídeo perdida; gemiste spraakoproep; gemiste video-oproep; gemiste oproep; spraakoproep; video-oproep;
		пропущенный аудиозвонок; пропущенный видеозвонок; пропущенный голосовой вызов; пропущений аудіодзвінок; пропущений відеодзвінок; nieodebrane połączenie; nieodebrane połączenie głosowe;
		nieodebrane połączenie wideo; cevapsız sesli arama; cevapsız görüntülü arama; zmeškaný hovor; zmeškaný hlasový hovor; zmeškaný videohovor; 不在着信`)

	callEnds = phrases(`tap to call back; click to call back; no answer; answered on other device; answered on another device; declined; canceled; cancelled; missed; not answered; focus mode; silenced; on other device;
		zum zurückrufen tippen; tippe zum zurückrufen; keine antwort; auf anderem gerät angenommen; auf einem anderen gerät angenommen; abgelehnt; toca para devolver la llamada; sin respuesta; respondida en otro dispositivo; rechazada;
		appuyez pour rappeler; touchez pour rappeler; sans réponse; aucune réponse; tocca per richiamare; nessuna risposta; toque para retornar a ligação; toque para ligar de volta; sem resposta; não atendida;
		tik om terug te bellen; geen antwoord; нажмите, чтобы перезвонить; нет ответа`)

	// missed calls are a whole text only in these words; the other calls need an end.
	missed = []string{"missed", "silenced", "verpasst", "perdid", "manqué", "persa", "gemist", "пропущ", "nieodebran", "cevapsız", "zmeškan", "不在"}
)

// patterns returns the patterns of a list, each split at its asterisks, by their first byte; those that begin with an asterisk have none.
func patterns(list string) map[byte][][]string {
	split := make(map[byte][][]string)
	for pattern := range strings.SplitSeq(list, ";") {
		var parts []string
		for part := range strings.SplitSeq(strings.ToLower(strings.Join(strings.Fields(pattern), " ")), "*") {
			parts = append(parts, part)
		}
		first := anyByte
		if parts[0] != "" {
			first = parts[0][0]
		}
		split[first] = append(split[first], parts)
	}
	return split
}

// anyByte stands for the first byte of patterns that begin with an asterisk.
const anyByte byte = 0

// matches reports whether a whole text fits a pattern.
func matches(text string, pattern []string) bool {
	rest, found := strings.CutPrefix(text, pattern[0])
	if !found {
		return false
	}
	if len(pattern) == 1 {
		return rest == ""
	}
	for _, part := range pattern[1 : len(pattern)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return strings.HasSuffix(rest, pattern[len(pattern)-1])
}

// longestNotice is longer than any notice.
const longestNotice = 400

// isNotice reports whether a folded text is one that WhatsApp writes under a sender's name.
func isNotice(folded string) bool {
	if len(folded) > longestNotice || folded == "" {
		return false
	}
	fits := func(pattern []string) bool { return matches(folded, pattern) }
	if slices.ContainsFunc(wholeNotices[folded[0]], fits) || slices.ContainsFunc(wholeNotices[anyByte], fits) {
		return true
	}
	return isEncryption(folded) || isCall(folded)
}

// isEncryption reports whether a folded text is the notice that a chat is encrypted: a sentence about that, alone, or with others about
// WhatsApp, or with a link to more.
func isEncryption(folded string) bool {
	if !beginsWith(folded, encryptedNotices) || strings.ContainsAny(folded, "?!？！؟") {
		return false
	}
	end := strings.IndexAny(folded, ".。।")
	if end < 0 {
		end = len(folded)
	}
	if strings.ContainsAny(folded[:end], ",，،") || strings.Contains(folded[:end], "whatsapp") {
		return false
	}
	more := strings.Trim(folded[end:], ".。। ")
	return more == "" || strings.Contains(more, "whatsapp") ||
		slices.ContainsFunc(learnMore, func(words string) bool { return strings.HasSuffix(more, words) })
}

// isCall reports whether a folded text is the notice of a call.
func isCall(folded string) bool {
	call, end, hasEnd := strings.Cut(folded, ",")
	if !calls[strings.TrimSpace(call)] {
		return false
	}
	if hasEnd {
		end = strings.TrimSpace(end)
		return callEnds[end] || isDuration(end)
	}
	for _, word := range missed {
		if strings.Contains(call, word) {
			return true
		}
	}
	return false
}

// isDuration reports whether a text is a duration: "3 min", "1 hr 2 min", "1:02:33".
func isDuration(text string) bool {
	fields := strings.FieldsFunc(text, unicode.IsSpace)
	if len(fields) == 0 || len(fields) > 6 {
		return false
	}
	for i, field := range fields {
		number := strings.Trim(field, "0123456789:")
		switch {
		case field != "" && number == "":
		case i > 0 && strings.Trim(fields[i-1], "0123456789") == "" && len([]rune(strings.Trim(field, "."))) <= 9 && !strings.ContainsAny(field, ",!?"):
		case number != field && strings.IndexFunc(field, unicode.IsDigit) == 0 && len([]rune(number)) <= 4:
		default:
			return false
		}
	}
	return strings.IndexFunc(fields[0], unicode.IsDigit) == 0
}

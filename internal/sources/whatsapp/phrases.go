package whatsapp

import (
	"strings"
	"unicode/utf8"
)

// The texts that WhatsApp itself writes, folded (see fold), in its main languages. In an export with marks, such as an
// iPhone's, the marks identify most of them. The words are for what marks do not identify, and for files that lost their
// marks.
var (
	// attachedLabels precede the name of a file on an iPhone: <attached: 00000035-PHOTO.jpg>.
	attachedLabels = phrases(`attached; anhang; angehängt; adjunto; archivo adjunto; adjunt; pièce jointe; allegato; anexado; anexo;
		bijgevoegd; прикреплено; додано; załączono; eklendi; bifogat; bifogad; vedlagt; vedhæftet; liite; příloha; príloha; csatolva;
		atașare; atașat; επισυνάφθηκε; מצורף; المُرفق; مرفق; پیوست; پیوستہ; 附件; 添付ファイル; 첨부됨; đính kèm; แนบ; terlampir; dilampir;
		priloženo; अटैच किया गया; संलग्न केले; જોડાયેલ`)

	// attachedNotes follow the name of a file on Android: IMG-20240315-WA0001.jpg (file attached).
	attachedNotes = phrases(`file attached; datei angehängt; archivo adjunto; archivo adjuntado; fichier joint; file allegato;
		arquivo anexado; ficheiro anexado; bestand bijgevoegd; файл добавлен; файл додано; załączony plik; dosya ekli; bifogad fil;
		vedlagt fil; fil vedhæftet; liitetiedosto; soubor byl přiložen; súbor pripojený; fájl csatolva; fișier atașat;
		συνημμένο αρχείο; קובץ מצורף; الملف مرفق; 文件附件; 附件檔案; 添付ファイル有り; 파일 첨부됨; tệp đính kèm; ไฟล์ที่แนบ;
		file terlampir; fail dilampirkan; arxiu adjunt; datoteka u privitku; priložena datoteka; прикачен файл; прикачен фајл;
		फाइल संलग्न; फाइल अटैच कर दी गई है; फ़ाइल अटैच की गई; nakalakip na file; lêer aangeheg; skedë e ngjitur; pievienots fails; fail lisatud`)

	// omittedNotes appear alone on Android, in angle brackets, for what the export leaves out.
	omittedNotes = phrases(`media omitted; medien ausgeschlossen; medien weggelassen; medien ausgelassen; multimedia omitido; archivo omitido;
		adjunto omitido; médias omis; fichier omis; media omessi; media omesso; file omesso; mídia oculta; mídia omitida; arquivo de mídia oculto;
		ficheiro não revelado; ficheiro multimédia oculto; media weggelaten; bijlage weggelaten; без медиафайлов; файл пропущен; медиафайл отсутствует;
		медіа пропущено; без медіафайлів; pominięto multimedia; pliki pominięto; medya dahil edilmedi; medya atlanmış; medya çıkarıldı;
		media har utelämnats; media utelämnad; mediet er utelatt; medier udeladt; media jätettiin pois; média vynechány; média vynechané;
		hiányzó médiafájl; fișier media omis; conținut media omis; εξαίρεση πολυμέσων; המדיה לא נכללה; המדיה הושמטה; מדיה לא נכללה; מדיה הושמטה;
		تم استبعاد الوسائط; رسانه حذف شد; 省略多媒體檔案; 忽略多媒體檔; 媒体省略; 省略多媒体文件; メディアなし; メディアは含まれていません;
		미디어 파일을 생략한 대화내용; 미디어 파일 제외됨; 미디어 제외; bỏ qua media; tệp media bị bỏ qua; ไม่รวมไฟล์สื่อ; media tidak disertakan;
		media dikecualikan; मीडिया छोड़ा गया; मीडिया शामिल नहीं; view once message omitted; view once voice message omitted; view once photo omitted;
		view once video omitted; video note omitted; file not revealed; archivo no revelado; arquivo não revelado`)

	// omittedFiles appear on an iPhone for pictures, sounds and the like, omittedDocuments after the name of a document.
	omittedFiles = phrases(`image omitted; photo omitted; video omitted; audio omitted; voice message omitted; gif omitted; sticker omitted; contact card omitted; video note omitted;
		bild weggelassen; video weggelassen; audio weggelassen; gif weggelassen; sticker weggelassen; kontaktkarte ausgelassen; kontaktkarte weggelassen;
		imagen omitida; foto omitida; video omitido; vídeo omitido; audio omitido; gif omitido; sticker omitido; tarjeta de contacto omitida; contacto omitido;
		image absente; vidéo absente; audio omis; gif retiré; sticker omis; fiche contact manquante;
		immagine omessa; video omesso; audio omesso; gif esclusa; sticker non incluso; scheda contatto omessa;
		imagem não revelada; vídeo não revelado; ficheiro de áudio não revelado; gif não revelada; sticker não revelado; contacto não revelado;
		imagem ocultada; vídeo omitido; áudio ocultado; gif omitido; figurinha omitida; cartão do contato omitido;
		afbeelding weggelaten; video weggelaten; audio weggelaten; gif weggelaten; sticker weggelaten; contactkaart weggelaten;
		изображение отсутствует; видео отсутствует; аудио отсутствует; аудиофайл отсутствует; gif отсутствует; стикер не добавлен; карточка контакта отсутствует;
		зображення відсутнє; відео відсутнє; аудіо відсутнє; gif-анімацію пропущено; наклейку не додано; картка контакту відсутня;
		obrázek vynechán; video vynecháno; audio vynecháno; gif vynechán; nálepka vynechána; vizitka vynechána;
		pominięto obraz; pominięto film; pominięto nagranie audio; pominięto gif; pominięto naklejkę; pominięto wizytówkę;
		görüntü dahil edilmedi; video dahil edilmedi; ses dahil edilmedi; gif dahil edilmedi; çıkartma dahil edilmedi; kişi kartı dahil edilmedi;
		画像は含まれていません; ビデオは含まれていません; 音声は含まれていません; gifは含まれていません; スタンプは含まれていません; 連絡先カードを省略;
		忽略图片; 忽略视频; 忽略音频; 忽略 gif; 忽略表情; 已忽略图像; 略過圖片; 略過影片; 略過音訊; 이미지 생략됨; 동영상 생략됨; 오디오 생략됨; 스티커 생략됨;
		لم يتم إدراج الصورة; لم يتم إدراج الفيديوهات; لم يتم إدراج المقاطع الصوتية; لم يتم إدراج صورة gif; تم حذف الملصقات; لم يتم إدراج بطاقة جهة اتصال;
		ไม่มีรูปภาพ; วิดีโอถูกลบ; ไม่มีไฟล์เสียง; บัตรรายชื่อที่ละเว้น; ไม่มีสติกเกอร์; ละเว้น gif;
		đã bỏ qua hình ảnh; đã bỏ video; bỏ qua tệp âm thanh; bỏ qua thẻ liên lạc; đã bỏ sticker; đã bỏ qua ảnh gif;
		התמונה הושמטה; הסרטון הושמט; השמע הושמט; הודעה קולית הושמטה; המדבקה הושמטה`)
	omittedDocuments = phrases(`document omitted; dokument weggelassen; documento omitido; document manquant; documento omesso; documento não revelado;
		document weggelaten; документ отсутствует; документ пропущено; dokument vynechán; pominięto dokument; belge dahil edilmedi;
		ドキュメントは含まれていません; 忽略文档; 略過文件; 문서 생략됨; ละเว้นเอกสาร; đã bỏ qua tài liệu; لم يتم إدراج المستند; המסמך הושמט`)
	documentEndings = endings(omittedDocuments)

	// deletedByMe appear under the owner's name, deletedByOthers under any name.
	deletedByMe = phrases(`you deleted this message; du hast diese nachricht gelöscht; eliminaste este mensaje; has eliminado este mensaje;
		vous avez supprimé ce message; hai eliminato questo messaggio; você apagou esta mensagem; apagou esta mensagem; apagaste esta mensagem;
		je hebt dit bericht verwijderd; u hebt dit bericht verwijderd; вы удалили данное сообщение; вы удалили это сообщение; ви видалили це повідомлення;
		usunięto tę wiadomość; bu mesajı sildiniz; bu mesajı sildin; tuto zprávu jste smazal/a; du raderade det här meddelandet; du slettede denne besked;
		du slettet denne meldingen; poistit tämän viestin; törölted ezt az üzenetet; ai șters acest mesaj; διαγράψατε αυτό το μήνυμα; מחקת הודעה זו; מחקת את ההודעה הזו;
		حذفت هذه الرسالة; لقد حذفت هذه الرسالة; このメッセージを削除しました; 您已刪除此訊息; 你已删除此消息; 您已删除此消息; 您删除了这条消息; 이 메시지를 삭제했습니다; 회원님이 이 메시지를 삭제했습니다;
		bạn đã xóa tin nhắn này; bạn đã xoá tin nhắn này; คุณได้ลบข้อความนี้; anda menghapus pesan ini; आपने यह मैसेज डिलीट किया है; आपने यह मैसेज डिलीट कर दिया`)
	deletedByOthers = phrases(`this message was deleted; message deleted; diese nachricht wurde gelöscht; se eliminó este mensaje; este mensaje fue eliminado; este mensaje se eliminó;
		ce message a été supprimé; questo messaggio è stato eliminato; esta mensagem foi apagada; essa mensagem foi apagada; mensagem apagada;
		dit bericht is verwijderd; данное сообщение удалено; это сообщение удалено; сообщение удалено; це повідомлення було видалено; це повідомлення видалено;
		ta wiadomość została usunięta; wiadomość została usunięta; bu mesaj silindi; tato zpráva byla smazána; táto správa bola odstránená; det här meddelandet raderades; denne besked blev slettet;
		denne meldingen ble slettet; tämä viesti poistettiin; ez az üzenet törölve lett; acest mesaj a fost șters; αυτό το μήνυμα διαγράφηκε; הודעה זו נמחקה; ההודעה נמחקה;
		تم حذف هذه الرسالة; このメッセージは削除されました; 此訊息已刪除; 此消息已删除; 已删除此消息; 이 메시지는 삭제되었습니다; 삭제된 메시지입니다;
		tin nhắn này đã bị xóa; ข้อความนี้ถูกลบแล้ว; pesan ini telah dihapus; यह मैसेज डिलीट कर दिया गया; यह मैसेज डिलीट किया गया`)
	// deletedByAdmin is followed by the admin's name.
	deletedByAdmin = beginnings(`this message was deleted by admin; diese nachricht wurde von admin; diese nachricht wurde vom admin; ce message a été supprimé par l'admin;
		esta mensagem foi apagada por um admin; questo messaggio è stato eliminato dall'amministratore; dit bericht is verwijderd door beheerder`)

	// editedNotes end an edited message, in angle brackets.
	editedNotes = phrases(`this message was edited; message edited; diese nachricht wurde bearbeitet; nachricht bearbeitet; se editó este mensaje; mensaje editado;
		este mensaje fue editado; ce message a été modifié; message modifié; questo messaggio è stato modificato; messaggio modificato; mensagem editada;
		esta mensagem foi editada; dit bericht is bewerkt; сообщение изменено; данное сообщение изменено; повідомлення змінено; wiadomość edytowana; tę wiadomość edytowano; bu mesaj düzenlendi;
		zpráva byla upravena; meddelandet har redigerats; beskeden blev redigeret; meldingen ble redigert; viestiä muokattiin; az üzenet szerkesztve lett; הודעה זו נערכה; ההודעה נערכה; تم تعديل هذه الرسالة;
		このメッセージは編集されました; 此訊息已編輯; 此消息已编辑; 消息已编辑; 이 메시지는 수정되었습니다; tin nhắn này đã được chỉnh sửa; pesan ini telah diedit; यह मैसेज एडिट किया गया`)

	// polls begin with the word for poll.
	polls = phrases(`poll; umfrage; encuesta; sondage; sondaggio; enquete; sondagem; peiling; опрос; опитування; ankieta; anket; anketa; סקר; アンケート; 投票; 투표`)

	// places precede the link of a place.
	places = phrases(`location; standort; ubicación; localisation; position; posizione; localização; locatie; местоположение; місцезнаходження; lokalizacja; położenie; konum; poloha; plats; placering; posisjon; sijainti;
		helyzet; locație; τοποθεσία; מיקום; الموقع; 位置情報; 位置; 위치; vị trí; lokasi; live location; live-standort`)

	// groupWords occur in notices about groups: that one was created, named or left.
	groupWords = []string{"group", "grupo", "gruppe", "groupe", "gruppo", "groep", "grup", "групп", "груп", "skupin", "csoport", "ryhm", "ομάδα",
		"קבוצה", "مجموعة", "गुट", "ग्रुप", "グループ", "群组", "群組", "그룹", "nhóm", "กลุ่ม", "betreff", "asunto", "subject"}
)

// phrases returns the phrases of a list, folded.
func phrases(list string) map[string]bool {
	set := make(map[string]bool)
	for phrase := range strings.SplitSeq(list, ";") {
		set[fold(phrase)] = true
	}
	return set
}

// byByte are phrases by their first byte, or by their last one.
type byByte [256][]string

// beginnings returns the phrases of a list, folded, by their first byte.
func beginnings(list string) *byByte {
	var p byByte
	for phrase := range phrases(list) {
		p[phrase[0]] = append(p[phrase[0]], phrase)
	}
	return &p
}

// endings returns phrases, each behind a space, by their last byte.
func endings(phrases map[string]bool) *byByte {
	var p byByte
	for phrase := range phrases {
		last := phrase[len(phrase)-1]
		p[last] = append(p[last], " "+phrase)
	}
	return &p
}

// fold makes all spellings of a phrase equal: without marks, in lower case, with plain spaces, without a final period.
func fold(text string) string {
	if !isFolded(text) {
		text = strings.ToLower(strings.Join(strings.Fields(withoutMarks(text)), " "))
	}
	return strings.TrimRight(text, ".。 ")
}

// isFolded reports whether a text has only ASCII without capitals, and single spaces between its words.
func isFolded(text string) bool {
	space := true
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c == ' ' && space || c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			return false
		}
		space = c == ' '
	}
	return !space
}

// beginsWith reports whether a folded text begins with one of some phrases.
func beginsWith(text string, list *byByte) bool {
	if text == "" {
		return false
	}
	for _, phrase := range list[text[0]] {
		if strings.HasPrefix(text, phrase) {
			return true
		}
	}
	return false
}

// withoutMarks returns a text without the direction marks that WhatsApp puts around names and notices.
func withoutMarks(text string) string {
	if isASCII(text) {
		return text
	}
	return strings.Map(func(c rune) rune {
		if isMark(c) {
			return -1
		}
		return c
	}, text)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// strangers are files and folders that people give to collect and that hold no messages, or not in a form that is read.
var strangers = []struct {
	is           func(h *sources.Head) bool
	what, advice string
}{
	{begins("<calls"), "a backup of calls of SMS Backup & Restore, without messages", "collect the backup of messages, sms-….xml, instead"},
	{begins("BEGIN:VCARD"), "an address book (vCards), without messages", "`vqctl contacts suggest --address-book FILE` reads it"},
	{holds("calls-", ".xml"), "a backup of calls of SMS Backup & Restore, without messages", "collect the backup of messages, sms-….xml, instead"},
	{holds("msgstore", ".crypt"), "an encrypted backup of WhatsApp", "decrypt it with a tool such as wa-crypt-tools and your key, and collect the msgstore.db; or export the chats in WhatsApp"},
	{named("msgstore", ".crypt"), "an encrypted backup of WhatsApp", "decrypt it with a tool such as wa-crypt-tools and your key, and collect the msgstore.db; or export the chats in WhatsApp"},
	{named("", ".backup"), "an encrypted backup of Signal for Android", signalAdvice},
	{holds("signal-", ".backup"), "a folder with encrypted backups of Signal for Android", signalAdvice},
	{begins(`"encryptedKey"`), "the settings of Signal Desktop, without messages", "collect the folder that holds it"},
	{begins("chatlog__message"), "a chat of DiscordChatExporter in HTML", "export it again in the format JSON"},
	{begins("AuthorID,Author,Date,Content"), "a chat of DiscordChatExporter in CSV", "export it again in the format JSON"},
	{begins("Guild: Direct Messages\n"), "a chat of DiscordChatExporter in plain text", "export it again in the format JSON"},
	{begins("Conversation: "), "a conversation of sigtop in text", "export it again with `sigtop export-messages -f json`"},
	{begins("_a706"), "a chat of Messenger or Instagram in HTML", "download your information again, in the format JSON"},
	{begins("카카오톡"), "a chat of KakaoTalk", otherAdvice},
	{begins("KakaoTalk Chats"), "a chat of KakaoTalk", otherAdvice},
	{begins("[LINE]"), "a chat of LINE", otherAdvice},
	{begins(`"MessageList"`), "an export of Skype or Teams", otherAdvice},
	{begins(`"conversation_state"`), "an export of Hangouts", otherAdvice},
	{named("hangouts", ".json"), "an export of Hangouts", otherAdvice},
	{begins("%PDF-"), "a PDF", "its messages have lost their form: export them again in another format, such as iMazing's CSV"},
	{named("", ".mbox"), "a mailbox, without chats", "`vqctl sources` lists what is read"},
	{holds("", ".vcf"), "a folder with address books (vCards), without messages", "`vqctl contacts suggest --address-book FILE` reads them"},
}

const signalAdvice = "collect the folder of Signal Desktop instead, linked to your phone: ~/.config/Signal, or ~/Library/Application Support/Signal on a Mac"

const otherAdvice = "it is not read; `vqctl sources` lists what is, and plain JSON lines, which other programs can write, are among it"

// unknown returns the error of a source in no known format.
func unknown(h *sources.Head) error {
	for _, s := range strangers {
		if s.is(h) {
			return usererr.With(fmt.Errorf("%s is %s", h.Path, s.what), "%s", s.advice)
		}
	}
	return nil
}

// begins recognizes a file by a text near its beginning.
func begins(text string) func(*sources.Head) bool {
	const far = 4 << 10
	return func(h *sources.Head) bool { return bytes.Contains(h.Text[:min(len(h.Text), far)], []byte(text)) }
}

// holds recognizes a folder or a zip by the name of a file in it.
func holds(prefix, extension string) func(*sources.Head) bool {
	return func(h *sources.Head) bool {
		for _, name := range h.Names {
			if isNamed(name, prefix, extension) {
				return true
			}
		}
		return false
	}
}

// named recognizes a file by its name.
func named(prefix, extension string) func(*sources.Head) bool {
	return func(h *sources.Head) bool { return !h.Dir && isNamed(h.Path, prefix, extension) }
}

func isNamed(path, prefix, extension string) bool {
	name := strings.ToLower(filepath.Base(filepath.ToSlash(path)))
	return strings.HasPrefix(name, prefix) && strings.HasPrefix(filepath.Ext(name), extension)
}

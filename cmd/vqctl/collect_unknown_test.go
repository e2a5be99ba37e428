package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ventriloquist/internal/sources/iosbackup"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/whatsappdb/whatsappdbtest"
	"ventriloquist/internal/usererr"
)

// What holds no messages is named for what it is.
func TestFindFormat_NamesWhatHoldsNoMessages(t *testing.T) {
	t.Parallel()
	write := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	archive := write("backup.zip", "")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, name := range []string{"calls-20240315.xml", "sms-20240315.xml"} {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if z.Close() != nil || f.Close() != nil {
		t.Fatal("the zip cannot be written")
	}
	for path, want := range map[string]string{
		write("calls.xml", "<?xml version='1.0'?>\n<calls count=\"1\"><call number=\"1\"/></calls>"):     "a backup of calls",
		write("people.txt", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Zoë\r\nEND:VCARD\r\n"):                     "an address book",
		filepath.Dir(write("people.vcf", "BEGIN:VCARD\n")):                                               "a folder with address books",
		write("signal-2024-03-15.backup", "\x00"):                                                        "an encrypted backup of Signal",
		filepath.Dir(write("signal-2024-03-15-19-02-00.backup", "\x00")):                                 "a folder with encrypted backups of Signal",
		write("config.json", `{"encryptedKey": "7631"}`):                                                 "the settings of Signal Desktop",
		write("d.html", "<html><body><div class=chatlog><div class=chatlog__message-group>"):             "a chat of DiscordChatExporter in HTML",
		write("d.csv", "AuthorID,Author,Date,Content,Attachments,Reactions\n"):                           "a chat of DiscordChatExporter in CSV",
		write("John.txt", "Conversation: John (+15550000001)\n\nFrom: John\nType: incoming\n"):           "a conversation of sigtop in text",
		write("message_1.html", `<html><body><div class="_a706">John</div>`):                             "in HTML",
		write("k.txt", "John 님과 카카오톡 대화\n저장한 날짜 : 2024년 3월 15일 오후 7:02\n"):                               "a chat of KakaoTalk",
		write("l.txt", "[LINE] Chat history with John\n"):                                                "a chat of LINE",
		write("s.json", `{"userId": "8:aidan", "conversations": [{"id": "8:john", "MessageList": []}]}`): "an export of Skype",
		write("Hangouts.json", `{"conversations": []}`):                                                  "an export of Hangouts",
		write("Messages - John.pdf", "%PDF-1.4\n"):                                                       "a PDF",
		archive:                              "a backup of calls",
		write("msgstore.db.crypt15", "\x01"): "an encrypted backup of WhatsApp",
	} {
		if _, err := findFormat("", path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) || usererr.Of(err) == "" {
			t.Errorf("%s: error %v, want %s", path, err, want)
		}
	}
}

// WhatsApp's databases are told from Apple's, and found in an iPhone's backup.
func TestFindFormat_DatabasesOfWhatsApp(t *testing.T) {
	t.Parallel()
	android := sourcetest.Database(t, "msgstore.db", whatsappdbtest.Android, "")
	for path, want := range map[string]string{android: "whatsapp-db", filepath.Dir(android): "whatsapp-db", writeChat(t): "imessage"} {
		if kind, err := findFormat("", path); err != nil || kind.name != want {
			t.Errorf("%s is %v (%v)", path, kind, err)
		}
	}
	backup := t.TempDir()
	id := iosbackup.FileID(whatsAppFile.Domain, whatsAppFile.Path)
	apple, err := os.ReadFile(sourcetest.Database(t, "ChatStorage.sqlite", whatsappdbtest.IPhone,
		`INSERT INTO ZWACHATSESSION (Z_PK, ZCONTACTJID) VALUES (1, '15550000001@s.whatsapp.net'); INSERT INTO ZWAMESSAGE (Z_PK, ZCHATSESSION, ZISFROMME, ZMESSAGETYPE, ZMESSAGEDATE, ZSTANZAID, ZTEXT) VALUES (1, 1, 0, 0, 732222120, 'K', 'hey')`))
	if err != nil {
		t.Fatal(err)
	}
	o := collectOptions{source: backup, format: "whatsapp-db", dataDir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(backup, "Manifest.plist"), []byte("<plist><dict/></plist>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := runCollect(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "without WhatsApp") {
		t.Errorf("error is %v", err)
	}
	place := filepath.Join(backup, id[:2], id)
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(place, apple, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := runCollect(t.Context(), o, &out); err != nil || !strings.Contains(out.String(), "1 message") {
		t.Errorf("printed %s (%v)", out.String(), err)
	}
}

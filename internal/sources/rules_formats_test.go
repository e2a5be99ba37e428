package sources_test

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/androidsms"
	"ventriloquist/internal/sources/discord"
	"ventriloquist/internal/sources/googlechat"
	"ventriloquist/internal/sources/googlevoice"
	"ventriloquist/internal/sources/imazing"
	"ventriloquist/internal/sources/imessageexporter"
	"ventriloquist/internal/sources/jsonl"
	"ventriloquist/internal/sources/meta"
	"ventriloquist/internal/sources/signal"
	"ventriloquist/internal/sources/slack"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/telegram"
	"ventriloquist/internal/sources/telegramhtml"
	"ventriloquist/internal/sources/whatsapp"
)

// said is a message by John, without a date if its time is zero.
type said struct {
	at   time.Time
	text string
}

// format writes the same messages as one program does.
type format struct {
	name string
	// files are the files of an export with these messages, by their names.
	files func(list []said) map[string]string
	read  func(t testing.TB, path string) (*sourcetest.Sink, error)
	// dated reports whether a message may lack a date: in the others, the date begins or names a message.
	dated bool
	began bool // whether dates from before the program existed are refused
}

// reads returns what reads exports with a format's Open, for an owner with these names.
func reads[R sources.Reader](open func(string, sources.Reading) (R, error), own ...string) func(t testing.TB, path string) (*sourcetest.Sink, error) {
	return func(t testing.TB, path string) (*sourcetest.Sink, error) {
		t.Helper()
		return sourcetest.ReadFile(t, open, path, append(own, "Aidan")...)
	}
}

// each joins what is written for each message.
func each(list []said, separator string, write func(n int, s said) string) string {
	var parts []string
	for i, s := range list {
		parts = append(parts, write(i+1, s))
	}
	return strings.Join(parts, separator)
}

// or returns a date in a form, or what a program writes where there is none.
func (s said) or(form, none string) string {
	if s.at.IsZero() {
		return none
	}
	return s.at.Format(form)
}

func (s said) milli() int64 {
	if s.at.IsZero() {
		return 0
	}
	return s.at.UnixMilli()
}

var formats = []format{
	{"jsonl", func(list []said) map[string]string {
		return map[string]string{"chats.jsonl": each(list, "", func(_ int, s said) string {
			return fmt.Sprintf("{\"chat\": \"John\", \"time\": %s, \"name\": \"John\", \"text\": \"%s\"}\n", s.or(`"2006-01-02T15:04:05Z"`, "null"), s.text)
		})}
	}, reads(jsonl.Open), true, false},
	{"whatsapp", func(list []said) map[string]string {
		return map[string]string{"WhatsApp Chat with John.txt": each(list, "", func(_ int, s said) string { return s.at.Format("02/01/2006, 15:04") + " - John: " + s.text + "\n" })}
	}, reads(whatsapp.Open), false, true},
	{"telegram", func(list []said) map[string]string {
		return map[string]string{"result.json": "{\"name\": \"John\", \"type\": \"personal_chat\", \"id\": 200, \"messages\": [\n" + each(list, ",\n", func(n int, s said) string {
			return fmt.Sprintf(`{"id": %d, "type": "message", "date": "%s", "date_unixtime": "%d", "from": "John", "from_id": "user200", "text": "%s"}`, n, s.or("2006-01-02T15:04:05", "1970-01-01T00:00:00"), s.milli()/1000, s.text)
		}) + "\n]}\n"}
	}, reads(telegram.Open), true, true},
	{"telegram-html", func(list []said) map[string]string {
		return map[string]string{"messages.html": "<!DOCTYPE html>\n<html><head><title>Exported Data</title></head><body><div class=\"page_wrap\"><div class=\"page_header\"><div class=\"content\"><div class=\"text bold\">John</div></div></div><div class=\"page_body chat_page\"><div class=\"history\">\n" +
			each(list, "\n", func(n int, s said) string {
				return fmt.Sprintf(`<div class="message default clearfix" id="message%d"><div class="body"><div class="pull_right date details" title="%s">x</div><div class="from_name">John</div><div class="text">%s</div></div></div>`,
					n, s.or("02.01.2006 15:04:05 UTC+00:00", ""), s.text)
			}) + "</div></div></div></body></html>\n"}
	}, reads(telegramhtml.Open), true, true},
	{"meta", func(list []said) map[string]string {
		list = slices.Clone(list)
		slices.Reverse(list) // the newest message comes first
		return map[string]string{"message_1.json": `{"participants": [{"name": "John"}, {"name": "Aidan"}], "messages": [` + each(list, ",\n", func(_ int, s said) string {
			return fmt.Sprintf(`{"sender_name": "John", "timestamp_ms": %d, "content": "%s"}`, s.milli(), s.text)
		}) + `], "title": "John", "is_still_participant": true, "thread_path": "inbox/john_1"}`}
	}, reads(meta.Open), true, true},
	{"discord", func(list []said) map[string]string {
		return map[string]string{"john.json": `{"guild": {"id": "0", "name": "Direct Messages"}, "channel": {"id": "77", "type": "DirectTextChat", "name": "john"}, "messages": [` + each(list, ",\n", func(n int, s said) string {
			return fmt.Sprintf(`{"id": "%d", "type": "Default", "timestamp": "%s", "content": "%s", "author": {"id": "200", "name": "john", "nickname": "John", "isBot": false}, "attachments": [], "stickers": [], "reactions": []}`,
				n, s.or(time.RFC3339, "0001-01-01T00:00:00+00:00"), s.text)
		}) + `], "messageCount": 3}`}
	}, reads(discord.Open, "200"), true, true},
	{"slack", func(list []said) map[string]string {
		return map[string]string{"users.json": `[{"id": "U1", "name": "aidan", "profile": {"real_name": "Aidan"}}, {"id": "U2", "name": "john", "profile": {"real_name": "John"}}]`,
			"dms.json": `[{"id": "D1", "created": 1, "members": ["U1", "U2"]}]`, "channels.json": "[]",
			"D1/2024-03-15.json": "[" + each(list, ",\n", func(n int, s said) string {
				return fmt.Sprintf(`{"type": "message", "user": "U2", "text": "%s", "ts": "%d.%06d"}`, s.text, s.milli()/1000, n)
			}) + "]"}
	}, reads(slack.Open), false, true},
	{"google-chat", func(list []said) map[string]string {
		return map[string]string{"Google Chat/Users/User 1/user_info.json": `{"user": {"name": "Aidan", "email": "aidan@example.org", "user_type": "Human"}}`,
			"Google Chat/Groups/DM 1/group_info.json": `{"members": [{"name": "John", "email": "john@example.org", "user_type": "Human"}, {"name": "Aidan", "email": "aidan@example.org", "user_type": "Human"}]}`,
			"Google Chat/Groups/DM 1/messages.json": `{"messages": [` + each(list, ",\n", func(n int, s said) string {
				return fmt.Sprintf(`{"creator": {"name": "John", "email": "john@example.org", "user_type": "Human"}, "created_date": "%s", "text": "%s", "message_id": "1/%d/%d"}`, s.or("Monday, January 2, 2006 at 3:04:05 PM UTC", ""), s.text, n, n)
			}) + "]}"}
	}, reads(googlechat.Open), true, true},
	{"google-voice", func(list []said) map[string]string {
		return map[string]string{"Takeout/Voice/Calls/John - Text - 2024-03-15T19_02_00Z.html": "<?xml version=\"1.0\" ?>\n<html><head><title>John</title></head><body><div class=\"hChatLog hfeed\">\n" + each(list, "\n", func(_ int, s said) string {
			return fmt.Sprintf(`<div class="message"><abbr class="dt" title="%s">x</abbr>: <cite class="sender vcard"><a class="tel" href="tel:+12125550101"><span class="fn">John</span></a></cite>: <q>%s</q></div>`, s.or("2006-01-02T15:04:05.000Z07:00", ""), html.EscapeString(s.text))
		}) + "</div></body></html>\n"}
	}, reads(googlevoice.Open), true, true},
	{"imessage-exporter", func(list []said) map[string]string {
		return map[string]string{"+12125550101.txt": each(list, "", func(_ int, s said) string {
			return s.at.Format("Jan 02, 2006  3:04:05 PM") + "\n+12125550101\n" + s.text + "\n\n"
		})}
	}, reads(imessageexporter.Open), false, true},
	{"imazing", func(list []said) map[string]string {
		return map[string]string{"Messages - John.csv": "Chat Session,Message ID,Message Date,Delivered Date,Read Date,Edited Date,Deleted Date,Service,Type,Sender ID,Sender Name,Status,Replying to,Subject,Text,Reactions,Attachment,Attachment type\r\n" +
			each(list, "", func(n int, s said) string {
				return fmt.Sprintf("John,M%d,%s,,,,,iMessage,Incoming,+12125550101,John,Read,,,\"%s\",,,\r\n", n, s.or(time.DateTime, ""), s.text)
			})}
	}, reads(imazing.Open), true, true},
	{"android-sms", func(list []said) map[string]string {
		return map[string]string{"sms-1.xml": "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count=\"" + strconv.Itoa(len(list)) + "\">\n" + each(list, "\n", func(_ int, s said) string {
			return fmt.Sprintf(`<sms protocol="0" address="+12125550101" date="%d" type="1" subject="null" body="%s" contact_name="John" />`, s.milli(), s.text)
		}) + "\n</smses>\n"}
	}, reads(androidsms.Open), true, true},
	{"sigtop", func(list []said) map[string]string {
		return map[string]string{"John (+12125550101).json": "[\n" + each(list, ",\n", func(n int, s said) string {
			return fmt.Sprintf(`{"id": "m%d", "conversationId": "c", "type": "incoming", "sent_at": %d, "timestamp": %d, "body": "%s"}`, n, s.milli(), s.milli(), s.text)
		}) + "\n]\n"}
	}, reads(signal.OpenSigtop), false, true},
}

package whatsapp_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/whatsapp"
	"ventriloquist/internal/usererr"
)

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, whatsapp.Open, path, own...)
}

// want reads a chat of this name and holds its messages against the expected ones.
func want(t *testing.T, name, content string, lines ...string) *sourcetest.Sink {
	t.Helper()
	path := sourcetest.Write(t, name, content)
	if head, err := sources.ReadHead(path); err != nil || !whatsapp.Recognize(head) {
		t.Errorf("%s is not recognized (%v)", name, err)
	}
	s, err := read(t, path, "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, lines...)
	return s
}

func members(t *testing.T, s *sourcetest.Sink, group bool, members ...string) {
	t.Helper()
	chat := s.Messages[0].Chat
	if chat.Group != group || !slices.Equal(chat.Members, members) {
		t.Errorf("the chat is %+v", chat)
	}
}

const iPhone = "\u200e[3/15/24, 7:02:03\u202fPM] John Smith: \u200eMessages and calls are end-to-end encrypted. No one outside of this chat, not even WhatsApp, can read or listen to them.\r\n" +
	"[3/15/24, 7:02:03\u202fPM] John Smith: hey: you there?\r\n" +
	"[3/15/24, 7:02:40\u202fPM] Aidan: yes\r\n\r\nboth of us \u2068@John\u2069\r\n" +
	"\u200e[3/15/24, 7:03:05\u202fPM] Aidan: \u200e<attached: 00000003-PHOTO-2024-03-15-19-03-05.jpg>\r\n" +
	"\u200e[3/15/24, 7:03:10\u202fPM] Aidan: Some file.txt \u200e<attached: 00000004-Some file.txt>\r\n" +
	"\u200e[3/15/24, 7:03:11\u202fPM] John Smith: Resume.pdf • \u200e2 pages \u200edocument omitted\r\n" +
	"\u200e[3/15/24, 7:03:12\u202fPM] John Smith: \u200eimage omitted\r\n" +
	"\u200e[3/15/24, 7:03:13\u202fPM] John Smith: look at him \u200e<attached: 00000007-VIDEO-2024-03-15-19-03-13.mp4>\r\n" +
	"\u200e[3/15/24, 7:04:00\u202fPM] John Smith: \u200eThis message was deleted.\r\n" +
	"\u200e[3/15/24, 7:04:01\u202fPM] Aidan: \u200eYou deleted this message.\r\n" +
	"[3/15/24, 7:05:00\u202fPM] Aidan: better now \u200e<This message was edited>\r\n" +
	"\u200e[3/15/24, 7:06:00\u202fPM] John Smith: \u200eLocation: https://maps.google.com/?q=51.5021456,-0.127397\r\n" +
	"[3/15/24, 7:06:30\u202fPM] John Smith: Pimlico Gardens (London): https://foursquare.com/v/4e89af95e5fa82ad4c0aa03b\r\n" +
	"\u200e[3/15/24, 7:07:00\u202fPM] John Smith: \u200ePOLL:\r\nLunch?\r\n\u200eOPTION: Pizza (\u200e1 vote)\r\n\u200eOPTION: Soup (\u200e0 votes)\r\n\r\n" +
	"\u200e[3/15/24, 7:08:00\u202fPM] Aidan: \u200eMissed voice call, \u200eTap to call back\r\n" +
	"\u200e[3/15/24, 7:09:00\u202fPM] Aidan: \u200e<attached: 00000015-TR.vcf>\r\n" +
	"\u200e[3/15/24, 7:09:30\u202fPM] Aidan: \u200e<attached: 00000016-AUDIO-2024-03-15-19-09-30.opus>\r\n" +
	"[3/16/24, 12:00:00\u202fAM] John Smith: midnight\r\n" +
	"[3/16/24, 12:00:00\u202fPM] John Smith: [15/03, 19:02] Aidan: yes"

func TestRead_iPhone(t *testing.T) {
	s := want(t, "_chat.txt", iPhone,
		"2024-03-15 19:02:03 John Smith text: hey: you there?",
		"2024-03-15 19:02:40 me text: yes||both of us @John",
		"2024-03-15 19:03:05 me image: 00000003-PHOTO-2024-03-15-19-03-05.jpg",
		"2024-03-15 19:03:10 me document: 00000004-Some file.txt",
		"2024-03-15 19:03:11 John Smith document: Resume.pdf",
		"2024-03-15 19:03:13 John Smith video: 00000007-VIDEO-2024-03-15-19-03-13.mp4",
		"2024-03-15 19:03:13 John Smith text: look at him",
		"2024-03-15 19:05:00 me text: better now",
		"2024-03-15 19:06:00 John Smith location: https://maps.google.com/?q=51.5021456,-0.127397",
		"2024-03-15 19:06:30 John Smith location: Pimlico Gardens (London)",
		"2024-03-15 19:07:00 John Smith text: Lunch?|Pizza|Soup",
		"2024-03-15 19:09:00 me contact: 00000015-TR.vcf",
		"2024-03-15 19:09:30 me audio: 00000016-AUDIO-2024-03-15-19-09-30.opus",
		"2024-03-16 00:00:00 John Smith text: midnight",
		"2024-03-16 12:00:00 John Smith text: [15/03, 19:02] Aidan: yes")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 2, sources.Deleted: 2, sources.Omitted: 1, sources.Continued: 6})
	members(t, s, false, "John Smith")
	if p := s.Messages[2].Parts[0]; p.File.Path != p.Text || p.File.Root == "" || s.Messages[4].Parts[0].File.Path != "" {
		t.Errorf("the photo is %+v", p)
	}
	if len(s.Left) != 1 || !s.Messages[4].Partial || s.Messages[3].Partial || s.Messages[2].Parts[0].Attachment == "" {
		t.Errorf("left out are %+v", s.Left)
	}
}

func TestRead_AndroidGroupInGerman(t *testing.T) {
	s := want(t, "WhatsApp-Chat mit Wandern (1).txt",
		"15.03.24, 19:00 - Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Niemand außerhalb dieses Chats kann sie lesen.\n"+
			"15.03.24, 19:00 - Zoë hat die Gruppe „Wandern: Harz“ erstellt.\n"+
			"15.03.24, 19:01 - Zoë hat dich hinzugefügt.\n"+
			"15.03.24, 19:02 - Zoë: Wer kommt mit?\nSonntag, 8 Uhr\n"+
			"15.03.24, 19:03 - Aidan: <Medien ausgeschlossen>\n"+
			"15.03.24, 19:03 - Aidan: \u200eIMG-20240315-WA0001.jpg (Datei angehängt)\n"+
			"15.03.24, 19:04 - +49 171 1234567: PTT-20240315-WA0002.opus (Datei angehängt)\nhört mal\n"+
			"15.03.24, 19:05 - \u202a+49\u00a0171\u00a01234567\u202c: Diese Nachricht wurde gelöscht.\n"+
			"15.03.24, 19:06 - Zoë: Standort: https://maps.google.com/?q=51.8,10.6\n"+
			"15.03.24, 19:06 - Zoë: <Medien ausgeschlossen>\nder Weg\n"+
			"15.03.24, 19:07 - ~ Dicle: bin dabei <Diese Nachricht wurde bearbeitet.>\n"+
			"15.03.24, 19:07 - Zoë hat den Betreff von „Wandern: Harz“ zu „Wandern: Brocken“ geändert.\n"+
			"15.03.24, 19:08 - Zoë: null\n"+
			"15.03.24, 19:09 - Zoë:\n",
		"2024-03-15 19:02:00 Zoë text: Wer kommt mit?|Sonntag, 8 Uhr",
		"2024-03-15 19:03:00 me image: IMG-20240315-WA0001.jpg",
		"2024-03-15 19:04:00 +49 171 1234567 audio: PTT-20240315-WA0002.opus",
		"2024-03-15 19:04:00 +49 171 1234567 text: hört mal",
		"2024-03-15 19:06:00 Zoë location: https://maps.google.com/?q=51.8,10.6",
		"2024-03-15 19:06:00 Zoë text: der Weg",
		"2024-03-15 19:07:00 Dicle text: bin dabei")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 4, sources.Deleted: 1, sources.Omitted: 2, sources.Continued: 3, sources.Empty: 1})
	members(t, s, true, "Zoë", "+49 171 1234567", "Dicle")
	if source := s.Messages[0].Chat.Source; source != "whatsapp Wandern" {
		t.Errorf("it is known as %q", source)
	}
}

// How phones of many countries write a quarter past two in the afternoon, and half past midnight, of the 5th of March.
func TestRead_TimesOfManyCountries(t *testing.T) {
	for name, c := range map[string]struct{ afternoon, midnight string }{
		"AmericaAndroid":   {"3/5/24, 2:15 PM - ", "3/15/24, 12:30 AM - "},
		"AmericaNarrow":    {"3/5/24, 2:15\u202fPM - ", "3/15/24, 12:30\u202fAM - "},
		"AmericaiPhone":    {"[3/5/24, 2:15:00 PM] ", "[3/15/24, 12:30:00 AM] "},
		"BritainAndroid":   {"05/03/2024, 14:15 - ", "15/03/2024, 00:30 - "},
		"BritainTwelve":    {"05/03/2024, 2:15 pm - ", "15/03/2024, 12:30 am - "},
		"BritainiPhone":    {"[05/03/2024, 14:15:00] ", "[15/03/2024, 00:30:00] "},
		"Germany":          {"05.03.24, 14:15 - ", "15.03.24, 00:30 - "},
		"GermanyiPhone":    {"[05.03.24, 14:15:00] ", "[15.03.24, 00:30:00] "},
		"France":           {"05/03/2024 à 14:15 - ", "15/03/2024 à 00:30 - "},
		"SpainTwelve":      {"5/3/24, 2:15 p. m. - ", "15/3/24, 12:30 a. m. - "},
		"MexicoiPhone":     {"[05/03/24, 2:15:00 p.m.] ", "[15/03/24, 12:30:00 a.m.] "},
		"Brazil":           {"05/03/2024 14:15 - ", "15/03/2024 00:30 - "},
		"Netherlands":      {"05-03-2024 14:15 - ", "15-03-2024 00:30 - "},
		"NetherlandsPhone": {"[05-03-2024 14:15:00] ", "[15-03-2024 00:30:00] "},
		"Sweden":           {"2024-03-05 14:15 - ", "2024-03-15 00:30 - "},
		"Finland":          {"5.3.2024 klo 14.15 - ", "15.3.2024 klo 0.30 - "},
		"Indonesia":        {"05/03/24 14.15 - ", "15/03/24 00.30 - "},
		"Hungary":          {"2024. 03. 05. 14:15 - ", "2024. 03. 15. 0:30 - "},
		"CanadaInFrench":   {"[2024-03-05, 14 h 15 min 00 s] ", "[2024-03-15, 00 h 30 min 00 s] "},
		"Japan":            {"2024/03/05 14:15 - ", "2024/03/15 0:30 - "},
		"JapanTwelve":      {"[2024/03/05 午後2:15:00] ", "[2024/03/15 午前0:30:00] "},
		"China":            {"[2024/3/5 下午2:15:00] ", "[2024/3/15 凌晨12:30:00] "},
		"Taiwan":           {"2024/3/5 下午2:15 - ", "2024/3/15 上午12:30 - "},
		"Korea":            {"2024. 3. 5. 오후 2:15 - ", "2024. 3. 15. 오전 12:30 - "},
		"KoreaShort":       {"24. 3. 5. 오후 2:15 - ", "24. 3. 15. 오전 12:30 - "},
		"KoreaLong":        {"2024년 3월 5일 오후 2:15 - ", "2024년 3월 15일 오전 12:30 - "},
		"ChinaLong":        {"2024年3月5日 下午2:15 - ", "2024年3月15日 上午12:30 - "},
		"Bulgaria":         {"5.03.24 г., 14:15 ч. - ", "15.03.24 г., 0:30 ч. - "},
		"BulgariaiPhone":   {"[5.03.24 г., 14:15:00 ч.] ", "[15.03.24 г., 0:30:00 ч.] "},
		"Macedonia":        {"5.3.24, во 14:15 - ", "15.3.24, во 0:30 - "},
		"Bosnia":           {"5. 3. 2024. u 14:15 - ", "15. 3. 2024. u 0:30 - "},
		"Ukraine12":        {"05.03.24, 2:15 пп - ", "15.03.24, 12:30 дп - "},
		"TamilNadu":        {"5/3/24, பிற்பகல் 2:15 - ", "15/3/24, முற்பகல் 12:30 - "},
		"SriLanka":         {"2024-03-05 ප.ව. 2.15 - ", "2024-03-15 පෙ.ව. 12.30 - "},
		"Albania":          {"5.3.24, 2:15 e pasdites - ", "15.3.24, 12:30 e paradites - "},
		"Arabic":           {"\u200f٥\u200f/٣\u200f/٢٠٢٤، ٢:١٥ م - ", "\u200f١٥\u200f/٣\u200f/٢٠٢٤، ١٢:٣٠ ص - "},
		"ThailandBuddhist": {"[5/3/2567 BE, 14:15:00] ", "[15/3/2567 BE, 00:30:00] "},
		"Thailand":         {"5/3/2567 14:15 - ", "15/3/2567 00:30 - "},
		"India":            {"05/03/24, 2:15 pm - ", "15/03/24, 12:30 am - "},
		"ShortYearFirst":   {"24/03/05, 14:15 - ", "24/03/15, 00:30 - "},
		"JapaneseEra":      {"[3/5/R6, 14:15:00] ", "[3/15/R6, 00:30:00] "},
		"VietnamiPhone":    {"[14:15:00, 3/5/24] ", "[00:30:00, 3/15/24] "},
		"Vietnam":          {"14:15, 05/03/2024 - ", "00:30, 15/03/2024 - "},
		"OldiPhone":        {"3/5/24, 2:15:00 PM: ", "3/15/24, 12:30:00 AM: "},
		"OldiPhoneGermany": {"05.03.24, 14:15:00: ", "15.03.24, 00:30:00: "},
		"BracketNoSeconds": {"[05.03.24, 14:15] ", "[15.03.24, 00:30] "},
	} {
		t.Run(name, func(t *testing.T) {
			s := want(t, "WhatsApp Chat with John.txt", c.afternoon+"John: tea?\n"+c.midnight+"Aidan: sleep\n",
				"2024-03-05 14:15:00 John text: tea?", "2024-03-15 00:30:00 me text: sleep")
			members(t, s, false, "John")
		})
	}
}

func TestRead_OrderOfDates(t *testing.T) {
	line := func(date string) string { return date + ", 14:15 - John: tea?\n" }
	for name, c := range map[string]struct {
		dates, want string
		note        bool
	}{
		"AProofLateInTheFile": {"1/2/24 2/2/24 3/2/24 25/2/24", "2024-02-01", false},
		"MonthsFirst":         {"1/2/24 1/3/24 1/25/24", "2024-01-02", false},
		"TheShorterTime":      {"3/4/24 3/5/24 3/6/24", "2024-03-04", true},
		"TheOtherWay":         {"4/3/24 5/3/24 6/3/24", "2024-03-04", true},
		"InOrderOfTime":       {"1/12/23 2/12/23 1/1/24 2/1/24", "2023-12-01", true},
		"NothingTells":        {"4/3/24", "2024-03-04", true},
	} {
		t.Run(name, func(t *testing.T) {
			var content strings.Builder
			for date := range strings.FieldsSeq(c.dates) {
				content.WriteString(line(date))
			}
			s, err := read(t, sourcetest.Write(t, "WhatsApp Chat with John.txt", content.String()), "Aidan")
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Messages[0].Time.Format(time.DateOnly); got != c.want {
				t.Errorf("the first day is %s, want %s", got, c.want)
			}
			if noted := strings.Contains(strings.Join(s.Notes, "\n"), "no date is unambiguous"); noted != c.note {
				t.Errorf("notes are %q", s.Notes)
			}
		})
	}
}

func TestRead_TimesAreThoseOfTheZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	reading := sourcetest.Reading("Aidan")
	reading.Zone = berlin
	r, err := whatsapp.Open(sourcetest.Write(t, "WhatsApp Chat with John.txt", "15.03.24, 19:00 - John: winter\n15.07.24, 19:00 - John: summer\n"), reading)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sourcetest.Read(t, r)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 18:00:00 John text: winter", "2024-07-15 17:00:00 John text: summer")
	if !strings.Contains(strings.Join(s.Notes, "\n"), "Europe/Berlin") {
		t.Errorf("notes are %q", s.Notes)
	}
}

func TestRead_WhoTheOwnerIs(t *testing.T) {
	said := func(lines ...string) string {
		return "15.03.24, 19:00 - " + strings.Join(lines, "\n15.03.24, 19:01 - ") + "\n"
	}
	for name, c := range map[string]struct {
		file, content string
		own           []string
		want          string // the senders
		members       []string
		group         bool
	}{
		"ByName":             {"x.txt", said("Jim: a", "Aidan S: b"), []string{"aidan s"}, "Jim me", []string{"Jim", ""}, false},
		"ByNumber":           {"x.txt", said("Jim: a", "+49 171 1234567: b"), []string{"+491711234567"}, "Jim me", []string{"Jim", ""}, false},
		"TheOtherOfTheTitle": {"WhatsApp Chat with Jim.txt", said("Jim: a", "Ed: b"), nil, "Jim me", []string{"Jim"}, false},
		"NotTheNameGiven":    {"WhatsApp Chat with Jim.txt", said("Jim: a", "Ed: b"), []string{"Edward"}, "Jim me", []string{"Jim"}, false},
		"WhoDeleted":         {"x.txt", said("Jim: a", "Ed: You deleted this message", "Ed: c"), nil, "Jim me", []string{"Jim"}, false},
		"WhoDeletedInGroup":  {"x.txt", said("Jim: a", "Ed: You deleted this message", "Al: c"), nil, "Jim Al", []string{"Jim", "Al"}, true},
		"OwnerIsSilent":      {"WhatsApp Chat with Jim.txt", said("Jim: a"), nil, "Jim", []string{"Jim"}, false},
		"OtherIsSilent":      {"WhatsApp Chat with Jim.txt", said("Ed: a"), nil, "me", []string{"Jim"}, false},
		"GroupOfTwo":         {"WhatsApp Chat with Trip.txt", said("Jim created group \"Trip\"", "Jim: a", "Ed: b"), []string{"Ed"}, "Jim me", []string{"Jim", ""}, true},
		"SilentOwnerOfGroup": {"x.txt", said("Jim: a", "Ed: b", "Al: c"), []string{"Zed"}, "", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := read(t, sourcetest.Write(t, c.file, c.content), c.own...)
			if c.want == "" {
				if err == nil || !strings.Contains(err.Error(), `who of "Jim", "Ed", "Al" is you`) || !strings.Contains(usererr.Of(err), "me NAME") {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var senders []string
			for i := range s.Messages {
				if s.Messages[i].Sender == messages.Owner {
					senders = append(senders, "me")
				} else {
					senders = append(senders, s.Messages[i].Sender)
				}
			}
			slices.Sort(senders)
			if got := strings.Join(slices.Compact(senders), " "); got != strings.Join(sorted(c.want), " ") {
				t.Errorf("senders are %s, want %s", got, c.want)
			}
			chat := s.Messages[0].Chat
			var others []string
			for _, m := range c.members {
				if m != "" {
					others = append(others, m)
				}
			}
			got := slices.DeleteFunc(slices.Clone(chat.Members), func(m string) bool { return m == messages.Owner })
			if chat.Group != c.group || !slices.Equal(got, others) {
				t.Errorf("the chat is %+v", chat)
			}
		})
	}
}

func sorted(words string) []string {
	list := strings.Fields(words)
	slices.Sort(list)
	return list
}

func TestRead_MediaInALanguageThatIsNotKnown(t *testing.T) {
	s := want(t, "WhatsApp Chat with John.txt", strings.Repeat("15.03.24, 19:00 - John: <Miedja tħalliet barra>\n", 3)+"15.03.24, 19:00 - John: <grin>\n",
		"2024-03-15 19:00:00 John text: <grin>")
	s.WantCounts(t, map[sources.Fate]int64{sources.Omitted: 3})
}

// As an iPhone wrote before 2018, and what its notices look like there.
func TestRead_OldiPhone(t *testing.T) {
	s := want(t, "WhatsApp Chat - Trip.txt", "7/1/16, 4:56:55 PM: Jim created this group\n7/1/16, 5:08:08 PM: Jim added you\n7/13/16, 5:13:36 PM: Jim: here: all of it\n"+
		"7/13/16, 5:14:12 PM: Aidan: <image omitted>\n7/13/16, 5:14:30 PM: Al: ok\n7/13/16, 5:15:00 PM: Messages to this group are now secured with end-to-end encryption.\n",
		"2016-07-13 17:13:36 Jim text: here: all of it", "2016-07-13 17:14:30 Al text: ok")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 3, sources.Omitted: 1})
	members(t, s, true, "Jim", "Al")
}

// The same messages of an export with media and of one without, of an iPhone and of Android, have the same identifiers.
func TestRead_ReExportsAgree(t *testing.T) {
	with, err := read(t, sourcetest.Write(t, "WhatsApp Chat - John.txt", "\u200e[15.03.24, 19:00:01] John: \u200e<attached: 00000001-PHOTO.jpg>\n[15.03.24, 19:00:02] John: ok\n[15.03.24, 19:00:03] John: ok\n[15.03.24, 19:01:03] Aidan: fine\n"), "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	without, err := read(t, sourcetest.Write(t, "WhatsApp Chat with John.txt", "15.03.24, 18:59 - John: before\n15.03.24, 19:00 - John: <Media omitted>\n15.03.24, 19:00 - John: ok\n15.03.24, 19:00 - John: ok\n15.03.24, 19:01 - Aidan: fine\n"), "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	guids := []string{without.Left[0].GUID}
	for _, m := range without.Messages[1:] {
		guids = append(guids, m.GUID)
	}
	for i, m := range with.Messages {
		if m.GUID != guids[i] {
			t.Errorf("message %d is known as %s and as %s", i, m.GUID, guids[i])
		}
	}
	if a, b := with.Messages[0].Chat.Source, without.Messages[0].Chat.Source; a != b {
		t.Errorf("the chat is known as %q and as %q", a, b)
	}
}

func TestOpen_ZipAndFolder(t *testing.T) {
	dir := t.TempDir()
	for file, inside := range map[string]string{"WhatsApp Chat - John.zip": "_chat.txt", "export.zip": "WhatsApp Chat with John.txt", "odd.zip": "John.txt"} {
		path := filepath.Join(dir, file)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w := zip.NewWriter(f)
		photo, _ := w.Create("IMG-20240315-WA0001.jpg")
		photo.Write([]byte{1})
		chat, _ := w.Create(inside)
		chat.Write([]byte("15.03.24, 19:00 - John: hi\n15.03.24, 19:01 - Ed: hello\n"))
		w.Close()
		f.Close()
		if head, err := sources.ReadHead(path); err != nil || !whatsapp.Recognize(head) {
			t.Errorf("%s is not recognized (%v)", file, err)
		}
		own := []string{}
		if file == "odd.zip" {
			own = append(own, "Ed")
		}
		s, err := read(t, path, own...)
		if err != nil {
			t.Fatal(err)
		}
		s.Want(t, "2024-03-15 19:00:00 John text: hi", "2024-03-15 19:01:00 me text: hello")
	}
	folder := filepath.Join(dir, "WhatsApp Chat - John")
	os.Mkdir(folder, 0o700)
	os.WriteFile(filepath.Join(folder, "_chat.txt"), []byte("15.03.24, 19:00 - John: hi\n15.03.24, 19:01 - Ed: hello\n"), 0o600)
	if head, err := sources.ReadHead(folder); err != nil || !whatsapp.Recognize(head) {
		t.Errorf("the folder is not recognized (%v)", err)
	}
	if s, err := read(t, folder); err != nil || len(s.Messages) != 2 {
		t.Errorf("error is %v", err)
	}
}

// A folder may hold the exports of many chats, and a zip the folder of one.
func TestOpen_SeveralChats(t *testing.T) {
	dir := t.TempDir()
	chat := func(name string) string {
		return "15.03.24, 19:00 - " + name + ": hi\n15.03.24, 19:01 - Ed: \u200eIMG-1.jpg (file attached)\n"
	}
	for _, name := range []string{"Jim", "Al"} {
		os.WriteFile(filepath.Join(dir, "WhatsApp Chat with "+name+".txt"), []byte(chat(name)), 0o600)
	}
	os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("buy milk"), 0o600)
	f, err := os.Create(filepath.Join(dir, "my WhatsApp.zip"))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	for _, name := range []string{"__MACOSX/WhatsApp Chat - Zed/._chat.txt", "WhatsApp Chat - Zed/_chat.txt"} {
		inside, _ := w.Create(name)
		inside.Write([]byte(chat("Zed")))
	}
	w.Close()
	f.Close()
	if head, err := sources.ReadHead(dir); err != nil || !whatsapp.Recognize(head) {
		t.Errorf("the folder is not recognized (%v)", err)
	}
	s, err := read(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:00:00 Al text: hi", "2024-03-15 19:01:00 me image: IMG-1.jpg", "2024-03-15 19:00:00 Jim text: hi",
		"2024-03-15 19:01:00 me image: IMG-1.jpg", "2024-03-15 19:00:00 Zed text: hi", "2024-03-15 19:01:00 me image: IMG-1.jpg")
	if len(s.Chats) != 3 || s.Messages[5].Parts[0].File != (messages.FilePlace{Root: filepath.Join(dir, "my WhatsApp.zip"), Path: "WhatsApp Chat - Zed/IMG-1.jpg"}) {
		t.Errorf("%d chats, the last file is %+v", len(s.Chats), s.Messages[5].Parts[0].File)
	}
}

func TestOpen_Errors(t *testing.T) {
	if _, err := whatsapp.Open(t.TempDir(), sourcetest.Reading()); err == nil || !strings.Contains(usererr.Of(err), "Export chat") {
		t.Errorf("error is %v", err)
	}
	if _, err := whatsapp.Open("no-such-file.txt", sourcetest.Reading()); err == nil || !strings.Contains(err.Error(), "no-such-file.txt") {
		t.Errorf("error is %v", err)
	}
	path := sourcetest.Write(t, "notes.txt", "buy milk\n")
	if _, err := read(t, path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v", err)
	}
	if whatsapp.Recognize(&sources.Head{Text: []byte("buy milk\n3/4/24, 5:00 PM - John: hi")}) {
		t.Error("notes are recognized")
	}
}

func TestRead_HoldsFewMessages(t *testing.T) {
	path := sourcetest.Write(t, "WhatsApp Chat with Zoe.txt", sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf("13/05/2022, %02d:%02d - Zoe: %s\n", i/60%24, i%60, text)
	}))
	sourcetest.Flat(t, whatsapp.Open, path, "Aidan")
}

// The chats of a folder are found by what its files hold, whatever they are called.
func TestRead_FolderOfOtherNames(t *testing.T) {
	t.Parallel()
	zipped, err := os.ReadFile(sourcetest.Zipped(t, sourcetest.WriteFiles(t, map[string]string{"WhatsApp Chat with John.txt": "15/03/2024, 19:02 - John: hi\n15/03/2024, 19:03 - Aidan: yo\n"})))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"محادثات مع زوي.txt": "١٥/٣/٢٠٢٤، ٧:٠٢ م - زوي: مرحبا\n١٥/٣/٢٠٢٤، ٧:٠٣ م - Aidan: نعم\n", "john.zip": string(zipped), "notes.txt": "to do\n", "other.zip": "PK\x03\x04garbage"}
	folder := sourcetest.WriteFiles(t, files)
	head, err := sources.ReadHead(folder)
	if err != nil || !whatsapp.Recognize(head) {
		t.Errorf("it is not recognized (%v)", err)
	}
	s, err := read(t, folder, "Aidan")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Messages) != 4 || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "other.zip") {
		t.Errorf("messages are %q, damage %q", s.Lines(), s.Damage)
	}
	head, err = sources.ReadHead(sourcetest.WriteFiles(t, map[string]string{"notes.txt": "to do\n"}))
	if err != nil || whatsapp.Recognize(head) {
		t.Errorf("notes are recognized (%v)", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(iPhone)
	f.Add("15.03.24, 19:00 - John: <Medien ausgeschlossen>\nx\n15.03.24, 19:00 - John: a.jpg (file attached)\n")
	f.Add("\u200f٥\u200f/٣\u200f/٢٠٢٤، ٢:١٥ م - x: POLL:\n")
	f.Add("[2024-03-05, 14 h 15 min 00 s] a: \u200e\u200e<:.>\n99/99/9999, 1:11 - b: <a: b> <This message was edited>")
	f.Add("15.03.24, 19:00 - " + strings.Repeat("a", 90) + ": b\n" + strings.Repeat("\n", 50) + strings.Repeat("<", 50))
	path := filepath.Join(f.TempDir(), "WhatsApp Chat with John.txt")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path, "Aidan")
	})
}

func TestReader_RefusesAMessageOverTheLimit(t *testing.T) {
	path := sourcetest.Bomb(t, "15.03.24, 19:00 - John: hi\n15.03.24, 19:01 - Ann: more\n", "and so on\n", 64)
	allocated := sourcetest.Allocated(func() {
		_, err := read(t, path, "Ann")
		if err == nil || !strings.Contains(err.Error(), path+":2: the message that begins here is longer than 16 MiB") || usererr.Of(err) == "" {
			t.Errorf("error %v", err)
		}
	})
	if allocated > 512<<20 { // in all, most of it for a moment
		t.Errorf("%d MiB were allocated", allocated>>20)
	}
}

// Of a zip with many texts, only so many are examined, and only the beginning of each.
func TestRecognize_ExaminesFewTextsOfAZip(t *testing.T) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := range 1001 {
		text := "notes"
		if i == 1000 {
			text = "15.03.24, 19:00 - John: hi\n"
		}
		member, err := w.Create(fmt.Sprintf("%d.txt", i))
		if err == nil {
			_, err = io.WriteString(member, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := sources.ReadHead(sourcetest.Write(t, "a.zip", out.String()))
	if err != nil || whatsapp.Recognize(h) {
		t.Errorf("it is recognized by its last text (%v)", err)
	}
}

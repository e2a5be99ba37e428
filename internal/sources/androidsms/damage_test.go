package androidsms_test

import (
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/sources"
)

// A backup that ends early loses its end alone. What is missing is counted and named.
func TestRead_KeepsWhatIsBeforeDamage(t *testing.T) {
	whole := head + `<smses count="7">` + sms("1", "+15550000001", "1710529320000", "one") + sms("2", "+15550000001", "1710529321000", "two") + sms("1", "+15550000001", "1710529322000", "three")
	for name, content := range map[string]string{"InAnElement": whole[:len(whole)-60], "InAMessage": whole + picture[:len(picture)-60], "NoXML": whole[:len(whole)-60] + "<<<>>>"} {
		t.Run(name, func(t *testing.T) {
			s, err := read(t, write(t, content))
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Messages) < 2 || s.Messages[1].Parts[0].Text != "two" {
				t.Errorf("messages are %q", s.Lines())
			}
			if len(s.Damage) != 1 || !strings.Contains(s.Damage[0], ".xml:") || s.Counts[sources.Unread] == 0 {
				t.Errorf("damage is %q, counts %v", s.Damage, s.Counts)
			}
		})
	}
}

// A message without a date costs itself alone.
func TestRead_MessageWithoutDate(t *testing.T) {
	s, err := read(t, write(t, head+`<smses count="3">`+sms("1", "+15550000001", "1710529320000", "one")+sms("1", "+15550000001", "noon", "two")+sms("1", "+15550000001", "1710529322000", "three")+`</smses>`))
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 +15550000001 text: one", "2024-03-15 19:02:02 +15550000001 text: three")
	if len(s.Damage) != 1 || !strings.Contains(s.Damage[0], "message 2") || s.Counts[sources.Unread] != 1 {
		t.Errorf("damage is %q, counts %v", s.Damage, s.Counts)
	}
}

// Who a sent message is from is the owner, also if the phone wrote the number.
func TestRead_NumberOfTheSenderOfSentMessages(t *testing.T) {
	sent := strings.Replace(group("2", "+1 (555) 000-0000", "I am"), `address="+15550000000" type="151"`, `address="+15550000001" type="151"`, 1)
	received := `<mms date="1710529500000" msg_box="1" address="+15550000002"><parts><part ct="text/plain" text="me too"/></parts>
<addrs><addr address="+15550000002" type="137"/><addr address="+15550000001" type="151"/><addr address="+15550000000" type="151"/></addrs></mms>`
	s, err := read(t, write(t, head+`<smses count="2">`+sent+received+`</smses>`))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range s.Messages {
		if !slices.Equal(m.Chat.Members, []string{"+15550000001", "+15550000002"}) {
			t.Errorf("members are %v", m.Chat.Members)
		}
	}
	if len(s.Owns) != 1 || s.Messages[0].Sender != "" || s.Messages[1].Sender != "+15550000002" {
		t.Errorf("own numbers are %v, messages %q", s.Owns, s.Lines())
	}
}

// A message has the same identifier however two phones spell its numbers, and in whichever order.
func TestRead_SpellingsMakeNoDifference(t *testing.T) {
	one, err := read(t, write(t, head+`<smses count="2">`+sms("1", "(555) 000-0001", "1710529320000", "hi")+group("1", "+15550000002", "who")+`</smses>`))
	if err != nil {
		t.Fatal(err)
	}
	spelled := strings.ReplaceAll(strings.Replace(group("1", "+15550000002", "who"), "+15550000001~+15550000002", "555-000-0002~5550000001", 1), "+1555", "1555")
	two, err := read(t, write(t, head+`<smses count="2">`+sms("1", "\u202a+1 555 000 0001\u202c", "1710529320000", "hi")+spelled+`</smses>`))
	if err != nil {
		t.Fatal(err)
	}
	for i := range one.Messages {
		if one.Messages[i].GUID != two.Messages[i].GUID {
			t.Errorf("%q and %q have different identifiers", one.Lines()[i], two.Lines()[i])
		}
	}
}

// The subject of an MMS is what somebody typed; phones write "NoSubject" for none.
func TestRead_Subject(t *testing.T) {
	mms := func(date, subject string) string {
		return `<mms date="` + date + `" sub="` + subject + `" msg_box="1" address="+15550000001"><parts><part ct="text/plain" text="at noon"/></parts></mms>`
	}
	s, err := read(t, write(t, head+`<smses count="2">`+mms("1710529320000", "Lunch")+mms("1710529321000", "NoSubject")+`</smses>`))
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 +15550000001 text: Lunch", "2024-03-15 19:02:00 +15550000001 text: at noon", "2024-03-15 19:02:01 +15550000001 text: at noon")
}

// Damage in the middle costs the message that holds it; the rest is kept, and the damage is counted and named with its line.
func TestRead_DamageInTheMiddle(t *testing.T) {
	one, two, three := sms("1", "+15550000001", "1710529320000", "one"), sms("2", "+15550000001", "1710529321000", "two"), sms("1", "+15550000001", "1710529322000", "three")
	for name, damaged := range map[string]string{
		"Quote": strings.Replace(two, `"two"`, `"two`, 1), "LastQuote": strings.Replace(two, `Smith"`, `Smith`, 1), "Cut": two[:len(two)/2] + "\n", "NoEquals": strings.Replace(two, "body=", "body", 1),
		"Picture": strings.Replace(picture, `cl="IMG_1.jpg"`, `cl="IMG_1.jpg`, 1), "PictureCut": picture[:len(picture)/2],
	} {
		s, err := read(t, write(t, "<smses count=\"3\">\n"+one+damaged+three+"</smses>"))
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, m := range s.Messages {
			texts = append(texts, m.Parts[0].Text)
		}
		if !slices.Equal(texts, []string{"one", "three"}) || len(s.Damage) != 1 || !strings.Contains(s.Damage[0], ".xml:") || s.Counts[sources.Unread] != 1 {
			t.Errorf("%s: messages are %q, damage %q, counts %v, notes %q", name, texts, s.Damage, s.Counts, s.Notes)
		}
	}
}

// Bytes that are no characters do not pass silently.
func TestRead_BadBytesAreNoted(t *testing.T) {
	s, err := read(t, write(t, `<smses count="1">`+sms("1", "+15550000001", "1710529320000", "café, caf\xe9")+`</smses>`))
	if err != nil || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "1 elements have bytes that are no characters") {
		t.Errorf("notes are %q (%v)", s.Notes, err)
	}
	s.Want(t, "2024-03-15 19:02:00 +15550000001 text: café, caf\uFFFD")
}

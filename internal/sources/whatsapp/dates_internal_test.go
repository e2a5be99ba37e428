package whatsapp

import (
	"testing"
	"time"
)

// A date before WhatsApp, or to come, speaks against an order.
func TestCalendar_NoDatesToCome(t *testing.T) {
	c := calendar{now: time.Date(2024, 11, 20, 0, 0, 0, 0, time.UTC)}
	for _, line := range []string{"10/11/24, 9:00 - ", "11/12/24, 9:00 - "} {
		s, _, ok := header(line)
		if !ok {
			t.Fatalf("%q is no header", line)
		}
		c.add(&s)
	}
	if order, proven := c.order(); order != monthFirst || !proven {
		t.Errorf("the order is %v (proven: %v)", order, proven)
	}
}

func TestHeader_NotEveryLineWithANumber(t *testing.T) {
	for _, line := range []string{"", "15", "15.03.24", "15.03.24, 19:00", "15.03.24, 19:00 John: hi", "15.03.24, 25:00 - John: hi", "15.03.24, 19:60 - John: hi",
		"15.03/24, 19:00 - John: hi", "[15.03.24, 19:00 John: hi", "15.03.24, 13:00 um - x", "hello 15.03.24, 19:00 - John: hi", "151515.03.24, 19:00 - x",
		"15.03.24, 19:00 -John: hi", "1.5 - 2.5 - 3", "\u200e"} {
		if s, rest, ok := header(line); ok {
			t.Errorf("%q is a header %+v with %q", line, s, rest)
		}
	}
}

func TestTitleOf(t *testing.T) {
	for path, want := range map[string]string{
		"/x/WhatsApp Chat with John Smith.txt":      "John Smith",
		"/x/WhatsApp Chat - Jo - hn.zip":            "Jo - hn",
		"/x/WhatsApp Chat - John/_chat.txt":         "John",
		"/x/WhatsApp-Chat mit Zoë (2).txt":          "Zoë",
		"/x/Chat de WhatsApp con José.txt":          "José",
		"/x/Discussion WhatsApp avec Léa.txt":       "Léa",
		"/x/Conversa do WhatsApp com João.txt":      "João",
		"/x/Czat WhatsApp z użytkownikiem Ola.txt":  "Ola",
		"/x/Chat WhatsApp s uživatelem Jana.txt":    "Jana",
		"/x/Чат WhatsApp с контактом Иван.txt":      "Иван",
		"/x/WhatsApp_Chat_with_John.txt":            "John",
		"/x/WhatsApp Chat with +49 171 1234567.txt": "+49 171 1234567",
		"/x/İrem WhatsApp Chat with İrem.txt":       "İrem",
		"/x/John ile WhatsApp Sohbeti.txt":          "",
		"/x/chat.txt":                               "",
		"/x/downloads/_chat.txt":                    "",
		"/_chat.txt":                                "",
	} {
		if got := titleOf(path); got != want {
			t.Errorf("%s is the chat of %q, want %q", path, got, want)
		}
	}
}

package whatsapp_test

import (
	"strings"
	"testing"

	"ventriloquist/internal/sources"
)

// Who wrote is told by the form of the line: a name may have quotation marks and colons.
func TestRead_NamesWithPunctuation(t *testing.T) {
	s := want(t, "WhatsApp Chat with Crew.txt",
		"01/02/2023, 10:00 - Aidan created group \"Crew: 5\"\n"+
			"01/02/2023, 10:01 - Ann \"Nan\" Lee: first\n"+
			"01/02/2023, 10:02 - Tall 6\" Tom: so \"tall\"\n"+
			"01/02/2023, 10:03 - Tall 6\" Tom: he said 5\"\n"+
			"01/02/2023, 10:04 - Dr: No: one\n"+
			"01/02/2023, 10:05 - Dr: No: two\n"+
			"01/02/2023, 10:06 - Dr: No: three: four\n"+
			"01/02/2023, 10:07 - Ann \"Nan\" Lee changed the group name from \"Crew: 5\" to \"Crew: 6\"\n"+
			"01/02/2023, 10:08 - Ann \"Nan\" Lee changed the group name from \"Crew: 6\" to \"Crew: 7\"\n"+
			"01/02/2023, 10:09 - Aidan: note: buy milk\n",
		"2023-02-01 10:01:00 Ann \"Nan\" Lee text: first",
		"2023-02-01 10:02:00 Tall 6\" Tom text: so \"tall\"",
		"2023-02-01 10:03:00 Tall 6\" Tom text: he said 5\"",
		"2023-02-01 10:04:00 Dr: No text: one",
		"2023-02-01 10:05:00 Dr: No text: two",
		"2023-02-01 10:06:00 Dr: No text: three: four",
		"2023-02-01 10:09:00 me text: note: buy milk")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 3})
}

// A chat that somebody pasted belongs to the message that it stands in.
func TestRead_PastedChats(t *testing.T) {
	// An iPhone ends messages with CR LF, and the lines within them with LF.
	s := want(t, "WhatsApp Chat - Zoe.txt", "[02/05/2022, 09:00:00] Zoe: listen\r\n"+
		"[02/05/2022, 09:01:00] Zoe: [02/05/2022, 09:00:30] Zoe: listen\n[02/05/2022, 09:00:40] Max: no\r\n"+
		"[02/05/2022, 09:02:00] Aidan: ha\r\n",
		"2022-05-02 09:00:00 Zoe text: listen",
		"2022-05-02 09:01:00 Zoe text: [02/05/2022, 09:00:30] Zoe: listen|[02/05/2022, 09:00:40] Max: no",
		"2022-05-02 09:02:00 me text: ha")
	members(t, s, false, "Zoe")
	// On Android a stranger speaks, long before.
	s = want(t, "WhatsApp Chat with Zoe.txt", "02/05/2022, 09:00 - Zoe: look\n"+
		"02/05/2022, 09:01 - Zoe: 01/01/2020, 08:00 - Max: sorry\n01/01/2020, 08:01 - Zoe: why\n01/01/2020, 08:02 - Max: because\n"+
		"02/05/2022, 09:02 - Aidan: ha\n"+
		"30/04/2022, 20:00 - Zoe: this one arrived late\n"+
		"13/05/2022, 09:03 - Aidan: I see\n",
		"2022-05-02 09:00:00 Zoe text: look",
		"2022-05-02 09:01:00 Zoe text: 01/01/2020, 08:00 - Max: sorry|01/01/2020, 08:01 - Zoe: why|01/01/2020, 08:02 - Max: because",
		"2022-05-02 09:02:00 me text: ha",
		"2022-04-30 20:00:00 Zoe text: this one arrived late",
		"2022-05-13 09:03:00 me text: I see")
	members(t, s, false, "Zoe")
}

// A file whose lines end with CR LF as an editor saved them is read as one with LF.
func TestRead_LineBreaksMakeNoDifference(t *testing.T) {
	text := "13/05/2022, 09:00 - Zoe: one\nand\n13/05/2022, 09:01 - Aidan: two\n13/05/2022, 09:02 - Zoe: three\n"
	lines := []string{"2022-05-13 09:00:00 Zoe text: one|and", "2022-05-13 09:01:00 me text: two", "2022-05-13 09:02:00 Zoe text: three"}
	want(t, "WhatsApp Chat with Zoe.txt", text, lines...)
	want(t, "WhatsApp Chat with Zoe.txt", strings.ReplaceAll(text, "\n", "\r\n"), lines...)
}

// Only a whole text of WhatsApp's is a notice.
func TestRead_WordsThatBeginLikeNotices(t *testing.T) {
	var text strings.Builder
	var lines []string
	words := []string{"Voice call, or are you asleep?", "video call, 7 sharp please", "Missed voice call from my sister", "This business is doomed", "Live location shared with mum, not you",
		"Waiting for this message all day", "Voice call", "You blocked this contact?", "llamada perdida de ayer", "Your security code with the bank changed hands",
		"Messages and calls are end-to-end encrypted, they say", "Messages and calls are end-to-end encrypted?", "Mesajlar ve aramalar uçtan uca şifrelidir mi gerçekten?",
		"Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Das glaube ich nicht.", "This message was deleted by admin? Which one?"}
	for _, word := range words {
		text.WriteString("13/05/2022, 09:00 - Zoe: " + word + "\n")
		lines = append(lines, "2022-05-13 09:00:00 Zoe text: "+word)
	}
	notices := []string{"Missed voice call", "Missed video call, Tap to call back", "Voice call, 3 min", "Voice call, 12 sec", "Video call, 1 hr 2 min", "Video call, No answer", "Voice call, 1:02",
		"Verpasster Sprachanruf", "Sprachanruf, 3 Min.", "Live location shared", "Waiting for this message. This may take a while.", "Waiting for this message",
		"Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them. Learn more.",
		"Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Niemand außerhalb dieses Chats, nicht einmal WhatsApp, kann sie lesen oder anhören.",
		"Mesajlar ve aramalar uçtan uca şifrelidir. Bu sohbetin dışında hiç kimse, WhatsApp bile, bunları okuyamaz veya dinleyemez.",
		"消息和通话都进行端到端加密。对话之外的任何人，甚至包括 WhatsApp 都无法读取或收听。", "Les messages et les appels sont chiffrés de bout en bout. En savoir plus.",
		"You blocked this contact. Tap to unblock.", "Your security code with Zoe changed. Tap to learn more.", "This business uses a secure service from Meta to manage this chat. Tap to learn more."}
	for _, notice := range notices {
		text.WriteString("13/05/2022, 09:01 - Zoe: " + notice + "\n")
	}
	s := want(t, "WhatsApp Chat with Zoe.txt", text.String(), lines...)
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: int64(len(notices))})
}

// The name of a group, under which an iPhone puts notices, writes nothing, also in a file that lost its marks.
func TestRead_GroupNameIsNoMember(t *testing.T) {
	s := want(t, "_chat.txt", "[13/05/2022, 09:00:00] Book Club: Messages and calls are end-to-end encrypted.\n"+
		"[13/05/2022, 09:00:00] Book Club: Zoe added you\n"+
		"[13/05/2022, 09:01:00] Zoe: welcome\n[13/05/2022, 09:02:00] Aidan: hi\n[13/05/2022, 09:03:00] Max: hi\n[13/05/2022, 09:04:00] Book Club: Max left\n",
		"2022-05-13 09:01:00 Zoe text: welcome", "2022-05-13 09:02:00 me text: hi", "2022-05-13 09:03:00 Max text: hi")
	members(t, s, true, "Zoe", "Max")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 3})
	// In a direct chat it is the other person's.
	s = want(t, "_chat.txt", "[13/05/2022, 09:00:00] Zoe: Messages and calls are end-to-end encrypted.\n[13/05/2022, 09:01:00] Zoe: hi\n[13/05/2022, 09:02:00] Aidan: hi\n",
		"2022-05-13 09:01:00 Zoe text: hi", "2022-05-13 09:02:00 me text: hi")
	members(t, s, false, "Zoe")
}

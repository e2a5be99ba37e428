package windows_test

import (
	"fmt"

	"ventriloquist/internal/windows"
)

func ExampleAppendMessage() {
	quote := windows.Quote("beautiful!")
	text := windows.AppendHeader(nil, windows.NewHeader("", []string{"John", "Aidan"}, "2024-03-15"))
	for _, m := range []windows.Message{
		{Name: "Aidan", Delta: "<1m", ContentType: "text", Text: "hey what's up"},
		{Name: "John", Delta: "<5m", ReplyTo: &quote, ContentType: "reaction", Text: "Loved"},
	} {
		text = windows.AppendMessage(text, &m)
	}
	fmt.Printf("%s", text)
	// Output:
	// {"type": "dm", "members": ["Aidan", "John"], "start": "2024-03-15"}
	// {"name": "Aidan", "delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey what's up"}
	// {"name": "John", "delta": "<5m", "reply_to": "beautiful!", "content_type": "reaction", "text": "Loved"}
}

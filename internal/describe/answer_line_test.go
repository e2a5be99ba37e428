package describe_test

import (
	"strings"
	"testing"
	"unicode"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/windows"
)

func TestOneLine_IsPlainText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer, want string
	}{
		{"A cat.", "A cat."},
		{"  A cat.\n\nIt sleeps.\r\n", "A cat. It sleeps."},
		{"The image shows a cat on a sofa.", "A cat on a sofa."},
		{"This photo depicts two dogs.", "Two dogs."},
		{"The screenshot shows that the train is late.", "The train is late."},
		{"Here is a description of the image: The image shows a cat.", "A cat."},
		{"Sure! Here's a short description: a cat.", "A cat."},
		{"Description: **A cat** sleeps", "A cat sleeps"},
		{"# Summary\n- A cat\n- A dog", "Summary A cat A dog"},
		{`"A cat."`, "A cat."},
		{"In this image, we can see a cat.", "A cat."},
		{"In the photo album lies a letter.", "In the photo album lies a letter."},
		{"**Summary:** an invoice.", "An invoice."},
		{`"Yes," she says. "No," he says.`, `"Yes," she says. "No," he says.`},
		{"<think>The image shows a cat.\nHm.</think>\nA cat.", "A cat."},
		{"<think>never ends", ""},
		{"the dog\u2028runs\u00a0away\u202e\ufffc\ufffd\x00", "The dog runs away"},
		{"\xff\xfeA cat\xc3", "A cat"},
		{"...", ""}, {"", ""}, {" \n ", ""}, {"😀", "😀"}, {"👍🏽", "👍🏽"},
		{"A family 👨‍👩‍👧 at the sea.", "A family 👨‍👩‍👧 at the sea."},
		{"The image of her father hangs on the wall.", "The image of her father hangs on the wall."},
		{"Photos of a wedding.", "Photos of a wedding."},
	} {
		if got := describe.OneLine(c.answer, messages.Image, false); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.answer, got, c.want)
		}
	}
}

// Transcripts of voice messages are not changed.
func TestOneLine_Transcript(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"the image shows a cat, she said", "Sure! Here's a plan: we go", "2 * 3 is 6, - I think", "(no words: wind)"} {
		if got := describe.OneLine(said, messages.Audio, false); got != said {
			t.Errorf("%q becomes %q", said, got)
		}
	}
	long := strings.Repeat("and on it goes. ", 2000)
	if got := describe.OneLine(long, messages.Audio, false); got != strings.TrimSpace(long) {
		t.Errorf("of %d bytes %d are left", len(long), len(got))
	}
}

func TestOneLine_Long(t *testing.T) {
	t.Parallel()
	got := describe.OneLine(strings.Repeat("A cat. ", 1000), messages.Image, false)
	if len(got) > 1200 || !strings.HasSuffix(got, "A cat.") {
		t.Errorf("it has %d bytes and ends in %q", len(got), got[len(got)-20:])
	}
	if got := describe.OneLine("Un chat。 Il do", messages.Image, true); got != "Un chat。" {
		t.Errorf("it is %q", got)
	}
}

// Every answer of a model becomes a line of a window with the same text as the description.
func FuzzOneLine(f *testing.F) {
	for _, answer := range []string{"A cat.", "The image shows a cat.\n", "<think>", "\x00\xff\u2028\ufffc", `"quoted" {"name": "Aidan", "`, "Here is a: ", "“”", "'", "```json\n{}```",
		"Description: Description: the image shows ", "<|im_end|>", strings.Repeat("long ", 500), "\u202eabc", "ß", "…"} {
		f.Add(answer, false, false)
		f.Add(answer, true, true)
	}
	f.Fuzz(func(t *testing.T, answer string, spoken, cut bool) {
		kind := messages.Image
		if spoken {
			kind = messages.Audio
		}
		line := describe.OneLine(answer, kind, cut)
		if line == "" {
			return
		}
		if line != strings.TrimSpace(line) || strings.ContainsAny(line, "\r\n\u2028\u2029\uFFFC") || strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("%q becomes %q", answer, line)
		}
		message := windows.Message{Name: "Aidan", Delta: windows.Deltas[0], ContentType: kind.String(), Text: line}
		rendered := windows.AppendMessage(nil, &message)
		if n := strings.Count(string(rendered), "\n"); n != 1 || rendered[len(rendered)-1] != '\n' {
			t.Errorf("%q becomes %d lines: %q", answer, n, rendered)
		}
		parsed, err := windows.ParseMessage(rendered)
		if err != nil || parsed.Text != line || parsed.ContentType != message.ContentType {
			t.Errorf("%q becomes %q, and is read as %+v (%v)", answer, rendered, parsed, err)
		}
	})
}

package imessage_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"howett.net/plist"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/sources/imessage/typedstream"
)

// A test for each rule of how a row becomes messages.

// summaryInfo is a message_summary_info.
func summaryInfo(t *testing.T, content map[string]any) []byte {
	t.Helper()
	data, err := plist.Marshal(content, plist.BinaryFormat)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func version(text string) map[string]any {
	return map[string]any{"d": 732000000.5, "t": typedstream.Encode(chatdb.Parts(chatdb.Part{Text: text}))}
}

func ranges(n int) map[string]any {
	original := make(map[string]any)
	for i := range n {
		original[string(rune('0'+i))] = map[string]any{"lo": i, "le": 1}
	}
	return original
}

func TestEdited_FinalTextAtTheTimeItWasSent(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	sent := h.now()
	h.say(chatdb.Message{Text: "between"})
	history := map[string]any{"ec": map[string]any{"0": []any{version("helo"), version("hello")}}, "ep": []any{0}, "otr": ranges(1)}
	h.say(chatdb.Message{Date: sent, Text: "hello", Columns: columns("date_edited", chatdb.Nanoseconds(h.now()),
		"message_summary_info", summaryInfo(t, history))})
	h.collect().want(t, "direct john", "john text: hello", "john text: between")
}

func TestEdited_FinalTextFromTheHistoryWhereTheBodyIsMissing(t *testing.T) {
	h := newHistory(t, chatdb.MacOS13)
	history := map[string]any{"ec": map[string]any{"0": []any{version("helo"), version("hello")}, "1": []any{version("gone")}},
		"rp": []any{1}, "otr": ranges(2)}
	h.say(chatdb.Message{Columns: columns("message_summary_info", summaryInfo(t, history))})
	h.collect().want(t, "direct john", "john text: hello")
}

func TestUnsent_Absent(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Columns: columns("date_retracted", chatdb.Nanoseconds(h.now()),
		"message_summary_info", summaryInfo(t, map[string]any{"rp": []any{0}, "otr": ranges(1)}))})
	h.say(chatdb.Message{Columns: columns("message_summary_info", summaryInfo(t, map[string]any{"rp": []any{0}, "otr": ranges(1)}))})
	h.say(chatdb.Message{Text: "stale words", Columns: columns("date_retracted", 1)})
	h.say(chatdb.Message{Text: "stale words", Columns: columns("message_summary_info",
		summaryInfo(t, map[string]any{"rp": []any{0}, "otr": ranges(1)}))})
	photo := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/IMG.jpeg"})
	h.say(chatdb.Message{Attachments: []int64{photo}, Columns: columns("date_retracted", 1)})
	h.collect().want(t).wantFate(t, sources.Unsent, 5)
}

func TestUnsent_PartsThatAreLeftStay(t *testing.T) {
	unsent := func(parts ...any) map[string]any {
		return columns("date_edited", 1, "message_summary_info", summaryInfo(t, map[string]any{"rp": parts, "otr": ranges(3)}))
	}
	// What Messages leaves in the body: the other parts, with their numbers.
	left := func(numbers ...int) *typedstream.Body {
		body := chatdb.Parts(chatdb.Part{Text: "zero"}, chatdb.Part{Text: "one"}, chatdb.Part{Text: "two"})
		result := &typedstream.Body{}
		for _, n := range numbers {
			result.Text += []string{"zero", "one", "two"}[n]
			result.Runs = append(result.Runs, body.Runs[n])
		}
		return result
	}
	renumbered := chatdb.Parts(chatdb.Part{Text: "zero"}, chatdb.Part{Text: "two"})
	for name, c := range map[string]struct {
		body  *typedstream.Body
		parts []any
		want  []string
	}{
		"FirstGone":  {left(1, 2), []any{0}, []string{"one", "two"}},
		"MiddleGone": {left(0, 2), []any{1}, []string{"zero", "two"}},
		"LastGone":   {left(0, 1), []any{2}, []string{"zero", "one"}},
		"TwoGone":    {left(1), []any{0, 2}, []string{"one"}},
		"StillThere": {left(0, 1, 2), []any{1}, []string{"zero", "two"}},
		"Renumbered": {renumbered, []any{1}, []string{"zero", "two"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, chatdb.Latest)
			guid := h.say(chatdb.Message{Body: c.body, Columns: unsent(c.parts...)})
			h.say(chatdb.Message{FromMe: true, Tapback: chatdb.Loved, Target: "p:2/" + guid})
			lines := []string{"direct john"}
			for _, text := range c.want {
				lines = append(lines, "john text: "+text)
			}
			if c.want[len(c.want)-1] == "two" { // the reaction to an unsent part is absent
				lines = append(lines, "me reaction: Loved <- two")
			}
			h.collect().want(t, lines...)
		})
	}
}

func TestParts_BodyOrder(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	b := h.Attachment(chatdb.Attachment{GUID: "at_1_B", Filename: "~/x/b.png"})
	a := h.Attachment(chatdb.Attachment{GUID: "at_0_A", Filename: "~/x/a.png"})
	guid := h.say(chatdb.Message{Attachments: []int64{a, b}, Body: chatdb.Parts(chatdb.Part{Text: "one"},
		chatdb.Part{Attachment: "at_0_A"}, chatdb.Part{Text: "two"}, chatdb.Part{Attachment: "at_1_B"}, chatdb.Part{Text: "three"})})
	h.say(chatdb.Message{FromMe: true, Text: "nice", ReplyTo: guid, ReplyPart: "3:0:1"})
	h.collect().want(t, "direct john", "john text: one", "john image: a.png", "john text: two", "john image: b.png", "john text: three",
		"me text: nice <- b.png")
}

func TestParts_StyledRunsOfOnePartAreOneMessage(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	body := chatdb.Parts(chatdb.Part{Text: "🅱️ig "}, chatdb.Part{Text: "small"})
	number := body.Runs[0].Attributes
	body.Runs[1].Attributes = append([]typedstream.Attribute{{Name: "__kIMTextBoldAttributeName",
		Value: typedstream.Value{Kind: typedstream.Int, Int: 1}}}, number...)
	h.say(chatdb.Message{Body: body})
	h.collect().want(t, "direct john", "john text: 🅱️ig small")
}

func TestParts_AttachmentsWithinAText(t *testing.T) {
	h := newHistory(t, chatdb.HighSierra)
	a := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/a.png"})
	b := h.Attachment(chatdb.Attachment{GUID: "b", Filename: "~/x/b.png"})
	first := h.say(chatdb.Message{Attachments: []int64{a, b}, Columns: columns("text", "see\uFFFC\uFFFCwell")})
	h.say(chatdb.Message{FromMe: true, Tapback: chatdb.Loved, Target: "p:2/" + first})
	h.collect().want(t, "direct john", "john text: see", "john image: a.png", "john image: b.png", "john text: well",
		"me reaction: Loved <- b.png")
}

func TestParts_AttachmentsWithoutAPlaceComeLast(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	a := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/a.png"})
	h.say(chatdb.Message{Attachments: []int64{a}, Text: "see"})
	b := h.Attachment(chatdb.Attachment{GUID: "b", Filename: "~/x/b.png"})
	h.say(chatdb.Message{Attachments: []int64{b}})
	h.collect().want(t, "direct john", "john text: see", "john image: a.png", "john image: b.png")
}

func TestParts_AttachmentWhoseRowIsMissingIsAbsent(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Body: chatdb.Parts(chatdb.Part{Attachment: "nowhere"}, chatdb.Part{Text: "see"})})
	h.collect().want(t, "direct john", "john text: see")
}

func TestParts_PlaceholderOfNothingGoes(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Text: "on\uFFFCe"})
	h.collect().want(t, "direct john", "john text: one")
}

func TestParts_BlankOnesGo(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Text: " \n\u2028"})
	h.say(chatdb.Message{})
	h.say(chatdb.Message{Body: &typedstream.Body{}, Columns: columns("text", "words of the column")})
	h.collect().want(t, "direct john", "john text: words of the column").wantFate(t, sources.Empty, 2)
}

func TestReply_QuotesTheNamedPart(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	guid := h.say(chatdb.Message{Body: chatdb.Parts(chatdb.Part{Text: "first"}, chatdb.Part{Text: "second"})})
	h.say(chatdb.Message{FromMe: true, Text: "yes", ReplyTo: guid, ReplyPart: "1:0:6"})
	h.say(chatdb.Message{FromMe: true, Text: "no", ReplyTo: guid, Columns: columns("thread_originator_part", nil)})
	h.say(chatdb.Message{FromMe: true, Text: "what", ReplyTo: h.NewGUID()})
	h.collect().want(t, "direct john", "john text: first", "john text: second", "me text: yes <- second", "me text: no <- first", "me text: what")
}

func TestReply_ReplyToGUIDIsNoReply(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	guid := h.say(chatdb.Message{Text: "first"})
	h.say(chatdb.Message{Text: "second", Columns: columns("reply_to_guid", guid)})
	h.collect().want(t, "direct john", "john text: first", "john text: second")
}

func TestReply_ToAMessageThatArrivedLater(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	early, guid := h.now(), h.NewGUID()
	h.say(chatdb.Message{FromMe: true, Text: "yes", ReplyTo: guid})
	h.say(chatdb.Message{GUID: guid, Date: early, Text: "coming?"})
	h.collect().want(t, "direct john", "john text: coming?", "me text: yes <- coming?")
}

func TestStickersAreAbsent(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	guid := h.say(chatdb.Message{Text: "hi"})
	s := h.Attachment(chatdb.Attachment{GUID: "s", Filename: "~/x/s.heic", Columns: columns("is_sticker", 1)})
	for _, kind := range []int{chatdb.Sticker, chatdb.StickerTapback, chatdb.StickerTapback + chatdb.TakenBack} {
		h.say(chatdb.Message{Tapback: kind, Target: "p:0/" + guid, Attachments: []int64{s}, Body: chatdb.Parts(chatdb.Part{Attachment: "s"})})
	}
	h.collect().want(t, "direct john", "john text: hi").wantFate(t, sources.Stickers, 3)
}

func TestPollVotesAndUnknownAssociationsAreAbsent(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	guid := h.say(chatdb.Message{Text: "hi"})
	h.say(chatdb.Message{Tapback: 4000, Target: guid, Text: "\uFFFD"})
	h.say(chatdb.Message{Tapback: 2999, Target: guid, Text: "?"})
	h.collect().want(t, "direct john", "john text: hi").wantFate(t, sources.PollVotes, 1).wantFate(t, sources.UnknownKind, 1)
}

func TestItemTypesOtherThan0AreNoMessages(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	for item := 1; item <= 6; item++ {
		h.say(chatdb.Message{Text: "words", Columns: columns("item_type", item)})
	}
	h.collect().want(t).wantFate(t, sources.GroupEvents, 6)
}

func TestLink_BodyElsePayload(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	preview := h.Attachment(chatdb.Attachment{GUID: "p", Filename: "~/x/0A1B.pluginPayloadAttachment"})
	link := func(text string, payload []byte) {
		h.say(chatdb.Message{Text: text, Attachments: []int64{preview}, Columns: columns("balloon_bundle_id",
			"com.apple.messages.URLBalloonProvider", "payload_data", payload)})
	}
	link("https://x.org/body", linkPayload(t, "https://x.org/original", "https://x.org/url"))
	link("", linkPayload(t, "https://x.org/original", "https://x.org/url"))
	link("\uFFFD", linkPayload(t, "", "https://x.org/url"))
	link(" \uFFFC ", linkPayload(t, "https://x.org/original", ""))
	link("", linkPayload(t, "", ""))
	link("", []byte("no plist"))
	link("", nil)
	h.collect().want(t, "direct john", "john text: https://x.org/body", "john text: https://x.org/original",
		"john text: https://x.org/url", "john text: https://x.org/original").wantFate(t, sources.Empty, 3)
}

func TestLink_RelativeURLs(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	payload := keyed(t, object{"richLinkMetadata": plist.UID(2)}, object{"URL": plist.UID(3)},
		object{"NS.base": plist.UID(4), "NS.relative": plist.UID(6)},
		object{"NS.base": plist.UID(0), "NS.relative": plist.UID(5)}, "https://x.org/a/b", "../c")
	h.say(chatdb.Message{Columns: columns("balloon_bundle_id", "com.apple.messages.URLBalloonProvider", "payload_data", payload)})
	h.collect().want(t, "direct john", "john text: https://x.org/c")
}

func TestApp_WordsElseSummaryElseCaption(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	app := func(text string, payload []byte) {
		h.say(chatdb.Message{Text: text, Columns: columns("balloon_bundle_id", "com.apple.messages.MSMessageExtensionBalloonPlugin:0:x",
			"payload_data", payload)})
	}
	app("\uFFFD", appPayload(t, "John made a move", "Chess"))
	app("\uFFFD", appPayload(t, "", "Chess"))
	app("\uFFFD", appPayload(t, "", ""))
	app("\uFFFDlook", appPayload(t, "John made a move", ""))
	app("", keyed(t, object{"a": plist.UID(1)})) // an archive that holds itself
	h.collect().want(t, "direct john", "john text: John made a move", "john text: Chess", "john text: look").wantFate(t, sources.Empty, 2)
}

func TestApp_URLWithoutWords(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	app := func(text string, payload []byte) {
		h.say(chatdb.Message{Text: text, Columns: columns("balloon_bundle_id", "com.apple.messages.MSMessageExtensionBalloonPlugin:0:x",
			"payload_data", payload)})
	}
	direct := func(url string) []byte {
		return keyed(t, object{"NS.keys": []any{plist.UID(2)}, "NS.objects": []any{plist.UID(3)}}, "URL",
			object{"NS.base": plist.UID(0), "NS.relative": plist.UID(4)}, url)
	}
	app("\uFFFD", direct("https://x.org/game"))
	app("", linkPayload(t, "https://x.org/preview", ""))
	app("", keyed(t, object{"NS.base": plist.UID(0), "NS.relative": plist.UID(2)}, "https://x.org/root"))
	app("\uFFFDmine", direct("https://x.org/game"))
	app("\uFFFD", direct("data:?state=1"))
	app("\uFFFD", direct("?state=1"))
	app("\uFFFD", direct("app://x.org/1"))
	h.collect().want(t, "direct john", "john text: https://x.org/game", "john text: https://x.org/preview", "john text: https://x.org/root",
		"john text: mine").wantFate(t, sources.Empty, 3)
}

func TestSubject_PrecedesTheBody(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	guid := h.say(chatdb.Message{Text: "of the body", Columns: columns("subject", "of the subject")})
	h.say(chatdb.Message{FromMe: true, Tapback: chatdb.Loved, Target: "p:0/" + guid})
	h.say(chatdb.Message{FromMe: true, Text: "re", ReplyTo: guid})
	alone := h.say(chatdb.Message{Columns: columns("subject", "alone")})
	h.say(chatdb.Message{FromMe: true, Tapback: chatdb.Liked, Target: "p:0/" + alone})
	photo := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/a.png"})
	h.say(chatdb.Message{Attachments: []int64{photo}, Columns: columns("subject", "of a photo")})
	h.say(chatdb.Message{Text: "blank", Columns: columns("subject", " \uFFFC ")})
	h.say(chatdb.Message{Columns: columns("subject", "unsent", "date_retracted", 1)})
	h.collect().want(t, "direct john", "john text: of the subject", "john text: of the body", "me reaction: Loved <- of the body",
		"me text: re <- of the body", "john text: alone", "me reaction: Liked <- alone", "john text: of a photo", "john image: a.png", "john text: blank").
		wantFate(t, sources.Unsent, 1)
}

// A row that changes an earlier message is no message of its own, whoever caused it.
func TestChanged_IsTheEarlierMessage(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	poll := func(m chatdb.Message) string {
		m.Text, m.Columns = "\uFFFD", columns("balloon_bundle_id", "com.apple.messages.MSMessageExtensionBalloonPlugin:0:com.apple.messages.Polls",
			"payload_data", appPayload(t, "Poll: tea or coffee?", ""))
		return h.say(m)
	}
	guid := poll(chatdb.Message{})
	poll(chatdb.Message{FromMe: true, Tapback: 2, Target: guid})
	poll(chatdb.Message{Tapback: 2, Target: "p:0/" + guid})
	poll(chatdb.Message{Tapback: 2}) // of no other message
	h.collect().want(t, "direct john", "john text: Poll: tea or coffee?", "john text: Poll: tea or coffee?").wantFate(t, sources.Duplicates, 2)
}

// A date in the future is none, and the summary says so; a message that is to be sent later has one.
func TestDate_FutureIsSaid(t *testing.T) {
	h, db := newHistory(t, chatdb.Latest), fresh(t)
	next := chatdb.Nanoseconds(time.Now().AddDate(1, 0, 0))
	h.say(chatdb.Message{Text: "now"})
	h.say(chatdb.Message{Text: "wrong", Columns: columns("date", next)})
	h.say(chatdb.Message{Text: "planned", FromMe: true, Columns: columns("date", next, "schedule_type", 2)})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	include, err := imessage.ParseInclude("scheduled")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c := collectInto(t, h.path, db, sources.Options{Include: include})
		c.want(t, "direct john", "john text: now", "john text: wrong", "me text: planned")
		if want := []string{"1 rows have a date in the future; they keep their place among the others"}; !slices.Equal(c.summary.Notes, want) {
			t.Errorf("notes are %q", c.summary.Notes)
		}
		if at := time.Unix(0, c.messages[2].Date); at.Before(time.Now()) {
			t.Errorf("the planned message is of %v", at)
		}
	}
}

// pollPayload is what Messages keeps of a poll: JSON in a URL.
func pollPayload(t *testing.T, summary, title string, choices ...string) []byte {
	options := []any{}
	for _, choice := range choices {
		options = append(options, map[string]any{"optionIdentifier": choice + " 1", "text": choice, "attributedText": choice, "canBeEdited": false})
	}
	data, err := json.Marshal(map[string]any{"version": 1, "item": map[string]any{"title": title, "orderedPollOptions": options}})
	if err != nil {
		t.Fatal(err)
	}
	link := fmt.Sprintf("data:,%s?src=p&c=%d", base64.StdEncoding.EncodeToString(data), len(choices))
	return keyed(t,
		object{"NS.keys": []any{plist.UID(2), plist.UID(3)}, "NS.objects": []any{plist.UID(4), plist.UID(5)}, "$class": plist.UID(7)},
		"ldtext", "URL", summary, object{"NS.base": plist.UID(0), "NS.relative": plist.UID(6), "$class": plist.UID(8)}, link,
		object{"$classname": "NSDictionary", "$classes": []any{"NSDictionary", "NSObject"}}, object{"$classname": "NSURL", "$classes": []any{"NSURL", "NSObject"}})
}

// The choices of a poll are words, also those that were added later.
func TestPoll_ListsItsChoices(t *testing.T) {
	h, db := newHistory(t, chatdb.Latest), fresh(t)
	poll := func(m chatdb.Message, payload []byte) string {
		m.Text, m.Columns = "\uFFFD", columns("balloon_bundle_id", "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.messages.Polls", "payload_data", payload)
		return h.say(m)
	}
	guid := poll(chatdb.Message{}, pollPayload(t, "Sent a poll", "Where to?", "Mountains", "Sea & beach?"))
	poll(chatdb.Message{FromMe: true}, pollPayload(t, "Sent a poll", "", "Tea", "Café"))
	poll(chatdb.Message{}, pollPayload(t, "Poll: who comes?", ""))
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	first := collectInto(t, h.path, db, sources.Options{})
	first.want(t, "direct john", "john text: Where to?\nMountains\nSea & beach?", "me text: Tea\nCafé", "john text: Poll: who comes?")
	h.exec(fmt.Sprintf(`INSERT INTO message (guid, associated_message_guid, associated_message_type, balloon_bundle_id, payload_data, date, is_from_me)
		SELECT 'more', guid, 2, balloon_bundle_id, x'%x', date + 1, 1 FROM message WHERE guid = '%s'`, pollPayload(t, "Sent a poll", "Where to?", "Mountains", "Sea & beach?", "Home"), guid),
		fmt.Sprintf(`INSERT INTO chat_message_join (chat_id, message_id) SELECT %d, max(ROWID) FROM message`, h.dm))
	again := collectInto(t, h.path, db, sources.Options{})
	again.want(t, "direct john", "john text: Where to?\nMountains\nSea & beach?\nHome", "me text: Tea\nCafé", "john text: Poll: who comes?").wantFate(t, sources.Duplicates, 1)
}

func TestDate_MissingKeepsThePlace(t *testing.T) {
	at := func(minute int) int64 {
		return chatdb.Nanoseconds(time.Date(2024, 3, 15, 12, minute, 0, 0, time.UTC))
	}
	for name, missing := range map[string]any{"Zero": 0, "NULL": nil, "Negative": -1, "NegativeNanoseconds": -978307200000000000,
		"Future": chatdb.Nanoseconds(time.Now().AddDate(3, 0, 0)), "FarFuture": int64(math.MaxInt64), "FutureSeconds": 3_000_000_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, chatdb.Latest)
			say := func(text string, date any, others ...any) {
				h.say(chatdb.Message{Text: text, Columns: columns(append(others, "date", date)...)})
			}
			say("first, after the second row", missing)
			say("1", at(1))
			say("delivered later", missing, "date_delivered", at(5), "date_read", at(9))
			say("2", at(2))
			say("read", missing, "date_read", at(3))
			say("4", at(4))
			say("read much later", missing, "date_read", at(50))
			say("6", at(6))
			say("nothing", missing)
			say("7", at(7))
			h.collect().want(t, "direct john", "john text: first, after the second row", "john text: 1", "john text: 2", "john text: read", "john text: 4",
				"john text: read much later", "john text: delivered later", "john text: 6", "john text: nothing", "john text: 7")
		})
	}
}

// The date of a row without one follows those of its neighbors.
func TestDate_MissingIsCollectedAgain(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Text: "before"})
	h.say(chatdb.Message{Text: "undated", Columns: columns("date", 0)})
	for i := range 300 {
		h.say(chatdb.Message{Text: fmt.Sprint("later ", i), Chat: h.group})
	}
	h.say(chatdb.Message{Text: "undated in a group", Chat: h.group, Columns: columns("date", nil)})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	db := fresh(t)
	collectInto(t, h.path, db, sources.Options{})
	h.exec(fmt.Sprintf(`UPDATE message SET date = date + 1000000000 WHERE date > %d`, 0))
	h.wantAsAfresh(db, [2]int64{2, 400})
	h.exec(`DELETE FROM message WHERE ROWID = 1`)
	h.wantAsAfresh(db, [2]int64{1, 400})
	h.exec(fmt.Sprintf(`UPDATE message SET date = %d WHERE ROWID = 302`, 800000000000000000))
	h.wantAsAfresh(db, [2]int64{1, 400})
}

// An archive of anything but a string holds no message, whatever strings are in it.
func TestBody_OfOtherObjectsHoldsNoText(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	head := "\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84"
	words := "\x92\x84\x84\x84\x08NSString\x01\x94\x84\x01+\x05words\x86"
	archives := []string{
		head + "\x07NSArray\x00\x84\x84\x08NSObject\x00\x85\x84\x01i\x01" + words + "\x86",
		head + "\x0cNSDictionary\x00\x84\x84\x08NSObject\x00\x85\x84\x01i\x01" + words + words + "\x86",
		head + "\x05NSURL\x00\x84\x84\x08NSObject\x00\x85\x84\x01c\x00" + words + "\x86",
	}
	for _, archive := range archives {
		h.say(chatdb.Message{Columns: columns("attributedBody", []byte(archive))})
	}
	h.say(chatdb.Message{Columns: columns("attributedBody", []byte(archives[0]), "text", "of the column")})
	h.collect().want(t, "direct john", "john text: of the column").wantFate(t, sources.Empty, 3)
}

// Letters that are damaged are replaced, and the row is reported.
func TestBody_OfDamagedLettersIsReported(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Columns: columns("text", []byte("caf\xe9"))})
	h.say(chatdb.Message{Columns: columns("attributedBody", bytes.Replace(typedstream.EncodeString("cafee"), []byte("ee"), []byte("\xe9\xe9"), 1))})
	c := h.collect().want(t, "direct john", "john text: caf\uFFFD", "john text: caf\uFFFD")
	if got := fmt.Sprint(c.summary.Damaged); got != "{2 [1 2]}" {
		t.Errorf("damaged are %s", got)
	}
}

func TestCopies_RCSAndSMSAreOneMessage(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	rcs, sms := h.Handle("+15550000001", "RCS"), h.Handle("+15550000001", "SMS")
	when := h.now()
	say := func(handle int64, service, text string, after time.Duration) {
		h.say(chatdb.Message{Handle: handle, Text: text, Date: when.Add(after), Columns: columns("service", service)})
	}
	say(rcs, "RCS", "hello", 0)
	say(sms, "SMS", "hello", time.Second)
	say(sms, "SMS", "hello", 2*time.Second) // of RCS, there is one before
	say(sms, "SMS", "ok", time.Minute)
	say(sms, "SMS", "ok", time.Minute+time.Second)
	say(rcs, "RCS", "later", time.Hour)
	say(sms, "SMS", "later", time.Hour+time.Minute)
	say(h.mary, "SMS", "later", time.Hour+time.Minute)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	db := fresh(t)
	collectInto(t, h.path, db, sources.Options{}).wantFate(t, sources.Duplicates, 2)
	h.exec(`DELETE FROM message WHERE ROWID = 1`)
	h.wantAsAfresh(db, [2]int64{1, 10}).wantFate(t, sources.Duplicates, 0)
}

func TestBody_ThatCannotBeDecoded(t *testing.T) {
	whole := typedstream.Encode(chatdb.Parts(chatdb.Part{Text: "still here"}))
	cut := whole[:len(whole)-30]
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Columns: columns("attributedBody", cut)})
	h.say(chatdb.Message{Columns: columns("attributedBody", cut, "text", "of the column")})
	h.say(chatdb.Message{Columns: columns("attributedBody", []byte("rubbish"))})
	h.say(chatdb.Message{Columns: columns("attributedBody", typedstream.EncodeString("a plain string"))})
	h.collect().want(t, "direct john", "john text: still here", "john text: of the column", "john text: a plain string").
		wantFate(t, sources.Empty, 1)
}

func TestSender_OfADirectMessageWithoutAHandle(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Handle: 99, Text: "from a handle that is gone"})
	h.say(chatdb.Message{Chat: h.group, Handle: 99, Text: "who?"})
	h.collect().want(t, "direct john", "john text: from a handle that is gone").wantFate(t, sources.NoSender, 1)
}

func TestConversation_OfSeveralServicesAndChats(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	sms := h.Handle("+15550000001", "SMS")
	other := h.Chat(chatdb.Chat{Handles: []int64{sms}})
	h.say(chatdb.Message{Text: "blue"})
	h.say(chatdb.Message{Chat: other, Handle: sms, Text: "green"})
	room := h.Chat(chatdb.Chat{Group: true, Handles: []int64{sms, h.mary, h.john}})
	h.say(chatdb.Message{Chat: room, Handle: sms, Text: "1"})
	h.say(chatdb.Message{Chat: h.group, Text: "2"})
	h.collect().want(t, "direct john", "john text: blue", "john text: green", "group john mary", "john text: 1", "john text: 2")
}

func TestConversation_WithoutListedMembers(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	direct := h.Chat(chatdb.Chat{Identifier: "+15550000001"})
	h.say(chatdb.Message{Chat: direct, FromMe: true, Text: "hi"})
	listed := h.Chat(chatdb.Chat{Group: true, Identifier: "chat1", Handles: []int64{h.john, h.mary}})
	bare := h.Chat(chatdb.Chat{Group: true, Identifier: "chat1"})
	h.say(chatdb.Message{Chat: listed, Text: "1"})
	h.say(chatdb.Message{Chat: bare, Text: "2"})
	h.collect().want(t, "direct john", "me text: hi", "group john mary", "john text: 1", "john text: 2")
}

func TestMembers_WhoSpokeWasThere(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	bob := h.Handle("bob@x.org", "iMessage") // left, but the row that told it is gone
	h.say(chatdb.Message{Chat: h.group, Text: "1"})
	h.say(chatdb.Message{Chat: h.group, Handle: bob, Text: "2"})
	h.say(chatdb.Message{Chat: h.group, Text: "3"})
	h.collect().want(t, "group bob@x.org john mary", "john text: 1", "bob@x.org text: 2", "group john mary", "john text: 3")
}

// Who joined by one address and is on today's list by another is said to be absent before, by the one that joined.
func TestMembers_OfSeveralAddresses(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	mail := h.Handle("john@x.org", "iMessage")
	say := func(handle int64, text string) { h.say(chatdb.Message{Chat: h.group, Handle: handle, Text: text}) }
	say(h.mary, "before John came")
	h.say(chatdb.Message{Chat: h.group, Handle: h.mary, Columns: columns("item_type", 1, "other_handle", mail)})
	say(h.mary, "with John")
	say(mail, "from his Mac")
	say(h.john, "from his phone")
	rosters := map[string]string{}
	db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	collectInto(t, h.path, db, sources.Options{})
	reader, err := db.Reader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	conversations, err := reader.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range conversations {
		err := reader.WindowMessages(t.Context(), []messages.Conversation{c}, func(m *messages.WindowMessage) error {
			rosters[m.Text] = fmt.Sprint(c.Members)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"before John came": "[{mary@x.org false} {john@x.org true} {+15550000001 false}]",
		"with John":        "[{+15550000001 false} {john@x.org false} {mary@x.org false}]",
		"from his Mac":     "[{+15550000001 false} {john@x.org false} {mary@x.org false}]",
		"from his phone":   "[{+15550000001 false} {mary@x.org false}]",
	}
	if !maps.Equal(rosters, want) {
		t.Errorf("members %v, want %v", rosters, want)
	}
}

func TestOrder_TimeThenRowID(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	late, early := h.now().AddDate(0, 0, 1), h.now()
	for _, text := range []string{"b", "c"} {
		h.say(chatdb.Message{Date: late, Text: text})
	}
	h.say(chatdb.Message{Date: early, Text: "a"})
	h.collect().want(t, "direct john", "john text: a", "john text: b", "john text: c")
}

func TestAttachmentKinds(t *testing.T) {
	for _, c := range []struct {
		mime, uti, name string
		want            messages.Kind
	}{
		{"image/heic", "", "x", messages.Image}, {"IMAGE/JPEG; charset=binary", "", "x", messages.Image}, {"video/quicktime", "", "x", messages.Video},
		{"audio/amr", "", "x", messages.Audio}, {"text/vcard", "", "x", messages.Contact}, {"text/x-vlocation", "", "CL.loc.vcf", messages.Location},
		{"application/pdf", "", "x", messages.Document}, {"text/plain", "", "x", messages.Document}, {"text/calendar", "", "x", messages.Document},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "", "x", messages.Document},
		{"application/msword", "", "x", messages.Document}, {"application/x-iwork-keynote-sffkey", "", "x", messages.Document},
		{"application/vnd.apple.pages", "", "x", messages.Document}, {"application/zip", "", "x", messages.File},
		{"application/octet-stream", "public.jpeg", "x.jpg", messages.File},
		{"", "com.apple.coreaudio-format", "x", messages.Audio}, {"", "public.heic", "x", messages.Image}, {"", "public.mpeg-4", "x", messages.Video},
		{"", "public.mpeg-4-audio", "x", messages.Audio}, {"", "com.apple.quicktime-movie", "x", messages.Video},
		{"", "public.vcard", "x", messages.Contact}, {"", "public.vlocation", "x", messages.Location}, {"", "com.adobe.pdf", "x", messages.Document},
		{"", "com.apple.iwork.pages.sffpages", "x", messages.Document}, {"", "public.zip-archive", "x.png", messages.File},
		{"", "dyn.ah62d4rv4ge81k3u", "x.mov", messages.Video},
		{"", "", "a.JPG", messages.Image}, {"", "", "a.mov", messages.Video}, {"", "", "a.caf", messages.Audio}, {"", "", "a.pdf", messages.Document},
		{"", "", "a.key", messages.Document}, {"", "", "a.vcf", messages.Contact}, {"", "", "CL.loc.vcf", messages.Location},
		{"", "", "a.zip", messages.File}, {"", "", "a", messages.File},
	} {
		h := newHistory(t, chatdb.Latest)
		a := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/" + c.name, MIMEType: c.mime, UTI: c.uti})
		h.say(chatdb.Message{Attachments: []int64{a}, Body: chatdb.Parts(chatdb.Part{Attachment: "a"})})
		if got := h.collect().messages[0].Kind; got != c.want {
			t.Errorf("MIME type %q, UTI %q, name %q: %s, want %s", c.mime, c.uti, c.name, got, c.want)
		}
	}
}

func TestAttachmentName_LastElementElseTransferName(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	a := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/Library/Messages/Attachments/0a/IMG_1.HEIC", MIMEType: "image/heic",
		Columns: columns("transfer_name", "other.heic")})
	b := h.Attachment(chatdb.Attachment{GUID: "b", MIMEType: "image/heic", Columns: columns("transfer_name", "IMG_2.HEIC")})
	h.say(chatdb.Message{Attachments: []int64{a, b}, Body: chatdb.Parts(chatdb.Part{Attachment: "a"}, chatdb.Part{Attachment: "b"})})
	h.collect().want(t, "direct john", "john image: IMG_1.HEIC", "john image: IMG_2.HEIC")
}

package imessage_test

import (
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/sources/imessage/typedstream"
)

// The faults of the reference pipeline that belong to reading, each with its number there, and what we do instead.
// Fault 8 (changes that a watermark never sees) is in again_test.go, 10 in internal/contacts, 14 in internal/batch, 15 and 16
// in internal/windows; of fault 9 the reading of a live database is in open_test.go.

func TestFault01_OwnDirectMessagesFromAnotherDevice(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{FromMe: true, Handle: 0, Text: "from my phone"})
	h.say(chatdb.Message{FromMe: true, Handle: h.john, Text: "from this Mac"})
	h.collect().want(t, "direct john", "me text: from my phone", "me text: from this Mac")
}

func TestFault02_GroupsAreJoinedOnTheirChat(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Chat: h.group, Handle: h.mary, Text: "no room name", Columns: columns("cache_roomnames", nil)})
	h.say(chatdb.Message{Handle: h.john, Text: "a wrong one", Columns: columns("cache_roomnames", "chat123")})
	h.collect().want(t, "direct john", "john text: a wrong one", "group john mary", "mary text: no room name")
}

func TestFault02_DuplicateChatsDuplicateNothing(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	twin := h.Chat(chatdb.Chat{Handles: []int64{h.john}})
	empty := h.Chat(chatdb.Chat{Group: true})
	photo := h.Attachment(chatdb.Attachment{GUID: "at_0", Filename: "~/a/IMG.HEIC", MIMEType: "image/heic"})
	h.say(chatdb.Message{Chats: []int64{empty, twin, h.dm}, Body: chatdb.Parts(chatdb.Part{Attachment: "at_0"}), Attachments: []int64{photo}})
	h.say(chatdb.Message{Chats: []int64{twin}, Text: "in the twin"})
	h.say(chatdb.Message{Text: "in the first"})
	h.collect().want(t, "direct john", "john image: IMG.HEIC", "john text: in the twin", "john text: in the first")
}

func TestFault03_EveryAttachmentHasItsOwnType(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	a := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/memo.caf", UTI: "com.apple.coreaudio-format"}) // no MIME type
	b := h.Attachment(chatdb.Attachment{GUID: "b", Filename: "~/x/clip.mov", MIMEType: "video/quicktime"})
	h.say(chatdb.Message{Attachments: []int64{a, b}, Body: chatdb.Parts(chatdb.Part{Attachment: "b"}, chatdb.Part{Attachment: "a"})})
	h.collect().want(t, "direct john", "john video: clip.mov", "john audio: memo.caf")
}

func TestFault04_LongBodiesAndTheWordNSString(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	long := strings.Repeat("é", 40000)
	h.say(chatdb.Message{Text: long})
	h.say(chatdb.Message{Text: "an NSString is no NSDictionary"})
	h.collect().want(t, "direct john", "john text: "+long, "john text: an NSString is no NSDictionary")
}

func TestFault05_TapbacksOfEveryKindAndOnEveryPart(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	two := h.say(chatdb.Message{FromMe: true, Body: chatdb.Parts(chatdb.Part{Text: "first"}, chatdb.Part{Text: "second"})})
	for i, word := range []string{"Loved", "Liked", "Disliked", "Laughed", "Emphasized", "Questioned"} {
		h.say(chatdb.Message{Tapback: chatdb.Loved + i, Target: "p:1/" + two, Text: word + " “second”"})
	}
	h.say(chatdb.Message{Tapback: chatdb.Emoji, Emoji: "🔥", Target: "p:0/" + two, Text: "Reacted 🔥 to “first”"})
	h.say(chatdb.Message{Tapback: chatdb.Loved, Target: "p:-1/" + two})
	h.say(chatdb.Message{Tapback: chatdb.Loved, Target: "bp:" + two})
	h.say(chatdb.Message{Tapback: chatdb.Loved, Target: two})
	h.collect().want(t, "direct john", "me text: first", "me text: second",
		"john reaction: Loved <- second", "john reaction: Liked <- second", "john reaction: Disliked <- second",
		"john reaction: Laughed <- second", "john reaction: Emphasized <- second", "john reaction: Questioned <- second",
		"john reaction: 🔥 <- first", "john reaction: Loved <- first", "john reaction: Loved <- first", "john reaction: Loved <- first")
}

func TestFault05_TapbacksTakenBackAreAbsent(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	m := "p:0/" + h.say(chatdb.Message{Chat: h.group, FromMe: true, Text: "hello"})
	tap := func(handle int64, kind int, emoji string) {
		h.say(chatdb.Message{Chat: h.group, Handle: handle, FromMe: handle == 0, Tapback: kind, Emoji: emoji, Target: m, Text: "Removed a heart"})
	}
	tap(h.john, chatdb.Loved, "")
	tap(h.mary, chatdb.Loved, "")
	tap(0, chatdb.Liked, "")
	tap(h.john, chatdb.Loved, "") // taken back below; the one above stays
	tap(h.john, chatdb.Loved+chatdb.TakenBack, "")
	tap(0, chatdb.Loved+chatdb.TakenBack, "") // nobody took this back
	tap(h.mary, chatdb.Emoji, "🔥")
	tap(h.mary, chatdb.Emoji, "🎉")
	tap(h.mary, chatdb.Emoji+chatdb.TakenBack, "🔥")
	h.collect().want(t, "group john mary", "me text: hello", "john reaction: Loved <- hello", "mary reaction: Loved <- hello",
		"me reaction: Liked <- hello", "mary reaction: 🎉 <- hello").wantFate(t, sources.Removals, 3)
}

func TestFault05_TapbackToSomethingAbsentIsAbsent(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	spam := h.say(chatdb.Message{Text: "win a prize", Columns: columns("is_spam", 1)})
	h.say(chatdb.Message{Tapback: chatdb.Loved, Target: "p:0/" + spam})
	h.say(chatdb.Message{Tapback: chatdb.Loved, Target: "p:0/" + h.NewGUID()})
	h.say(chatdb.Message{Tapback: chatdb.Loved})
	h.collect().want(t).wantFate(t, sources.LostTarget, 3).wantFate(t, sources.Junk, 1)
}

func TestFault06_RenamesAndLinksAndAppsAreNoRubbish(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Chat: h.group, Columns: columns("item_type", 2, "group_title", "Fun")})
	h.say(chatdb.Message{Text: "\uFFFD", Columns: columns("balloon_bundle_id", "com.apple.messages.URLBalloonProvider",
		"payload_data", linkPayload(t, "https://x.org/sent", "https://x.org/led-to"))})
	h.say(chatdb.Message{Text: "\uFFFD", Columns: columns("balloon_bundle_id", "com.apple.PassbookUIService.PeerPaymentMessagesExtension",
		"payload_data", appPayload(t, "$10 Payment", ""))})
	h.collect().want(t, "direct john", "john text: https://x.org/sent", "john text: $10 Payment").wantFate(t, sources.GroupEvents, 1)
}

func TestFault07_SecondsAndNanoseconds(t *testing.T) {
	h := newHistory(t, chatdb.HighSierra)
	at := time.Date(2016, 5, 1, 10, 0, 0, 0, time.UTC)
	h.say(chatdb.Message{Text: "later", Date: at.Add(1500 * time.Millisecond)})
	seconds := int64(at.Sub(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)).Seconds()) // as before macOS 10.13
	h.say(chatdb.Message{Text: "earlier", Columns: columns("date", seconds)})
	c := h.collect().want(t, "direct john", "john text: earlier", "john text: later")
	if got := time.Unix(0, c.messages[0].Date); !got.Equal(at) {
		t.Errorf("date is %v, want %v", got, at)
	}
	if got := time.Unix(0, c.messages[1].Date); !got.Equal(at.Add(1500 * time.Millisecond)) {
		t.Errorf("date is %v", got)
	}
}

func TestFault09_NullService(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Text: "hello", Columns: columns("service", nil, "destination_caller_id", nil)})
	h.collect().want(t, "direct john", "john text: hello")
}

func TestFault11_DeletedJunkScheduledAndFailedAreLeftOut(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	h.say(chatdb.Message{Text: "stays"})
	h.say(chatdb.Message{Text: "junk", Columns: columns("is_spam", 1)})
	h.say(chatdb.Message{FromMe: true, Text: "tomorrow", Columns: columns("schedule_type", 2)})
	h.say(chatdb.Message{FromMe: true, Text: "failed", Columns: columns("error", 22, "is_sent", 0)})
	h.say(chatdb.Message{FromMe: true, Text: "went through after an error", Columns: columns("error", 22, "is_sent", 1)})
	h.say(chatdb.Message{Text: "received with an error", Columns: columns("error", 1)})
	deleted := h.say(chatdb.Message{Chats: []int64{}, Text: "deleted"})
	h.Exec(`INSERT INTO chat_recoverable_message_join (chat_id, message_id, delete_date)
		SELECT ?, ROWID, 1 FROM message WHERE guid = ?`, h.dm, deleted)
	h.say(chatdb.Message{Chats: []int64{}, Text: "in no chat"})
	h.collect().want(t, "direct john", "john text: stays", "me text: went through after an error", "john text: received with an error").
		wantFate(t, sources.RecentlyDeleted, 1).wantFate(t, sources.Junk, 1).wantFate(t, sources.Scheduled, 1).
		wantFate(t, sources.NeverSent, 1).wantFate(t, sources.NoChat, 1)
}

func TestFault11_UnknownSendersStay(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	filtered := h.Chat(chatdb.Chat{Handles: []int64{h.mary}, Columns: columns("is_filtered", 1)})
	h.say(chatdb.Message{Chat: filtered, Handle: h.mary, Text: "hello"})
	h.collect().want(t, "direct mary", "mary text: hello")
}

func TestFault12_AttachmentsNeedNoDescriptionAndNoMIMEType(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	photo := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/IMG.jpeg"})
	h.say(chatdb.Message{Attachments: []int64{photo}, Body: chatdb.Parts(chatdb.Part{Attachment: "a"})})
	c := h.collect().want(t, "direct john", "john image: IMG.jpeg")
	if len(c.files) != 1 || c.files[0].GUID != "a" {
		t.Errorf("the attachments are %+v", c.files)
	}
}

func TestFault12_VoiceMessageHasApplesTranscript(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	memo := h.Attachment(chatdb.Attachment{GUID: "a", Filename: "~/x/Audio Message.caf", UTI: "com.apple.coreaudio-format"})
	transcript := []typedstream.Attribute{{Name: "IMAudioTranscription", Value: typedstream.Value{Kind: typedstream.String, Text: "are you coming"}}}
	body := chatdb.Parts(chatdb.Part{Attachment: "a", Attributes: transcript})
	h.say(chatdb.Message{Body: body, Attachments: []int64{memo}, Columns: columns("is_audio_message", 1)})
	h.say(chatdb.Message{Body: body, Columns: columns("is_audio_message", 1)}) // the attachment's row is missing
	c := h.collect().want(t, "direct john", "john audio: are you coming").wantFate(t, sources.Empty, 1)
	if m := c.messages[0]; len(c.files) != 1 || c.files[0].Name != "Audio Message.caf" || m.Kind != messages.Audio {
		t.Errorf("message is %+v with %+v", m, c.files)
	}
}

func TestFault13_GroupsHaveTheMembersOfTheirTime(t *testing.T) {
	h := newHistory(t, chatdb.Latest)
	ann, bob := h.Handle("ann@x.org", "iMessage"), h.Handle("bob@x.org", "iMessage")
	room := h.Chat(chatdb.Chat{Group: true, Handles: []int64{h.john, ann}}) // today
	event := func(handle, other int64, item, action int) {
		h.say(chatdb.Message{Chat: room, Handle: handle, FromMe: handle == 0,
			Columns: columns("item_type", item, "group_action_type", action, "other_handle", other)})
	}
	h.say(chatdb.Message{Chat: room, Text: "1"}) // john, bob, mary
	event(h.john, ann, 1, 0)                     // john adds ann
	h.say(chatdb.Message{Chat: room, Text: "2"})
	event(0, h.mary, 1, 1) // I remove mary
	h.say(chatdb.Message{Chat: room, Text: "3"})
	event(bob, 0, 3, 0)    // bob leaves
	event(ann, 0, 3, 1)    // ann sets a photo
	event(h.john, 0, 2, 0) // john renames it
	h.say(chatdb.Message{Chat: room, Text: "4"})
	h.collect().want(t,
		"group ann@x.org bob@x.org john", "john text: 3",
		"group ann@x.org bob@x.org john mary", "john text: 2",
		"group ann@x.org john", "john text: 4",
		"group bob@x.org john mary", "john text: 1")
}

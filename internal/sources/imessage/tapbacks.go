package imessage

import (
	"strconv"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources/imessage/tapback"
)

// The values of associated_message_type.
const (
	messageChanged  = 2    // changes an earlier message of an app, such as a poll that gets another choice
	firstAssociated = 1000 // below: ordinary messages and messages of apps
	stickerPlaced   = 1000
	firstTapback    = tapback.First
	emojiTapback    = 2006
	stickerTapback  = 2007
	takenBack       = 1000 // added to a tapback's type
	pollVote        = 4000
)

// tapbackText returns the text of a tapback: a word or its emoji.
func tapbackText(kind int64, emoji string) string {
	if kind == emojiTapback {
		return strings.TrimSpace(emoji)
	}
	return tapback.Word(kind)
}

// parseTarget splits associated_message_guid: "p:2/GUID" names a part, "bp:GUID" a balloon, a bare GUID the message.
func parseTarget(associated string) (guid string, part int) {
	if rest, found := strings.CutPrefix(associated, "p:"); found {
		number, guid, found := strings.Cut(rest, "/")
		n, err := strconv.Atoi(number)
		switch {
		case !found:
			return rest, messages.WholeMessage
		case err != nil || n < 0:
			return guid, messages.WholeMessage
		}
		return guid, n
	}
	return strings.TrimPrefix(associated, "bp:"), messages.WholeMessage
}

// parseThreadPart reads thread_originator_part, "part:start:length", of an inline reply.
func parseThreadPart(s string) int {
	number, _, _ := strings.Cut(s, ":")
	if n, err := strconv.Atoi(number); err == nil && n >= 0 {
		return n
	}
	return messages.WholeMessage
}

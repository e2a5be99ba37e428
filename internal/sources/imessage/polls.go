package imessage

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// pollApp ends the balloon_bundle_id of a poll.
const pollApp = ":com.apple.messages.Polls"

// isPoll returns an SQL expression for whether a row is a poll, rather than a vote or another choice.
func (s *Source) isPoll() string {
	return fmt.Sprintf("(%s LIKE '%%%s' AND %s = 0)", s.text("message", "balloon_bundle_id"), pollApp, s.integer("message", "associated_message_type"))
}

// isPoll reports the same.
func (r *row) isPoll() bool {
	at := len(r.balloon) - len(pollApp)
	return r.tapback == 0 && at >= 0 && strings.EqualFold(r.balloon[at:], pollApp)
}

// newChoices returns an SQL expression for the payload of the last row that changed a poll.
func (s *Source) newChoices() string {
	if !s.has("message", "associated_message_guid", "associated_message_type", "payload_data", "balloon_bundle_id") {
		return "NULL"
	}
	return fmt.Sprintf(`CASE WHEN message.balloon_bundle_id IS NOT NULL AND %s THEN (SELECT other.payload_data FROM message other WHERE other.associated_message_guid IN (message.guid, 'p:0/' || message.guid,
		'bp:' || message.guid) AND other.associated_message_type = %d AND other.payload_data IS NOT NULL ORDER BY other.ROWID DESC LIMIT 1) END`, s.isPoll(), messageChanged)
}

// pollWords returns the question of a poll and its choices, a line each; "" if the payload lists no choices. The payload's URL
// has them as JSON: data:,BASE64?src=p&c=2.
func pollWords(payload []byte) string {
	root := decodePlist(payload)
	if root == nil {
		return ""
	}
	content, _ := unarchive(root).(map[string]any)
	data, is := strings.CutPrefix(trimmed(content["URL"]), "data:")
	if !is {
		return ""
	}
	if _, after, found := strings.Cut(data, ","); found {
		data = after
	}
	var poll struct {
		Item struct {
			Title              string
			OrderedPollOptions []struct{ Text, AttributedText any }
		}
	}
	if json.Unmarshal(jsonOf(data), &poll) != nil {
		return ""
	}
	lines := []string{strings.TrimSpace(poll.Item.Title)}
	for _, o := range poll.Item.OrderedPollOptions {
		text := trimmed(o.Text)
		if text == "" {
			text = trimmed(o.AttributedText)
		}
		lines = append(lines, text)
	}
	if len(lines) == 1 {
		return ""
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// jsonOf returns the content of a data URL, behind its comma: base64, with or without padding, or plain.
func jsonOf(data string) []byte {
	encoded, _, _ := strings.Cut(data, "?")
	encoded = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/", "%2B", "+", "%2F", "/", "%3D", "").Replace(encoded), "=")
	if decoded, err := base64.RawStdEncoding.DecodeString(encoded); err == nil {
		return decoded
	}
	if plain, err := url.PathUnescape(data); err == nil {
		return []byte(plain)
	}
	return []byte(data)
}

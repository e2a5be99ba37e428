package slack

import "strings"

// emojiOf are the emoji with common names; others keep their names.
var emojiOf = map[string]string{
	"+1": "👍", "thumbsup": "👍", "-1": "👎", "thumbsdown": "👎", "heart": "❤️", "joy": "😂", "smile": "😄", "smiley": "😃", "grin": "😁", "grinning": "😀",
	"laughing": "😆", "sweat_smile": "😅", "rolling_on_the_floor_laughing": "🤣", "wink": "😉", "blush": "😊", "slightly_smiling_face": "🙂",
	"upside_down_face": "🙃", "heart_eyes": "😍", "kissing_heart": "😘", "thinking_face": "🤔", "neutral_face": "😐", "expressionless": "😑",
	"unamused": "😒", "face_with_rolling_eyes": "🙄", "grimacing": "😬", "cry": "😢", "sob": "😭", "disappointed": "😞", "angry": "😠", "rage": "😡",
	"scream": "😱", "flushed": "😳", "sunglasses": "😎", "stuck_out_tongue": "😛", "shrug": "🤷", "facepalm": "🤦", "clap": "👏", "pray": "🙏",
	"wave": "👋", "ok_hand": "👌", "raised_hands": "🙌", "muscle": "💪", "eyes": "👀", "fire": "🔥", "tada": "🎉", "rocket": "🚀", "100": "💯",
	"white_check_mark": "✅", "heavy_check_mark": "✔️", "x": "❌", "warning": "⚠️", "sparkles": "✨", "star": "⭐", "broken_heart": "💔",
	"purple_heart": "💜", "blue_heart": "💙", "green_heart": "💚", "yellow_heart": "💛", "point_up": "☝️", "bulb": "💡", "beers": "🍻", "coffee": "☕",
}

// emojis returns a text with emoji in place of their common names, such as :joy: and :+1::skin-tone-2:.
func emojis(text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, ":")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, after, closed := strings.Cut(rest, ":")
		emoji, known := emojiOf[name]
		if base, _, toned := strings.Cut(name, "::"); !known && toned {
			emoji, known = emojiOf[base]
		}
		if !closed || !known {
			out.WriteByte(':')
			text = rest
			continue
		}
		out.WriteString(emoji)
		if text = after; strings.HasPrefix(text, ":skin-tone-") {
			if _, behind, whole := strings.Cut(text[1:], ":"); whole {
				text = behind
			}
		}
	}
}

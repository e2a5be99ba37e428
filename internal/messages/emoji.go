package messages

import "strings"

// Before 2011 iPhones wrote emoji as characters for private use, as SoftBank's telephones did: U+E001 to U+E05A, U+E101 to
// U+E15A, and so on.
const (
	firstPrivate = 0xe001
	lastPrivate  = 0xe5ff
)

// todaysEmoji returns a text with the emoji of Unicode in place of those of private use.
func todaysEmoji(text string) string {
	const lead = 0xee // the first byte of all of them in UTF-8
	if strings.IndexByte(text, lead) < 0 {
		return text
	}
	var out strings.Builder
	for _, c := range text {
		if emoji := todaysEmojiOf(c); emoji != "" {
			out.WriteString(emoji)
		} else {
			out.WriteRune(c)
		}
	}
	return out.String()
}

// todaysEmojiOf returns the emoji for a character of private use, "" for any other.
func todaysEmojiOf(c rune) string {
	if c < firstPrivate || c > lastPrivate {
		return ""
	}
	block, at := privateEmoji[c>>8&0xf], int(c&0xff)-1
	if at < 0 || at >= len(block) || block[at] == "-" {
		return ""
	}
	return block[at]
}

// privateEmoji are today's emoji for U+E001…, U+E101…, …, U+E501…; a dash stands for one that Unicode does not have.
var privateEmoji = [6][]string{
	strings.Fields(`👦 👧 💋 👨 👩 👕 👟 📷 ☎️ 📱 📠 💻 👊 👍 ☝️ ✊ ✌️ ✋ 🎿 ⛳ 🎾 ⚾ 🏄 ⚽ 🐟 🐴 🚗 ⛵ ✈️ 🚃
		🚅 ❓ ❗ ❤️ 💔 🕐 🕑 🕒 🕓 🕔 🕕 🕖 🕗 🕘 🕙 🕚 🕛 🌸 🔱 🌹 🎄 💍 💎 🏠 ⛪ 🏢 🚉 ⛽ 🗻 🎤
		🎥 🎵 🔑 🎷 🎸 🎺 🍴 🍸 ☕ 🍰 🍺 ⛄ ☁️ ☀️ ☔ 🌙 🌄 👼 🐱 🐯 🐻 🐶 🐭 🐳 🐧 😊 😃 😞 😠 💩`),
	strings.Fields(`📫 📮 📩 📲 😜 😍 😱 😓 🐵 🐙 🐷 👽 🚀 👑 💡 🍀 💏 🎁 🔫 🔍 🏃 🔨 🎆 🍁 🍂 👿 👻 💀 🔥 💼
		💺 🍔 ⛲ ⛺ ♨️ 🎡 🎫 💿 📀 📻 📼 📺 👾 〽️ 🀄 🆚 💰 🎯 🏆 🏁 🎰 🐎 🚤 🚲 🚧 🚹 🚺 🚼 💉 💤
		⚡ 👠 🛀 🚽 🔊 📢 🎌 🔒 🔓 🌆 🍳 📖 💱 💹 📡 💪 🏦 🚥 🅿️ 🚏 🚻 👮 🏣 🏧 🏥 🏪 🏫 🏨 🚌 🚕`),
	strings.Fields(`🚶 🚢 🈁 💟 ✴️ ✳️ 🔞 🚭 🔰 ♿ 📶 ♥️ ♦️ ♠️ ♣️ #️⃣ ➿ 🆕 🆙 🆒 🈶 🈚 🈷️ 🈸 🔴 🔲 🔳 1️⃣ 2️⃣ 3️⃣
		4️⃣ 5️⃣ 6️⃣ 7️⃣ 8️⃣ 9️⃣ 0️⃣ 🉐 🈹 🈂️ 🆔 🈵 🈳 🈯 🈺 👆 👇 👈 👉 ⬆️ ⬇️ ➡️ ⬅️ ↗️ ↖️ ↘️ ↙️ ▶️ ◀️ ⏩
		⏪ 🔯 ♈ ♉ ♊ ♋ ♌ ♍ ♎ ♏ ♐ ♑ ♒ ♓ ⛎ 🔝 🆗 ©️ ®️ 📳 📴 ⚠️ 💁`),
	strings.Fields(`📝 👔 🌺 🌷 🌻 💐 🌴 🌵 🚾 🎧 🍶 🍻 ㊗️ 🚬 💊 🎈 💣 🎉 ✂️ 🎀 ㊙️ 💽 📣 👒 👗 👡 👢 💄 💅 💆
		💇 💈 👘 👙 👜 🎬 🔔 🎶 💓 💗 💘 💙 💚 💛 💜 ✨ ⭐ 💨 💦 ⭕ ❌ 💢 🌟 ❔ ❕ 🍵 🍞 🍦 🍟 🍡
		🍘 🍚 🍝 🍜 🍛 🍙 🍢 🍣 🍎 🍊 🍓 🍉 🍅 🍆 🎂 🍱 🍲`),
	strings.Fields(`😥 😏 😔 😁 😉 😣 😖 😪 😝 😌 😨 😷 😳 😒 😰 😲 😭 😂 😢 ☺️ 😄 😡 😚 😘 👀 👃 👂 👄 🙏 👋
		👏 👌 👎 👐 🙅 🙆 💑 🙇 🙌 👫 👯 🏀 🏈 🎱 🏊 🚙 🚚 🚒 🚑 🚓 🎢 🚇 🚄 🎍 💝 🎎 🎓 🎒 🎏 🌂
		💒 🌊 🍧 🎇 🐚 🎐 🌀 🌾 🎃 🎑 🍃 🎅 🌅 🌇 🌃 🌈`),
	strings.Fields(`🏩 🎨 🎩 🏬 🏯 🏰 🎦 🏭 🗼 - 🇯🇵 🇺🇸 🇫🇷 🇩🇪 🇮🇹 🇬🇧 🇪🇸 🇷🇺 🇨🇳 🇰🇷 👱 👲 👳 👴 👵 👶 👷 👸 🗽 💂
		💃 🐬 🐦 🐠 🐤 🐹 🐛 🐘 🐨 🐒 🐑 🐺 🐮 🐰 🐍 🐔 🐗 🐫 🐸 🅰️ 🅱️ 🆎 🅾️ 👣 ™️`),
}

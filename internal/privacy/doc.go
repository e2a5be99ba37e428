// Package privacy keeps private things out of messages.db. It replaces private values in text with stand-ins: telephone
// numbers, e-mail addresses, numbers of cards, accounts and ids, one-time codes, postal addresses and coordinates, keys and
// passwords. And it holds the policy that messages.db follows: which kinds are replaced, and which people are forgotten.
//
// In: a text, and the settings of a [Redactor]; the [Policy] of a database. Out: the text with a stand-in for each value, such
// as [phone k7qm2xwa]. It must not know: message sources, windows.
//
// A value has the same stand-in wherever and however it is written, so that redacting a text again changes nothing, and equal
// values remain recognizable. Stand-ins come from a keyed digest: without the key they reveal nothing, but with it one could
// try all telephone numbers.
//
// A [text] is prepared once: letters and digits of full width become ASCII (text.go), and one pass finds the words that introduce
// values, such as "password" in some 30 languages (lexicon.go, words.go). said.go reads the value that such a word introduces. Each
// kind has its finder: contact.go, account.go, code.go, postal.go, key.go; the parts of these are in files named for what they find.
// Where spans of different kinds overlap, the first in [Kinds] wins. Each finder checks first, by what newText counted, whether the
// text can hold what it looks for.
package privacy

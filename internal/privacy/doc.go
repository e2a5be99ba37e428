// Package privacy keeps private things out of messages.db. It replaces private values in text with stand-ins: telephone
// numbers, e-mail addresses, numbers of cards and accounts, one-time codes, postal addresses, keys and passwords. And it
// holds the policy that messages.db follows: which kinds are replaced, and which people are forgotten.
//
// In: a text, and the settings of a [Redactor]; the [Policy] of a database. Out: the text with a stand-in for each value, such
// as [phone k7qm2xwa]. It must not know: message sources, windows.
//
// A value has the same stand-in wherever and however it is written, so that redacting a text again changes nothing, and equal
// values remain recognizable. Stand-ins come from a keyed digest: without the key they reveal nothing, but with it one could
// try all telephone numbers.
//
// Each kind has its file: contact.go, account.go, code.go, postal.go, key.go. Where spans of different kinds overlap, the
// first in [Kinds] wins.
package privacy

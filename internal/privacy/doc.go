// Package privacy replaces private values in text: telephone numbers, e-mail addresses, numbers of cards and accounts,
// one-time codes, postal addresses, and keys and passwords.
//
// What enters: a text, and the settings of a [Redactor]. What leaves: the text with a stand-in for each value, such as
// [phone k7qm2xwa]. The same value gives the same stand-in wherever and however it is written, so that a text that is
// redacted again stays as it is, and who compares texts still sees what is equal. It must not know where texts come from.
//
// Stand-ins come from a keyed digest. They say nothing of the value to those who do not have the key; whoever has it can
// try all telephone numbers.
//
// One kind a file: contact.go, account.go, code.go, postal.go, key.go. Each finds spans of a text; where spans overlap
// the kind that comes first in [Kinds] wins.
package privacy

// Package androidsms reads what the Android app "SMS Backup & Restore" writes: sms-20240315190203.xml.
//
// In: the path of the file. Out: its messages, through source.Sink; the file says itself what the owner
// sent. It must not know contacts, windows or training.
//
// The app writes each half of an emoji as a character of its own (&#55357;&#56832;), which is no XML, and pictures as base64
// within attributes: mend.go makes a file that can be read as a stream of it, whatever its size.
package androidsms

// Package androidsms reads the backups of the Android app "SMS Backup & Restore": sms-20240315190203.xml.
//
// In: the path of the file. Out: its messages, through source.Sink. The file itself says what the owner sent. It must not
// know contacts, windows or training.
//
// The app writes each half of an emoji as a separate character reference (&#55357;&#56832;), which is not valid XML, and
// pictures as base64 within attributes. mend.go turns the file into a readable stream, whatever its size.
package androidsms

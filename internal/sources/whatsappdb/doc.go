// Package whatsappdb reads WhatsApp's own databases: msgstore.db of Android, decrypted, and ChatStorage.sqlite of an iPhone.
//
// In: the path of the database, or of a folder that holds it, and the owner's names. Out: its messages, through source.Sink. It must not
// know contacts, windows or training, nor WhatsApp's exported texts.
//
// Both databases state the same: android.go and iphone.go turn their rows into entries, and read.go these into messages. A message is
// identified by the key that all phones have for it.
package whatsappdb

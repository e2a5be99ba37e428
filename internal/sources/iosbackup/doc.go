// Package iosbackup decrypts files of an iPhone's encrypted backup.
//
// In: the folder of a backup and its passphrase. Out: decrypted copies of the files that are asked for, laid out in
// a folder as an unencrypted backup has them. It must not know what is in the files.
//
// # How a backup is encrypted
//
// Manifest.plist holds a keybag (keybag.go): the class keys of the phone's protection classes, each wrapped (unwrap.go,
// RFC 3394) with a key that PBKDF2 makes of the passphrase: with SHA-256 and ten million iterations, since iOS 10.2, and
// what comes out again with SHA-1. One class key unwraps the key of Manifest.db, which lists the files (manifest.go): of each
// its name in the backup (the SHA-1 of domain and path), its class, and its own key wrapped with that of the class. Files
// are AES-256 in CBC mode with an initial vector of zeros, padded as PKCS #7 says (decrypt.go).
package iosbackup

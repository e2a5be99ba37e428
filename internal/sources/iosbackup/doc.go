// Package iosbackup decrypts files of an iPhone's encrypted backup.
//
// In: the folder of a backup and its passphrase. Out: decrypted copies of the requested files, in a folder with the layout
// of an unencrypted backup. It must not know what is in the files.
//
// # How a backup is encrypted
//
// Manifest.plist holds a keybag (keybag.go): the class keys of the phone's protection classes. Each is wrapped (unwrap.go,
// RFC 3394) with a key that PBKDF2 derives from the passphrase: since iOS 10.2 with SHA-256 and ten million iterations
// first, and then from that result with SHA-1. One class key unwraps the key of Manifest.db, which lists the files
// (manifest.go). For each file it holds the name in the backup (the SHA-1 of domain and path), the class, and the file's
// own key wrapped with the class key. Files are AES-256 in CBC mode with an initialization vector of zeros and PKCS #7
// padding (decrypt.go).
package iosbackup

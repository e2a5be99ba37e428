// Package sqlcipher decrypts databases of SQLCipher 4 with its default settings and a raw key.
//
// In: the path of a database and its key of 32 bytes. Out: a decrypted copy, in which the changes of the -wal file are made, and what of
// the database is damaged. It must not know what the database holds, nor where its key comes from.
//
// # How a database is encrypted
//
// Each page has 4096 bytes: AES-256 in CBC mode, then in the last 80 bytes the initialization vector and an HMAC-SHA512 of both and of
// the page's number (page.go). The first 16 bytes of the file are a salt from which, with the key, the HMAC's key is derived. The pages
// in a -wal file are encrypted in the same way; its headers and checksums are SQLite's (wal.go).
package sqlcipher

// Package blind makes a test that people take: at moments of real conversations, which of several replies is the real one?
//
// In: moments with the real reply and written ones; later the answers that people send back. Out: a web page that loads nothing, a
// key, and scores with 95% intervals. It must not know: models, windows, where files are.
//
// The key is not in the page. The page and every answer name the key's hash instead, the seal, so nobody can change the key after
// the answers are in. The key holds random bytes, so trying all keys does not find the one with that hash.
package blind

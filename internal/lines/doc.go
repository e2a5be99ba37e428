// Package lines reads text a line at a time.
//
// In: a reader of text. Out: its lines, numbered from 1, without the byte order mark that Windows editors put at the
// beginning of a file ([Each]); or the result of a function of each line, computed on all cores and written in the order
// of the lines ([Map]). At no time is more than a few MiB of the stream in memory, single longer lines aside. The package
// must not know what the lines hold.
package lines

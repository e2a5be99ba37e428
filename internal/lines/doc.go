// Package lines reads text line by line.
//
// In: a reader. Out: its lines, numbered from 1, without the byte order mark that Windows editors put at the beginning of a
// file ([Each], [EachRaw]); or the results of a function for each line, computed on all cores and written in order ([Map]). It
// must not know: what the lines hold.
//
// Apart from longer single lines, only a few MiB of the stream are in memory at a time.
package lines

// Package lines reads text line by line.
//
// In: a reader. Out: its lines, numbered from 1 ([Each], [EachRaw]), or the results of a function for each line, computed on
// all cores and written in order ([Map]). The byte order mark that Windows editors put at the beginning of a file is skipped.
// It must not know: what the lines hold.
//
// A line may be at most 16 MiB long. Apart from longer single lines, only a few MiB of the stream are in memory at a time.
package lines

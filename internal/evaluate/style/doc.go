// Package style measures how far texts written in a person's place are from what the person writes, in eight features: length, emoji,
// punctuation, capitals, spelling, laughter, vocabulary, and what a classifier of authors says.
//
// In: texts of each person: held-out ones, those written in their places, those of the people they write with, and those trained
// on. Out: a Report of distances with 95% intervals. It must not know: models, windows, files.
//
// A distance between two small samples of one person is not zero. So each distance stands between two others: the floor, between
// two halves of the person's own texts, and the ceiling, to the texts of other people. All three are between samples of the same size,
// drawn many times without replacement. A half of a sample, drawn so, varies around the sample as the sample does around the person,
// which makes the spread of the drawn distances an interval for the distance (the delete-half jackknife).
package style

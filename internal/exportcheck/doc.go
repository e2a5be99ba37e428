// Package exportcheck compares an exported model with the base model and the adapter that it was made from, by two witnesses: the
// weights in the file, and what the engine computes with them.
//
// In: an open base model, an adapter or none, the path of an export, and windows of ids. Out: the first weight that is not the one
// that the format rounds to, or Runs, the greedy texts and log-probabilities of a model, and a Comparison of two of them. It knows the
// formats from their own descriptions: names of tensors and keys, scales and roundings are not those of the code that writes. It must
// not know: the command line, and where windows come from.
package exportcheck

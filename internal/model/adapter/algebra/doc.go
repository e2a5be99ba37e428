// Package algebra measures and compares what adapters change in the weights, and finds adapters of lower rank.
//
// In: adapters. Out: norms, inner products, and adapters with the error that they make. Everything is computed in float64 from the
// matrices A and B; the changes scale B A, which are as large as the base model, are never formed. It must not know: files, the
// base model, the command line.
package algebra

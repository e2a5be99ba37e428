// Package evaluate measures how well a model writes: the likelihood of real messages, whether it tells their authors apart, and
// the share of its own messages that are well formed.
//
// In: windows (a windows.List) and which of them to use, sentences that were planted when the model was trained, a tokenizer, an engine trainer that computes losses, an
// engine session that scores lines, a generate.Generator. Out: a Report, and Comparisons of a real message with one that the model
// writes in its place. It must not know: files, the command line, how losses are computed.
//
// The loss is the mean over all target tokens, the perplexity its exponential. Well-formedness is measured without the
// grammar that vqctl generate uses by default, because with it every message is well formed.
//
// Intervals resample conversations if there are at least ten of them, else windows, never tokens: the tokens of a window are not
// independent of each other. Two models are compared on the same windows.
package evaluate

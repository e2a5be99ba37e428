// Package evaluate says how well a model writes: how likely it finds the messages that people really wrote, and how many
// of its own are well formed.
//
// What enters: windows (windows.Source), which of them to look at, a tokenizer, an engine trainer that gives losses, an
// infer.Writer. What leaves: a Report, and Comparisons of a real message with one that the model writes in its place.
//
// The loss is the mean over all target tokens, the perplexity its exponential. Well-formedness is measured without the
// grammar that vqctl generate ordinarily writes under: under it everything would be.
//
// What it must not know: files, the command line, how losses are computed.
package evaluate

// Package remote writes messages with a model that another program runs: llama.cpp's server, Ollama, or any server with OpenAI's
// /v1/completions.
//
// In: an address, and conversations. Out: continuations that the grammar of lines accepts, as generate.Writer gives them. It must not
// know: the engine, tokenizers, the command line.
//
// The prompt is the text that the engine reads. llama.cpp gets the grammar as GBNF; so does a server of OpenAI's kind until it refuses
// the field. Whatever a server writes is checked against the grammar, and drawn again where it does not fit.
package remote

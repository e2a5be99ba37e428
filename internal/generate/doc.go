// Package generate writes the next message of a conversation.
//
// In: a conversation (windows.Header and windows.Message values) and who writes next; a Model, which computes the logits of
// the next token; a tokenizer. Out: continuations of the prompt, as messages or as raw text. It must not know: files, the
// command line, the engine's arithmetic.
//
// Terms: the prompt is the lines of the conversation plus the prefill, the beginning of the next line up to its author's
// name. A continuation is what the model writes after it, up to the end of the line. Unless the caller asks for raw text, a
// Grammar restricts each token to those after which the line can still become a well-formed message within the remaining
// tokens; nothing is repaired afterwards.
//
// A decoding pass takes a few tokens for the time of one. A Generator therefore decodes guesses of the next tokens together with
// the last one: text that the grammar forces, and what followed the same tokens earlier. Each token is drawn from the logits that
// it would have without guesses: the same on the CPU, within rounding on a GPU.
//
// A Generator keeps the tokens it has read in the model's KV cache and prefills only what is new in the next prompt.
package generate

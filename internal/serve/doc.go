// Package serve answers HTTP requests as the people that a model was trained on, in the form of OpenAI's API: each person is a model.
// It also sends a web page, which uses this API and shows the real messages.
//
// In: a generate.Pool and a tokenizer per adapter, the names of the people, the owner's name, the defaults of sampling. Out: an
// http.Handler. It must not know: files, the command line, where models come from.
//
// One goroutine, the scheduler, owns the pools. A handler queues a job and reads its tokens from a buffer, so that a slow client
// delays nobody else; a client that leaves frees its place at the next step.
package serve

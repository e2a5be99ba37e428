// Package tiny holds the base model embedded in the program: a model of Qwen3's architecture with four million parameters and
// the first few thousand merges of Qwen3's tokenizer, so that every command works without a download.
//
// In: nothing. Out: the model's folder in Hugging Face's layout. It must not know: file formats, which internal/model reads.
// README.md in this folder is the model card; days.txt lists the days of chat that it was pretrained on.
package tiny

import "embed"

// Files is the model's folder.
//
//go:embed config.json generation_config.json model.safetensors tokenizer.json tokenizer_config.json
var Files embed.FS

// Days lists the days of the bundled chat that the model has seen, one "2004-12-25 train" per line; "held-out" marks the days
// on which its perplexity was measured.
//
//go:embed days.txt
var Days string

// Package tiny holds the base model inside the program: a Qwen3-architecture model of four million parameters with the
// first few thousand merges of Qwen3's tokenizer, so that every command works without a download.
//
// Nothing enters; what leaves is the model's folder as Hugging Face lays it out. It knows no formats: internal/model
// reads the files. README.md in this folder is the model card, days.txt the days of chat that it was pretrained on.
package tiny

import "embed"

// Files is the model's folder.
//
//go:embed config.json generation_config.json model.safetensors tokenizer.json tokenizer_config.json
var Files embed.FS

// Days lists the days of the bundled chat that the model has seen, a line "2004-12-25 train" each; "held-out" marks the
// days that its perplexity was measured on.
//
//go:embed days.txt
var Days string

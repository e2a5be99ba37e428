package main

import (
	"context"
	"time"
	"unicode/utf8"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/windows"
)

// chat lets a base model, that of -model or the built-in one, write a conversation, and measures how many characters of message
// text it writes per second: names, keys and quotes take time but are no text.
func chat(o options, result map[string]any) error {
	const messages = 24
	name := o.model
	if name == "" {
		name = model.Tiny
	}
	base, err := model.Resolve(name)
	if err != nil {
		return err
	}
	weights, err := formatNamed(o.weights)
	if err != nil {
		return err
	}
	l, err := load.Open(base, "", load.Options{Precision: o.precision, Weights: weights, Threads: o.threads})
	if err != nil {
		return err
	}
	defer l.Close()
	var characters, tokens, best float64
	for range o.repeat {
		g := generate.NewGenerator(generate.OnEngine(l.Model, l.Adapter), l.Tokenizer, nil)
		var took time.Duration
		if characters, tokens, took, err = converse(g, l, messages); err != nil {
			return err
		}
		g.Close()
		if rate := characters / took.Seconds(); rate > best {
			best = rate
			result["decode_tokens_per_second"] = tokens / took.Seconds()
		}
	}
	result["characters_per_second"] = best
	result["tokens_per_character"] = tokens / characters
	return nil
}

// converse writes messages in turn and returns how much text and how many tokens they have, and the time of decoding them.
func converse(g *generate.Generator, l *load.Loaded, messages int) (characters, tokens float64, took time.Duration, err error) {
	people := []string{"Ada", "Ben"}
	c := generate.Conversation{Header: windows.NewHeader("", people, "2024-03-15"),
		Messages: []windows.Message{{Name: "Ben", Delta: "<1m", ContentType: "text", Text: "which ubuntu do you have?"}}}
	if err := g.Reserve(messages*200, 1); err != nil {
		return 0, 0, 0, err
	}
	for i := range messages {
		as := people[i%2]
		o := generate.Options{Sampling: generate.Sampling{Temperature: 0.8, TopP: 0.9, Seed: uint64(i)}, MaxNewTokens: 100}
		written, err := g.Continue(context.Background(), c.Tokens(l.Tokenizer, as), 1, o, nil)
		if err != nil {
			return 0, 0, 0, err
		}
		m, err := generate.ParseContinuation(as, written[0].Text)
		if err != nil {
			return 0, 0, 0, err
		}
		c.Messages = append(c.Messages, m)
		characters += float64(utf8.RuneCountInString(m.Text))
		tokens += float64(len(written[0].IDs))
		took += written[0].Decode
	}
	return characters, tokens, took, nil
}

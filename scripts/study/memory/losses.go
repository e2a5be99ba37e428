package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"ventriloquist/internal/demo"
	"ventriloquist/internal/evaluate"
	"ventriloquist/internal/load"
	"ventriloquist/internal/model"
	"ventriloquist/internal/windows"
)

// losses are the losses of the held-out messages.
type losses struct {
	Targets []target
}

// target is a held-out message.
type target struct {
	Window     int
	Author     string
	Kinds      []string // that it is one of
	Remembers  bool     // it has memories
	Tokens     int
	Sum        float64 // of its tokens' losses
	Difference float64 `json:"-"` // of the sums, with and without memories
}

// lossesOf measures an adapter on the held-out messages of a database.
func lossesOf(ctx context.Context, database, adapter string, tokens, threads int) (*losses, error) {
	base, err := model.Resolve(demo.Base)
	if err != nil {
		return nil, err
	}
	l, err := load.Open(base, adapter, load.Options{Precision: "f32", Threads: threads})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	list, err := windows.OpenDatabase(ctx, database, nil)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	train, heldOut := windows.Split(list)
	list = windows.WithMemory(list, tokens, func(line string) int { return len(l.Tokenizer.AppendEncodeOrdinary(nil, line)) })
	set, err := evaluate.NewSet(ctx, list, heldOut, l.Tokenizer, 4096, nil)
	if err != nil {
		return nil, err
	}
	trainer, err := l.Model.NewTrainer(l.Adapter, set.Limits(), false)
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	scores, err := set.Score(ctx, trainer, nil)
	if err != nil {
		return nil, err
	}
	known, err := knownWords(list, train)
	if err != nil {
		return nil, err
	}
	all := &losses{}
	for _, p := range scores.Parts {
		w, err := list.Window(p.Window)
		if err != nil {
			return nil, err
		}
		m, err := windows.ParseMessage(w.TargetLines()[0].Text)
		if err != nil {
			return nil, err
		}
		all.Targets = append(all.Targets, target{Window: p.Window, Author: p.Author, Kinds: kindsOf(m.Text, known), Remembers: len(w.Memory) > 0, Tokens: p.Tokens, Sum: p.Sum})
	}
	return all, nil
}

var (
	word   = regexp.MustCompile(`[\pL']+`)
	number = regexp.MustCompile(`\d`)
)

// knownWords counts the words of the messages that are trained on, in lower case.
func knownWords(list windows.List, train []int) (map[string]int, error) {
	known := map[string]int{}
	for _, i := range train {
		w, err := list.Window(i)
		if err != nil {
			return nil, err
		}
		for _, line := range w.TargetLines() {
			m, err := windows.ParseMessage(line.Text)
			if err != nil {
				return nil, err
			}
			for _, one := range word.FindAllString(strings.ToLower(m.Text), -1) {
				known[one]++
			}
		}
	}
	return known, nil
}

// kindsOf says what a message holds. A name is a word within it that begins with a capital letter; a rare word came at most three times in
// training, and at least once.
func kindsOf(text string, known map[string]int) (kinds []string) {
	name, rare := false, false
	for i, one := range word.FindAllString(text, -1) {
		first, _ := firstRune(one)
		name = name || i > 0 && len(one) > 1 && unicode.IsUpper(first)
		n := known[strings.ToLower(one)]
		rare = rare || len(one) > 3 && n >= 1 && n <= 3
	}
	if name {
		kinds = append(kinds, "with a name")
	}
	if number.MatchString(text) {
		kinds = append(kinds, "with a number")
	}
	if rare {
		kinds = append(kinds, "with a rare word")
	}
	if len(kinds) == 0 {
		kinds = append(kinds, "none of these")
	}
	return kinds
}

func firstRune(s string) (rune, bool) {
	for _, r := range s {
		return r, true
	}
	return 0, false
}

// report prints the differences: negative ones are gains.
func report(out io.Writer, with, without []*losses) error {
	groups := map[string][]target{}
	for i := range with {
		plain := map[string]target{}
		key := func(t target) string { return fmt.Sprint(t.Window, t.Author) }
		for _, t := range without[i].Targets {
			plain[key(t)] = t
		}
		for _, t := range with[i].Targets {
			other, there := plain[key(t)]
			if !there || other.Tokens != t.Tokens {
				continue // it did not fit in one of them
			}
			t.Difference = t.Sum - other.Sum
			names := append([]string{"all", "by " + t.Author}, t.Kinds...)
			if t.Remembers {
				names = append(names, "with memories")
			}
			for _, name := range names {
				groups[name] = append(groups[name], t)
			}
		}
	}
	fmt.Fprintln(out, "| held-out messages | number | loss with | without | difference, 95% interval |\n|---|---|---|---|---|")
	order := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), strings.Compare(a, b))
	})
	for _, name := range order {
		if len(groups[name]) < 10 {
			continue
		}
		mean, half, loss := difference(groups[name])
		if _, err := fmt.Fprintf(out, "| %s | %d | %.4f | %.4f | %+.4f (%+.4f to %+.4f) |\n", name, len(groups[name]), loss, loss-mean, mean, mean-half, mean+half); err != nil {
			return err
		}
	}
	return nil
}

// difference returns the mean difference per token, half of its 95% interval over messages, and the loss with memories.
func difference(list []target) (mean, half, loss float64) {
	var tokens, sum, total float64
	for _, t := range list {
		tokens, sum, total = tokens+float64(t.Tokens), sum+t.Difference, total+t.Sum
	}
	mean = sum / tokens
	var squares float64
	for _, t := range list {
		e := t.Difference - mean*float64(t.Tokens)
		squares += e * e
	}
	n := float64(len(list))
	return mean, 1.96 * math.Sqrt(squares*n/(n-1)) / tokens, total / tokens
}

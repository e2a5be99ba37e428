// Command redaction makes internal/privacy/testdata/labeled.jsonl.gz: lines as people write them in chats, with the positions of
// the private values in them. The lines come from the templates in internal/privacy/testdata/lines, the values from a generator
// with a fixed seed: no value belongs to anyone. The file is compressed also so that services that look for leaked keys do not take
// them for real ones.
//
//	go run ./scripts/redaction
//
// A template stands under a header with its country and language (@ DE de). {maker} and {maker:argument} become a value that must be
// found, {maker=text} labels a text as it is, <maker> becomes a number that must stay. All templates but those of tuned.txt were
// written before any rule was tried on them; docs/privacy.md says what was found in them at first.
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const folder = "internal/privacy/testdata"

// line is a chat line and the private values in it.
type line struct {
	Text    string   `json:"text"`
	Spans   []label  `json:"spans"`
	Lang    string   `json:"lang"`
	Regions []string `json:"regions"` // countries that the chat's numbers show, the owner's first
	Set     string   `json:"set"`
}

// label is the position of a value, in bytes, and what it is.
type label struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Kind  string `json:"kind"` // as in the documentation
	What  string `json:"what"` // more exactly
}

type template struct{ country, lang, text string }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "redaction:", err)
		os.Exit(1)
	}
}

func run() error {
	file, err := os.Create(filepath.Join(folder, "labeled.jsonl.gz"))
	if err != nil {
		return err
	}
	defer file.Close()
	zipped := gzip.NewWriter(file)
	out := json.NewEncoder(zipped)
	out.SetEscapeHTML(false)
	for _, set := range []struct {
		name  string
		lines int // 0: each template once
		seed  uint64
	}{{"tuned", 1333, 1}, {"held-out", 667, 2}, {"second", 0, 3}, {"third", 0, 4}, {"fourth", 0, 5}, {"fifth", 0, 6}, {"sixth", 0, 7}} {
		templates, err := readTemplates(filepath.Join(folder, "lines", set.name+".txt"))
		if err != nil {
			return err
		}
		lines, err := makeLines(templates, set.name, set.lines, newMaker(set.seed))
		if err != nil {
			return err
		}
		for _, l := range lines {
			if err := out.Encode(l); err != nil {
				return err
			}
		}
	}
	if err := zipped.Close(); err != nil {
		return err
	}
	return file.Close()
}

func readTemplates(path string) (list []template, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var country, lang string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		text := strings.TrimRight(scanner.Text(), " ")
		switch {
		case text == "" || strings.HasPrefix(text, "# "):
		case strings.HasPrefix(text, "@ "):
			if _, err := fmt.Sscanf(text, "@ %s %s", &country, &lang); err != nil {
				return nil, fmt.Errorf("%s: %q: %w", path, text, err)
			}
		default:
			list = append(list, template{country, lang, strings.ReplaceAll(text, `\n`, "\n")})
		}
	}
	return list, nil
}

// makeLines goes through the templates until there are n different lines, at most half of them with private values. Templates
// without generated values give one line only. If n is 0, each template gives one line.
func makeLines(templates []template, set string, n int, m *maker) (lines []line, err error) {
	if n == 0 {
		for i, t := range templates {
			l, err := m.fill(t)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", t.text, err)
			}
			l.Set, l.Regions = set, regions(t.country, i)
			lines = append(lines, l)
		}
		return lines, nil
	}
	seen, private := map[string]bool{}, 0
	for round := 0; len(lines) < n; round++ {
		before := len(lines)
		m.Shuffle(len(templates), func(i, j int) { templates[i], templates[j] = templates[j], templates[i] })
		for i, t := range templates {
			if len(lines) == n {
				break
			}
			l, err := m.fill(t)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", t.text, err)
			}
			if seen[l.Text] || round > 0 && l.Text == t.text || len(l.Spans) > 0 && private == n/2 {
				continue
			}
			private += min(1, len(l.Spans))
			seen[l.Text] = true
			if round > 0 {
				l = m.vary(l)
			}
			l.Set, l.Regions = set, regions(t.country, i+round)
			lines = append(lines, l)
		}
		if before == len(lines) {
			return nil, fmt.Errorf("%d templates make only %d lines", len(templates), len(lines))
		}
	}
	return lines, nil
}

// regions returns the countries of a chat: that of the line is the owner's or, in each second line, a contact's.
func regions(country string, i int) []string {
	switch {
	case country == "US":
		return [][]string{{"US"}, {"US", "GB", "IN"}}[i%2]
	case i%2 == 0:
		return []string{country, "US"}
	}
	return []string{"US", country}
}

// fill makes a line of a template.
func (m *maker) fill(t template) (l line, err error) {
	l = line{Spans: []label{}, Lang: t.lang}
	var out strings.Builder
	for rest := t.text; rest != ""; {
		open := strings.IndexAny(rest, "{<")
		closing := -1
		if open >= 0 {
			closing = strings.IndexByte(rest[open:], map[byte]byte{'{': '}', '<': '>'}[rest[open]])
		}
		if closing < 0 {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:open])
		inner, secret := rest[open+1:open+closing], rest[open] == '{'
		rest = rest[open+closing+1:]
		name, literal, isLiteral := strings.Cut(inner, "=")
		name, argument, _ := strings.Cut(name, ":")
		value := literal
		if !isLiteral {
			if value, err = m.value(name, argument); err != nil {
				return l, err
			}
		}
		if secret {
			kind, what := labelOf(name)
			l.Spans = append(l.Spans, label{out.Len(), out.Len() + len(value), kind, what})
		}
		out.WriteString(value)
	}
	l.Text = out.String()
	return l, nil
}

// vary changes what surrounds a line, as people do.
func (m *maker) vary(l line) line {
	prefix := pick(m, "", "", "", "", "", "ok ", "🙏 ", "btw ", "hey, ", "> ", "📌")
	if l.Lang != "en" {
		prefix = pick(m, "", "", "", "", "", "👍 ", "ok ", "@maria ", "- ")
	}
	l.Text = prefix + l.Text + pick(m, "", "", "", "", "", "", " 😅", " :)", "!", " 🙈", "\n")
	spans := l.Spans
	l.Spans = []label{}
	for _, s := range spans {
		s.Start += len(prefix)
		s.End += len(prefix)
		l.Spans = append(l.Spans, s)
	}
	return l
}

func pick(m *maker, from ...string) string { return from[m.IntN(len(from))] }

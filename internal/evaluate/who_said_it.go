package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"ventriloquist/engine"
	"ventriloquist/internal/windows"
)

// Sequence is a sequence of tokens that reads more and forgets its end; *engine.Session has them.
type Sequence interface {
	Prefill(sequence int, ids []int32, logits []float32) error
	// Score appends ids; logProb[i] is of ids[i+1] after those before it.
	Score(sequence int, ids []int32, logProb []float32, argmax []int32) error
	Truncate(sequence, length int) error
}

// verdict is what the model says about the author of one message.
type verdict struct {
	window       int    // in the source
	number       int    // of the conversation
	length       int    // characters of the text
	conversation string // its members
	members      int
	author       string
	guess        string  // the member under whose name the text is most likely
	confidence   float64 // probability of guess, where every member is as likely as any other before the text is read
	contextGuess string  // the member under whose name the whole line is most likely: also by who writes next, and how soon
}

// prefillTokens is the number of tokens read between two checks of the context.
const prefillTokens = 512

// WhoSaidIt asks of each target message of the set, in a conversation of at least two members, under whose name the model finds
// its text most likely. Delta, quote and content type are given, and all members are as likely before. The context is read once
// for all of a window's messages and members. The model's session has one sequence and room for SequenceTokens tokens.
func (s *Set) WhoSaidIt(ctx context.Context, session Sequence, p windows.Progress) (*WhoSaidIt, *AuthorDetail, error) {
	var verdicts []verdict
	for n, i := range s.Windows {
		of, err := s.verdicts(ctx, session, i)
		if err != nil {
			return nil, nil, err
		}
		verdicts = append(verdicts, of...)
		p.Report(int64(n+1), int64(len(s.Windows)))
	}
	return newWhoSaidIt(verdicts), newAuthorDetail(verdicts), nil
}

// SequenceTokens returns the number of tokens that WhoSaidIt needs room for: the longest window, in which a
// line may be under another, longer name.
func (s *Set) SequenceTokens() int { return s.Longest.Tokens + 512 }

// verdicts returns those about the targets of window i.
func (s *Set) verdicts(ctx context.Context, session Sequence, i int) ([]verdict, error) {
	w, err := s.source.Window(i)
	if err != nil {
		return nil, err
	}
	header, err := windows.ParseHeader(w.Header)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.source.Where(i), err)
	}
	if len(header.Members) < 2 {
		return nil, nil
	}
	ids, err := s.reader.Tokenize(i, w)
	if err != nil {
		return nil, err
	}
	length := len(ids.IDs) - ids.TargetTokens() // of the session's sequence
	if err := session.Truncate(0, 0); err != nil {
		return nil, err
	}
	if err := prefill(ctx, session, ids.IDs[:length]); err != nil {
		return nil, err
	}
	rest := ids.IDs[length:]
	var all []verdict
	for t, line := range w.TargetLines() {
		m, err := windows.ParseMessage(line.Text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.source.Where(i), err)
		}
		own := rest[:ids.Targets[t]]
		read := false // by the session
		if slices.Contains(header.Members, m.Name) {
			var v verdict
			if v, read, err = s.judge(session, length, header.Members, m, own); err != nil {
				return nil, err
			}
			v.window, v.number, v.length = i, w.Conversation, utf8.RuneCountInString(m.Text)
			all = append(all, v)
		}
		if !read {
			if err := prefill(ctx, session, own); err != nil {
				return nil, err
			}
		}
		rest, length = rest[len(own):], length+len(own)
	}
	return all, ctx.Err()
}

func prefill(ctx context.Context, session Sequence, ids []int32) error {
	for part := range slices.Chunk(ids, prefillTokens) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := session.Prefill(0, part, nil); err != nil {
			return err
		}
	}
	return nil
}

// judge compares the members as authors of m, whose line in the window is own. It leaves the sequence with length tokens, or with
// own after them, and reports whether it did.
func (s *Set) judge(session Sequence, length int, members []string, m windows.Message, own []int32) (v verdict, read bool, err error) {
	v = verdict{conversation: strings.Join(members, "\n"), members: len(members), author: m.Name}
	logProb, ofLine := make(map[string]float64, len(members)), make(map[string]float64, len(members))
	others := slices.DeleteFunc(slices.Clone(members), func(name string) bool { return name == v.author })
	for _, m.Name = range append(others, v.author) {
		text, line, ids, err := s.textLogProb(session, &m)
		if err != nil {
			return v, false, err
		}
		logProb[m.Name], ofLine[m.Name] = text, line
		if read = slices.Equal(ids, own); read {
			break // the author's line is what comes next in the window
		}
		if err := session.Truncate(0, length); err != nil {
			return v, false, err
		}
	}
	v.guess, v.contextGuess = likeliest(members, logProb), likeliest(members, ofLine)
	total := 0.0
	for _, name := range members {
		total += math.Exp(logProb[name] - logProb[v.guess])
	}
	v.confidence = 1 / total
	return v, read, nil
}

// likeliest returns the first of the members with the highest log-probability.
func likeliest(members []string, logProb map[string]float64) string {
	best := members[0]
	for _, name := range members {
		if logProb[name] > logProb[best] {
			best = name
		}
	}
	return best
}

// textLogProb returns the log-probability of the text of a message after what the sequence holds and the rest of its line, and that of
// the whole line but its first token, with which all lines begin. It appends the line to the sequence, and returns its ids.
func (s *Set) textLogProb(session Sequence, m *windows.Message) (ofText, ofLine float64, ids []int32, err error) {
	line := windows.AppendMessage(nil, m)
	text := windows.AppendString(nil, m.Text)
	before := len(line) - len("}\n") - len(text) + len(`"`) // bytes up to the opening quote and with it
	ids = s.encoder.AppendEncodeOrdinary(nil, string(line))
	prefix := s.encoder.AppendEncodeOrdinary(nil, string(line[:before]))
	// A token that holds the quote and the text's first characters belongs to the text.
	from := 0
	for from < min(len(prefix), len(ids)) && prefix[from] == ids[from] {
		from++
	}
	logProb, argmax := make([]float32, len(ids)-1), make([]int32, len(ids)-1)
	if err := session.Score(0, ids, logProb, argmax); err != nil {
		return 0, 0, nil, err
	}
	for i, l := range logProb {
		ofLine += float64(l)
		if i >= max(from, 1)-1 {
			ofText += float64(l)
		}
	}
	if math.IsNaN(ofLine) {
		return 0, 0, nil, engine.ErrNotFinite
	}
	return ofText, ofLine, ids, nil
}

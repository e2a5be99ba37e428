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
	// ScoreEach is Score for several sequences at once.
	ScoreEach(sequences []int, ids [][]int32, logProb [][]float32, argmax [][]int32) error
	// Fork makes an empty sequence begin as another.
	Fork(from, to int) error
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
// for all of a window's messages and members, and a message under all names at once. The model's session has Sequences sequences and room
// for SequenceTokens tokens.
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

// Sequences returns how many sequences of a session WhoSaidIt uses: the text with the author's line, and it with the lines of others.
func (s *Set) Sequences() int {
	most := 2
	for _, members := range s.source.Conversations() {
		most = max(most, len(members))
	}
	return min(most, 1+atOnce)
}

// atOnce is how many lines are read side by side.
const atOnce = 16

// SequenceTokens returns the number of tokens that WhoSaidIt needs room for: the longest window, and the lines to compare, which may be
// under another, longer name.
func (s *Set) SequenceTokens() int {
	const block = 64 // a line that begins within a block of the cache and ends within another takes both
	longestName := 0
	for _, members := range s.source.Conversations() {
		for _, name := range members {
			longestName = max(longestName, len(s.encoder.AppendEncodeOrdinary(nil, string(windows.AppendString(nil, name)))))
		}
	}
	return s.Longest.Tokens + s.Sequences()*(s.longestTarget+longestName+block)
}

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

// candidate is a line to compare.
type candidate struct {
	ids  []int32
	from int // where its text begins
}

// judge compares the members as authors of m, whose line in the window is own. It leaves the sequence with length tokens, or with
// own after them, and reports whether it did.
func (s *Set) judge(session Sequence, length int, members []string, m windows.Message, own []int32) (v verdict, read bool, err error) {
	v = verdict{conversation: strings.Join(members, "\n"), members: len(members), author: m.Name}
	lines := make([]candidate, len(members))
	for i, name := range members {
		m.Name = name
		lines[i] = s.candidate(&m)
	}
	author := slices.Index(members, v.author)
	texts, whole, err := scoreLines(session, length, lines, author)
	if err != nil {
		return v, false, err
	}
	if read = slices.Equal(lines[author].ids, own); !read { // else the author's line is what comes next in the window
		if err := session.Truncate(0, length); err != nil {
			return v, false, err
		}
	}
	logProb, ofLine := make(map[string]float64, len(members)), make(map[string]float64, len(members))
	for i, name := range members {
		logProb[name], ofLine[name] = texts[i], whole[i]
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

// candidate returns the line of a message.
func (s *Set) candidate(m *windows.Message) candidate {
	line := windows.AppendMessage(nil, m)
	text := windows.AppendString(nil, m.Text)
	before := len(line) - len("}\n") - len(text) + len(`"`) // bytes up to the opening quote and with it
	c := candidate{ids: s.encoder.AppendEncodeOrdinary(nil, string(line))}
	prefix := s.encoder.AppendEncodeOrdinary(nil, string(line[:before]))
	// A token that holds the quote and the text's first characters belongs to the text.
	for c.from < min(len(prefix), len(c.ids)) && prefix[c.from] == c.ids[c.from] {
		c.from++
	}
	return c
}

// scoreLines returns, for each line, the log-probability of its text after the length tokens of sequence 0 and the rest of the line, and
// that of the whole line but its first token, with which all lines begin. Afterwards sequence 0 also has the line stays, unless that
// is -1; the others are empty.
func scoreLines(session Sequence, length int, lines []candidate, stays int) (ofText, ofLine []float64, err error) {
	ofText, ofLine = make([]float64, len(lines)), make([]float64, len(lines))
	var order []int // the line that stays is last: all others fork from what is before it
	for i := range lines {
		if i != stays {
			order = append(order, i)
		}
	}
	if stays >= 0 {
		order = append(order, stays)
	}
	for group := range slices.Chunk(order, atOnce) {
		var sequences []int
		var ids [][]int32
		var logProb [][]float32
		var argmax [][]int32
		for k, i := range group {
			sequence := k + 1
			if i == stays {
				sequence = 0
			} else if err := session.Fork(0, sequence); err != nil {
				return nil, nil, err
			}
			n := len(lines[i].ids) - 1
			sequences, ids = append(sequences, sequence), append(ids, lines[i].ids)
			logProb, argmax = append(logProb, make([]float32, n)), append(argmax, make([]int32, n))
		}
		if err := session.ScoreEach(sequences, ids, logProb, argmax); err != nil {
			return nil, nil, err
		}
		for k, i := range group {
			ofText[i], ofLine[i] = sums(logProb[k], lines[i].from)
			if math.IsNaN(ofLine[i]) {
				return nil, nil, engine.ErrNotFinite
			}
			if sequences[k] != 0 {
				if err := session.Truncate(sequences[k], 0); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	return ofText, ofLine, nil
}

// sums adds the log-probabilities of a line's tokens but the first: of those of the text, which begins at token from, and of all.
func sums(logProb []float32, from int) (ofText, ofLine float64) {
	for i, l := range logProb {
		ofLine += float64(l)
		if i >= max(from, 1)-1 {
			ofText += float64(l)
		}
	}
	return ofText, ofLine
}

package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"ventriloquist/internal/evaluate/interval"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// Chooser finds the probabilities of several texts after a prompt; *generate.Generator is one.
type Chooser interface {
	Choose(ctx context.Context, prompt []int32, texts []string) ([]float64, error)
}

// NextMessage says how well the model foresees the messages before it reads them: who writes, how long after the message before, of
// what kind the message is, and which reaction.
type NextMessage struct {
	Speaker     Foresight `json:"speaker"`      // among the conversation's members
	Delay       Foresight `json:"delay"`        // among the values of "delta", given the speaker
	ContentType Foresight `json:"content_type"` // given the speaker, the delay and the quote
	Reaction    Foresight `json:"reaction"`     // whether the message is a reaction, given the same
	// ReactionKind is which reaction it is, among the usual ones and those in these messages, given what it reacts to; nil without any.
	ReactionKind *Foresight  `json:"reaction_kind,omitempty"`
	ReplyTimes   *ReplyTimes `json:"reply_times,omitempty"` // nil if no message replies to somebody else's
}

// Foresight is how well one of several outcomes was foreseen.
type Foresight struct {
	Messages int     `json:"messages"`
	LogLoss  float64 `json:"log_loss"` // mean of -log of what the model gave the real outcome, in nats
	// FrequencyLogLoss is that of a constant guess: the outcomes' frequencies in these messages, of speakers in their conversation. No
	// constant guess has less.
	FrequencyLogLoss float64 `json:"frequency_log_loss"`
	Accuracy         float64 `json:"accuracy"` // of the likeliest outcome
	AccuracyLow      float64 `json:"accuracy_low"`
	AccuracyHigh     float64 `json:"accuracy_high"`
	Majority         float64 `json:"majority"` // the accuracy of always naming the most frequent

	losses []observation // of each message
}

// foreseen is one outcome.
type foreseen struct {
	window       int // in the source
	conversation int
	group        string // within which frequencies are counted
	real         string
	right        bool
	probability  float64 // of the real outcome
}

// NextMessage asks, before each target message of the set by a member of its conversation, who writes it, when, and what.
func (s *Set) NextMessage(ctx context.Context, c Chooser, p windows.Progress) (*NextMessage, error) {
	var speakers, delays, kinds, reactions, reactionKinds []foreseen
	var replies []reply
	reactionTexts, err := s.reactionTexts()
	if err != nil {
		return nil, err
	}
	for n, i := range s.Windows {
		err := s.eachTarget(i, func(members []string, before, m *windows.Message, prompt []int32) error {
			a := asker{ctx: ctx, chooser: c, prompt: prompt, window: i, conversation: s.source.Conversation(i)}
			a.ask(&speakers, strings.Join(members, "\n"), members, m.Name, func(name string) string { return generate.Prefill(name) })
			shares := a.ask(&delays, "", windows.Deltas, m.Delta, func(delta string) string { return beginning(m, delta, "") })
			if shares != nil && isReply(before, m) {
				replies = append(replies, reply{m.Name, a.conversation, members, slices.Index(windows.Deltas, m.Delta), shares})
			}
			shares = a.ask(&kinds, "", windows.ContentTypes, m.ContentType, func(kind string) string { return beginning(m, m.Delta, kind) })
			a.addReaction(&reactions, shares, m)
			if m.ContentType == reactionType {
				a.ask(&reactionKinds, "", reactionTexts, m.Text, func(text string) string { return wholeLine(m, text) })
			}
			return a.err
		})
		if err != nil {
			return nil, err
		}
		p.Report(int64(n+1), int64(len(s.Windows)))
	}
	if len(speakers) == 0 {
		return nil, nil
	}
	next := &NextMessage{Speaker: newForesight(speakers), Delay: newForesight(delays), ContentType: newForesight(kinds),
		Reaction: newForesight(reactions), ReplyTimes: newReplyTimes(replies)}
	if len(reactionKinds) > 0 {
		f := newForesight(reactionKinds)
		next.ReactionKind = &f
	}
	return next, nil
}

// reactionType is the content type of reactions.
const reactionType = "reaction"

// usualReactions are the words for Apple's reactions.
var usualReactions = []string{"Loved", "Liked", "Disliked", "Laughed", "Emphasized", "Questioned"}

// reactionTexts returns the usual reactions and those among the target messages.
func (s *Set) reactionTexts() ([]string, error) {
	list := slices.Clone(usualReactions)
	for _, i := range s.Windows {
		err := s.eachTarget(i, func(_ []string, _, m *windows.Message, _ []int32) error {
			if m.ContentType == reactionType && !slices.Contains(list, m.Text) {
				list = append(list, m.Text)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// wholeLine returns the line of a message with another text.
func wholeLine(m *windows.Message, text string) string {
	line := *m
	line.Text = text
	return string(windows.AppendMessage(nil, &line))
}

// addReaction adds to list whether a message is a reaction, by the shares of the content types.
func (a *asker) addReaction(list *[]foreseen, shares []float64, m *windows.Message) {
	if shares == nil {
		return
	}
	share := shares[slices.Index(windows.ContentTypes, reactionType)]
	f := foreseen{window: a.window, conversation: a.conversation, real: "none", probability: 1 - share}
	if m.ContentType == reactionType {
		f.real, f.probability = reactionType, share
	}
	f.right = f.probability > 0.5
	*list = append(*list, f)
}

// asker asks a model about one message, until something fails.
type asker struct {
	ctx     context.Context
	chooser Chooser
	prompt  []int32
	err     error

	window, conversation int
}

// ask adds to list what the model foresees among the outcomes, of which one is real, and returns their shares. text is how a line begins
// with an outcome.
func (a *asker) ask(list *[]foreseen, group string, outcomes []string, real string, text func(outcome string) string) (share []float64) {
	if a.err != nil {
		return nil
	}
	texts := make([]string, len(outcomes))
	for i, outcome := range outcomes {
		texts[i] = text(outcome)
	}
	if share, a.err = a.chooser.Choose(a.ctx, a.prompt, texts); a.err != nil {
		return nil
	}
	f, best := foreseen{window: a.window, conversation: a.conversation, group: group, real: real}, 0
	for i, outcome := range outcomes {
		if share[i] > share[best] {
			best = i
		}
		if outcome == real {
			f.probability = share[i]
		}
	}
	f.right = outcomes[best] == real
	*list = append(*list, f)
	return share
}

// beginning returns the beginning of a message's line up to the value of "delta", or of "content_type" unless that is "", and to the
// next key: there a token ends.
func beginning(m *windows.Message, delta, contentType string) string {
	line := *m
	line.Delta, line.ContentType = delta, contentType
	end := `, "text": `
	if contentType == "" {
		line.ContentType, end = m.ContentType, `, "reply_to": `
	}
	text := string(windows.AppendMessage(nil, &line))
	at := strings.Index(text, end) // no string before it can hold quotes without a backslash
	return text[:at+len(`, "`)]
}

// eachTarget visits the target messages of window i whose authors are members of its conversation: before is the message before it, nil
// for the first, and prompt has the ids before it.
func (s *Set) eachTarget(i int, visit func(members []string, before, m *windows.Message, prompt []int32) error) error {
	w, err := s.source.Window(i)
	if err != nil {
		return err
	}
	header, err := windows.ParseHeader(w.Header)
	if err != nil {
		return fmt.Errorf("%s: %w", s.source.Where(i), err)
	}
	ids, err := s.reader.Tokenize(i, w)
	if err != nil {
		return err
	}
	at := len(ids.IDs) - ids.TargetTokens()
	var before *windows.Message
	for k, line := range w.Lines[max(0, len(w.Lines)-w.Targets-1):] {
		m, err := windows.ParseMessage(line.Text)
		if err != nil {
			return fmt.Errorf("%s: %w", s.source.Where(i), err)
		}
		t := k
		if w.Targets < len(w.Lines) {
			t-- // the first is the one before the targets
		}
		if t >= 0 {
			if slices.Contains(header.Members, m.Name) {
				if err := visit(header.Members, before, &m, ids.IDs[:at]); err != nil {
					return err
				}
			}
			at += ids.Targets[t]
		}
		before = &m
	}
	return nil
}

// newForesight summarizes outcomes; there is at least one.
func newForesight(list []foreseen) (f Foresight) {
	total := float64(len(list))
	f.Messages = len(list)
	right := 0
	counts := make(map[string]map[string]int) // by group and outcome
	for _, one := range list {
		if one.right {
			right++
		}
		loss := -math.Log(max(one.probability, math.SmallestNonzeroFloat64))
		f.LogLoss += loss / total
		f.losses = append(f.losses, observation{one.window, one.conversation, loss, 1})
		if counts[one.group] == nil {
			counts[one.group] = make(map[string]int)
		}
		counts[one.group][one.real]++
	}
	for _, outcomes := range counts {
		messages, most := 0, 0
		for _, n := range outcomes {
			messages, most = messages+n, max(most, n)
		}
		for _, n := range outcomes {
			f.FrequencyLogLoss -= float64(n) * math.Log(float64(n)/float64(messages)) / total
		}
		f.Majority += float64(most) / total
	}
	f.Accuracy = float64(right) / total
	f.AccuracyLow, f.AccuracyHigh = interval.Wilson(f.Accuracy, total)
	return f
}

func (f *Foresight) String() string {
	return fmt.Sprintf("log-loss %.3f (frequencies alone %.3f), %.1f%% right (95%% interval %.1f to %.1f%%; always the most frequent %.1f%%)",
		f.LogLoss, f.FrequencyLogLoss, 100*f.Accuracy, 100*f.AccuracyLow, 100*f.AccuracyHigh, 100*f.Majority)
}

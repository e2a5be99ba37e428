package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/stats"
	"ventriloquist/internal/terminal"
)

// printStats writes tables of people and of groups, and the highlights, within a width; 0 is no limit.
func printStats(out io.Writer, r *stats.Report, top, width int) error {
	var text strings.Builder
	writeWrapped(&text, "", extent(r), width)
	text.WriteString("\n")
	shown := r.People[:min(top, len(r.People))]
	text.WriteString(peopleTable(shown).Fit(width))
	if groups := r.Groups[:min(top, len(r.Groups))]; len(groups) > 0 {
		text.WriteString("\n")
		text.WriteString(groupsTable(groups).Fit(width))
	}
	if more := max(len(r.People)-top, 0) + max(len(r.Groups)-top, 0); more > 0 {
		fmt.Fprintf(&text, "and %s more (--top, --json)\n", terminal.Count(int64(more)))
	}
	for i, sentence := range r.Highlights() {
		if i == 0 {
			text.WriteString("\n")
		}
		writeWrapped(&text, "- ", sentence, width)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// extent says how many messages there are, and of what time.
func extent(r *stats.Report) string {
	text := terminal.Quantity(r.Messages, "message")
	switch from, to := day(r.From), day(r.To); {
	case r.From.IsZero():
		return text
	case from == to:
		text += " of " + from
	default:
		text += " from " + from + " to " + to
	}
	return text + ", times of " + r.Zone
}

// writeWrapped writes a text in lines of at most width cells, with a mark before the first.
func writeWrapped(out *strings.Builder, mark, text string, width int) {
	text = terminal.Escape(text)
	if width == 0 {
		out.WriteString(mark + text + "\n")
		return
	}
	for _, line := range wrapped(text, width-len(mark)) {
		out.WriteString(mark + line + "\n")
		mark = strings.Repeat(" ", len(mark))
	}
}

// The columns are in the order of their importance: a narrow terminal loses the last ones.
func peopleTable(list []stats.Person) *terminal.Table {
	t := terminal.NewTable("who", "messages>", "reply>", "your reply>", "starts>", "silence>", "last 24 months", "words>", "reactions>", "emoji", "characteristic words")
	for i := range list {
		p := &list[i]
		t.Add(p.Name, terminal.Count(int64(p.Messages)), stats.Duration(p.Reply.Median), stats.Duration(p.OwnerReply.Median), stats.Share(p.Started, p.Sessions),
			silenceInWords(p.Silence), sparkline(p.Months), terminal.Count(int64(p.Words)), percent(p.ReactionShare), emojiInWords(p.Emoji), wordsInWords(p.Beyond))
	}
	return t
}

func groupsTable(list []stats.Group) *terminal.Table {
	t := terminal.NewTable("group", "messages>", "reply>", "starts most", "silence>", "last 24 months", "words>", "reactions>", "emoji", "characteristic words")
	for i := range list {
		g := &list[i]
		starts := "–"
		if len(g.Started) > 0 {
			starts = g.Started[0].Name
		}
		t.Add(cmp.Or(strings.TrimSpace(g.Name), strings.Join(g.Members, ", ")), terminal.Count(int64(g.Messages)), stats.Duration(g.Reply.Median), starts,
			silenceInWords(g.Silence), sparkline(g.Months), terminal.Count(int64(g.Words)), percent(g.ReactionShare), emojiInWords(g.Emoji), wordsInWords(g.Beyond))
	}
	return t
}

func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

func silenceInWords(s *stats.Silence) string {
	if s == nil {
		return "–"
	}
	return s.Length()
}

// shownInTable is the maximum number of emoji, and of words, per row.
const shownInTable = 4

func emojiInWords(list []stats.Count) string {
	var out []string
	for _, e := range list[:min(shownInTable, len(list))] {
		out = append(out, e.Name)
	}
	return strings.Join(out, " ")
}

func wordsInWords(list []stats.Usage) string {
	var out []string
	for _, u := range list[:min(shownInTable, len(list))] {
		out = append(out, u.Word)
	}
	return strings.Join(out, ", ")
}

// sparkline draws the last two years, one character per month.
func sparkline(months []stats.Month) string {
	const most = 24
	months = months[max(len(months)-most, 0):]
	counts := make([]int, len(months))
	for i, m := range months {
		counts[i] = m.Messages
	}
	return sparks(counts)
}

// sparks draws numbers, one character each; a space is none.
func sparks(counts []int) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	top := 1
	for _, n := range counts {
		top = max(top, n)
	}
	var out strings.Builder
	for _, n := range counts {
		if n == 0 {
			out.WriteRune(' ')
			continue
		}
		out.WriteRune(levels[(n*len(levels)-1)/top])
	}
	return strings.TrimRight(out.String(), " ")
}

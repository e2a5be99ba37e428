package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"ventriloquist/internal/people"
	"ventriloquist/internal/stats"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// findPerson finds a person of the report.
func findPerson(r *stats.Report, name string) (*stats.Person, error) {
	names := make([]string, len(r.People))
	for i := range r.People {
		names[i] = r.People[i].Name
	}
	called, found := usererr.Match(name, names)
	if !found {
		return nil, people.NoSuchPerson(name, names, "`vqctl stats` lists who writes; --top 1000 lists more")
	}
	return &r.People[slices.Index(names, called)], nil
}

// printPerson prints the details of one person within a width; 0 is no limit.
func printPerson(out io.Writer, p *stats.Person, width int) error {
	var text strings.Builder
	writeWrapped(&text, "", headingOf(p), width)
	text.WriteString("\n")
	fact := func(name, value string) {
		const column = 22
		if value == "" {
			return
		}
		lines := []string{value}
		if width > 0 {
			lines = wrapped(value, max(width-column, 10))
		}
		for _, line := range lines {
			fmt.Fprintf(&text, "%-*s%s\n", column, name, line)
			name = ""
		}
	}
	fact("messages", terminal.Count(int64(p.Messages)))
	fact("words", fmt.Sprintf("%s, %.1f per message", terminal.Count(int64(p.Words)), p.WordsPerMessage))
	fact("reactions", fmt.Sprintf("%s (%s)", terminal.Count(int64(p.Reactions)), percent(p.ReactionShare)))
	if p.First != nil {
		fact("first and last", day(*p.First)+" to "+day(*p.Last))
	}
	if p.Sessions > 0 {
		fact("starts", fmt.Sprintf("%s of %s (%s)", terminal.Count(int64(p.Started)), terminal.Quantity(p.Sessions, "conversation"), stats.Share(p.Started, p.Sessions)))
	}
	if s := p.Silence; s != nil {
		fact("longest silence", fmt.Sprintf("%s, from %s to %s", s.Length(), day(s.From), day(s.To)))
	}
	fact("typical reply time", stats.Duration(p.Reply.Median))
	if !p.Owner {
		fact("your reply time", stats.Duration(p.OwnerReply.Median))
	}
	fact("emoji", countsInWords(p.Emoji))
	fact("characteristic words", usagesInWords(p.Beyond))
	writeHours(&text, p, width)
	writeYears(&text, p.Months, width)
	_, err := io.WriteString(out, text.String())
	return err
}

// headingOf returns the sentence about the conversation with a person, or their name.
func headingOf(p *stats.Person) string {
	if sentence := p.Sentence(); sentence != "" {
		return sentence
	}
	return p.Name
}

func countsInWords(list []stats.Count) string {
	var out []string
	for _, c := range list {
		out = append(out, c.Name+" "+terminal.Count(int64(c.Count)))
	}
	return strings.Join(out, "  ")
}

func usagesInWords(list []stats.Usage) string {
	var out []string
	for _, u := range list {
		out = append(out, fmt.Sprintf("%s (%s)", u.Word, terminal.Count(int64(u.Count))))
	}
	return strings.Join(out, ", ")
}

// writeHours draws the median reply times by the hour of the message that was answered.
func writeHours(text *strings.Builder, p *stats.Person, width int) {
	t := terminal.NewTable("reply time by hour", "00 to 23", "highest>")
	for _, side := range []struct {
		name  string
		reply stats.Reply
	}{{p.Name, p.Reply}, {"you", p.OwnerReply}} {
		if side.reply.Replies == 0 || p.Owner {
			continue
		}
		counts, highest := make([]int, len(side.reply.ByHour)), 0.0
		for hour, seconds := range side.reply.ByHour {
			if seconds != nil {
				counts[hour] = max(int(*seconds), 1)
				highest = max(highest, *seconds)
			}
		}
		t.Add(side.name, sparks(counts), stats.Duration(&highest))
	}
	if !t.Empty() {
		text.WriteString("\n")
		text.WriteString(t.Fit(width))
	}
}

// writeYears writes the messages of each year, with its months as a sparkline.
func writeYears(text *strings.Builder, months []stats.Month, width int) {
	t := terminal.NewTable("year", "messages>", "Jan to Dec")
	for len(months) > 0 {
		year := months[0].Month[:4]
		sum, counts := 0, make([]int, 12)
		for len(months) > 0 && months[0].Month[:4] == year {
			n := months[0].Messages
			counts[monthOf(months[0])] = n
			sum += n
			months = months[1:]
		}
		t.Add(year, terminal.Count(int64(sum)), sparks(counts))
	}
	if !t.Empty() {
		text.WriteString("\n")
		text.WriteString(t.Fit(width))
	}
}

// monthOf returns the number of a month in its year, from 0.
func monthOf(m stats.Month) int {
	var number int
	_, _ = fmt.Sscanf(m.Month[5:], "%d", &number)
	return max(number-1, 0)
}

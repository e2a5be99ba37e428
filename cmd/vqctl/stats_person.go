package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"ventriloquist/internal/stats"
	"ventriloquist/internal/usererr"
)

// findPerson finds a person of the report.
func findPerson(r *stats.Report, name string) (*stats.Person, error) {
	names := make([]string, len(r.People))
	for i := range r.People {
		names[i] = r.People[i].Name
	}
	called, found := knownName(name, names)
	if !found {
		return nil, usererr.Suggest(fmt.Errorf("no person is called %q", name), name, names, "%q", "`vqctl stats` lists who writes; --top 1000 lists more")
	}
	return &r.People[slices.Index(names, called)], nil
}

// printPerson prints the details of one person.
func printPerson(out io.Writer, p *stats.Person) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "messages\t%d\n", p.Messages)
	fmt.Fprintf(table, "words\t%d\n", p.Words)
	fmt.Fprintf(table, "reactions\t%d (%.0f%%)\n", p.Reactions, 100*p.ReactionShare)
	if p.First != nil {
		fmt.Fprintf(table, "from\t%s\nto\t%s\n", day(*p.First), day(*p.Last))
	}
	if p.Sessions > 0 {
		fmt.Fprintf(table, "begins\t%d of %d sessions\n", p.Started, p.Sessions)
	}
	if p.Silence != nil {
		fmt.Fprintf(table, "longest silence\t%s, from %s to %s\n", p.Silence.Length(), day(p.Silence.From), day(p.Silence.To))
	}
	fmt.Fprintf(table, "replies in\t%s\nyou reply in\t%s\n", stats.Duration(p.Reply.Median), stats.Duration(p.OwnerReply.Median))
	for i, e := range p.Emoji {
		fmt.Fprintf(table, "%s\t%d %s\n", firstOnly(i, "emoji"), e.Count, e.Name)
	}
	for i, u := range p.Beyond {
		fmt.Fprintf(table, "%s\t%d %s\n", firstOnly(i, "distinctive words"), u.Count, u.Word)
	}
	if p.Reply.Replies+p.OwnerReply.Replies > 0 {
		fmt.Fprintf(table, "\nhour\treplies in\tyou reply in\n")
	}
	for hour := range 24 {
		if p.Reply.ByHour[hour] != nil || p.OwnerReply.ByHour[hour] != nil {
			fmt.Fprintf(table, "%d:00\t%s\t%s\n", hour, stats.Duration(p.Reply.ByHour[hour]), stats.Duration(p.OwnerReply.ByHour[hour]))
		}
	}
	fmt.Fprintf(table, "\nmonth\tmessages\n")
	for _, m := range p.Months {
		fmt.Fprintf(table, "%s\t%d\n", m.Month, m.Messages)
	}
	return table.Flush()
}

// firstOnly returns the name of a list for its first row, and "" for the others.
func firstOnly(i int, name string) string {
	if i == 0 {
		return name
	}
	return ""
}

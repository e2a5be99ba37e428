package main

import (
	"fmt"
	"io"
)

// row is one line of the table; zero means not measured.
type row struct {
	name, figure      string
	ours, peer, share float64
}

func (c benchCase) rows(ours, peer measurement) []row {
	var rows []row
	for _, col := range c.columns {
		from := peer
		if c.peer == nil {
			from = ours // one command measures both sides
		}
		rows = append(rows, row{name: c.name, figure: col.title, ours: ours[col.ours], peer: from[col.peer], share: ours[col.share]})
	}
	return rows
}

func printTable(w io.Writer, rows []row) {
	fmt.Fprintln(w, "| case | figure | vqctl | peer | ratio | share of the machine's limit |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, r := range rows {
		peer, ratio, share := "", "", ""
		if r.peer > 0 {
			peer, ratio = number(r.peer), fmt.Sprintf("%.1f", r.ours/r.peer)
		}
		if r.share > 0 {
			share = fmt.Sprintf("%.0f%%", 100*r.share)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", r.name, r.figure, number(r.ours), peer, ratio, share)
	}
}

// number formats a figure, with one decimal below 100.
func number(x float64) string {
	switch {
	case x == 0:
		return "not measured"
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

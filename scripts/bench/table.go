package main

import (
	"fmt"
	"io"
	"math"
)

// row is one line of the table; zero means not measured.
type row struct {
	name, figure      string
	ours, peer, share float64
	low, high         float64 // the smallest and the largest ratio of a round
}

func (c benchCase) rows(ours, peer []measurement) []row {
	if c.peer.script == "" {
		peer = ours // one command measures both sides
	}
	bestOurs, bestPeer := best(ours), best(peer)
	var rows []row
	for _, col := range c.columns {
		r := row{name: c.name, figure: col.title, ours: bestOurs[col.ours], peer: bestPeer[col.peer], share: bestOurs[col.share]}
		r.low, r.high = ratios(ours, peer, col)
		rows = append(rows, r)
	}
	return rows
}

// ratios returns the smallest and the largest ratio of a round in which both sides were measured.
func ratios(ours, peer []measurement, col column) (low, high float64) {
	low = math.Inf(1)
	for round := range ours {
		a, b := ours[round][col.ours], peer[round][col.peer]
		if a > 0 && b > 0 {
			low, high = min(low, a/b), max(high, a/b)
		}
	}
	return low, high
}

func printTable(w io.Writer, rows []row) {
	fmt.Fprintln(w, "| case | figure | vqctl | peer | ratio (of a round) | share of the machine's limit |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, r := range rows {
		peer, ratio, share := "", "", ""
		if r.peer > 0 {
			peer, ratio = number(r.peer), fmt.Sprintf("%.2f", r.ours/r.peer)
		}
		if r.high > 0 {
			ratio += fmt.Sprintf(" (%.2f-%.2f)", r.low, r.high)
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

package main

import (
	"strings"
	"testing"
)

func TestBenchCase_RatiosOfRounds(t *testing.T) {
	t.Parallel()
	c := benchCase{name: "decode", peer: peer{script: "peer.py"}, columns: []column{{title: "tokens/s", ours: "a", peer: "b"}}}
	ours := []measurement{{"a": 30}, {"a": 10}, {"a": 50}}
	peer := []measurement{{"b": 20}, {"b": 10}, {}} // the peer's last round failed
	var table strings.Builder
	printTable(&table, c.rows(ours, peer))
	if want := "| decode | tokens/s | 50.0 | 20.0 | 2.50 (1.00-1.50) |  |"; !strings.Contains(table.String(), want) {
		t.Errorf("the table has no %q:\n%s", want, table.String())
	}
}

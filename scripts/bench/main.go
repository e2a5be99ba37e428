// Command bench runs every benchmark of the project and of its peers (where Python is installed) and prints one table.
//
//	make bench                  everything, three rounds
//	go run ./scripts/bench -rounds 1 -only tokenizer
//
// vqctl and the peers take turns, round by round, so that both run under the same conditions. The best round of each counts,
// as other processes can only slow it down; next to the ratio of the best are the smallest and the largest ratio of a round. Every
// line that a benchmark prints goes to build/bench/results.jsonl.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const folder = "build/bench"

// measurement holds the figures of one run, by name.
type measurement map[string]float64

func main() {
	rounds := flag.Int("rounds", 3, "how often each side of a case takes its turn")
	only := flag.String("only", "", "run the cases whose name contains this")
	flag.Parse()
	if err := run(*rounds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(rounds int, only string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(folder, "results.jsonl"))
	if err != nil {
		return err
	}
	defer log.Close()
	var rows []row
	for _, c := range cases() {
		if !strings.Contains(c.name, only) {
			continue
		}
		rows = append(rows, c.rows(c.measure(rounds, log))...)
	}
	printTable(os.Stdout, rows)
	return log.Close()
}

// measure runs both sides in turn and returns the figures of each round.
func (c benchCase) measure(rounds int, log *os.File) (ours, peer []measurement) {
	ours, peer = make([]measurement, rounds), make([]measurement, rounds)
	for round := range rounds {
		for _, side := range []struct {
			name    string
			command []string
			figures []measurement
		}{{"ours", c.ours, ours}, {"peer", c.peer.command(), peer}} {
			if side.command == nil {
				continue
			}
			fmt.Fprintf(os.Stderr, "bench: %s, round %d, %s\n", c.name, round+1, side.name)
			output, err := runCommand(side.command)
			if err != nil {
				fmt.Fprintf(os.Stderr, "bench: %s, %s: %v\n", c.name, side.name, err)
				continue
			}
			m := c.parse(output)
			side.figures[round] = m
			line, err := json.Marshal(map[string]any{"case": c.name, "side": side.name, "round": round + 1, "figures": m})
			if err == nil {
				fmt.Fprintf(log, "%s\n", line)
			}
		}
	}
	return ours, peer
}

// best returns the largest value of each figure.
func best(rounds []measurement) measurement {
	largest := measurement{}
	for _, m := range rounds {
		for name, value := range m {
			largest[name] = max(largest[name], value)
		}
	}
	return largest
}

func runCommand(command []string) ([]byte, error) {
	cmd := exec.Command(command[0], command[1:]...)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, lastLines(errors.String(), 5))
	}
	return output, nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// parseJSON returns every number of the last JSON object in the output.
func parseJSON(output []byte) measurement {
	m := measurement{}
	scanner := bufio.NewScanner(bytes.NewReader(output))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var values map[string]any
		if json.Unmarshal(scanner.Bytes(), &values) != nil {
			continue
		}
		m.take(values)
	}
	return m
}

// take adds the numbers of an object and of the objects in it.
func (m measurement) take(values map[string]any) {
	for name, value := range values {
		switch v := value.(type) {
		case float64:
			m[name] = v
		case map[string]any:
			m.take(v)
		}
	}
}

var benchmarkFigure = regexp.MustCompile(`([\d.]+) ([A-Za-z]+/[A-Za-z]+)`)

// parseGo returns the figures of `go test -bench`, such as "messages/s" and "MB/s", under the benchmark's name.
func parseGo(output []byte) measurement {
	m := measurement{}
	for _, line := range strings.Split(string(output), "\n") {
		name, rest, ok := strings.Cut(line, "\t")
		if !ok || !strings.HasPrefix(name, "Benchmark") {
			continue
		}
		name = strings.TrimSpace(strings.TrimPrefix(name, "Benchmark"))
		if cut := strings.LastIndexByte(name, '-'); cut > 0 {
			name = name[:cut]
		}
		for _, found := range benchmarkFigure.FindAllStringSubmatch(rest, -1) {
			if value, err := strconv.ParseFloat(found[1], 64); err == nil {
				m[name+" "+found[2]] = value
			}
		}
	}
	return m
}

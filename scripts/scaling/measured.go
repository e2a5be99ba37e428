package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// measured are times that were measured. The file has a line per fact, # begins a comment:
//
//	micro-batch RANK SECONDS...     of one step, one number per micro-batch
//	gradient SECONDS                an exchange of gradients
//	parameters SECONDS              the exchange after the update
//	update SECONDS                  of AdamW
//	step SECONDS                    the whole step, to compare with
//	once-per-step, overlap          how they were measured; default: each round, nothing overlaps
type measured struct {
	Timeline
	step float64
}

func readMeasured(in io.Reader) (m measured, err error) {
	m.EachRound = true
	lines := bufio.NewScanner(in)
	for number := 1; lines.Scan(); number++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if fields := strings.Fields(text); len(fields) > 0 {
			if err := m.take(fields); err != nil {
				return m, fmt.Errorf("line %d: %w", number, err)
			}
		}
	}
	if len(m.MicroBatches) == 0 && lines.Err() == nil {
		return m, fmt.Errorf("there is no micro-batch")
	}
	return m, lines.Err()
}

func (m *measured) take(fields []string) error {
	switch fields[0] {
	case "once-per-step":
		m.EachRound = false
		return nil
	case "overlap":
		m.Overlap = true
		return nil
	}
	var numbers []float64
	for _, field := range fields[1:] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil || !(n >= 0) {
			return fmt.Errorf("%q is not a time", field)
		}
		numbers = append(numbers, n)
	}
	one := map[string]*float64{"gradient": &m.Exchange.Gradient, "parameters": &m.Exchange.Parameters, "update": &m.Update, "step": &m.step}[fields[0]]
	switch {
	case one != nil && len(numbers) == 1:
		*one = numbers[0]
	case fields[0] == "micro-batch" && len(numbers) > 0 && int(numbers[0]) == len(m.MicroBatches):
		m.MicroBatches = append(m.MicroBatches, numbers[1:])
	default:
		return fmt.Errorf("%q is not understood here", strings.Join(fields, " "))
	}
	return nil
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "scaling:", err)
		os.Exit(1)
	}
}

func run(files []string, out io.Writer) error {
	if len(files) == 0 {
		writeTable(out)
		return nil
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		m, err := readMeasured(file)
		file.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r := m.Replay()
		fmt.Fprintf(out, "%s: %d ranks, %.4g s per step, efficiency %.1f%%", name, len(m.MicroBatches), r.Seconds, 100*r.Efficiency())
		if m.step > 0 {
			fmt.Fprintf(out, "; measured %.4g s, %+.1f%%", m.step, 100*(r.Seconds/m.step-1))
		}
		fmt.Fprintln(out)
	}
	return nil
}

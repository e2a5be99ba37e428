package memplan

import (
	"fmt"
	"io"
	"text/tabwriter"

	"ventriloquist/internal/terminal"
)

// Memory is the memory of a run in bytes by purpose: engine.Memory as it is printed and written as JSON.
type Memory struct {
	Weights     uint64 `json:"weights"`
	Mapped      uint64 `json:"mapped,omitempty"` // of weights: used in place in their files
	Adapter     uint64 `json:"adapter"`
	Gradients   uint64 `json:"gradients"`
	Optimizer   uint64 `json:"optimizer"`
	Activations uint64 `json:"activations"` // in inference the key/value cache
	Workspace   uint64 `json:"workspace"`
	Driver      uint64 `json:"driver,omitempty"` // context and kernels of a GPU
	Total       uint64 `json:"total"`
	Host        uint64 `json:"host,omitempty"` // page-locked memory of the host, in addition to the total
}

// A Row is a line of a memory table.
type Row struct {
	Label string
	Bytes uint64
}

// Rows are the purposes, without the total. Weights that are used in place have a row of their own.
func (m Memory) Rows() []Row {
	rows := []Row{{"weights", m.Weights - m.Mapped}}
	if m.Mapped > 0 {
		rows = append(rows, Row{"weights, mapped files", m.Mapped})
	}
	rows = append(rows, Row{"adapter", m.Adapter}, Row{"gradients", m.Gradients}, Row{"optimizer", m.Optimizer},
		Row{"activations", m.Activations}, Row{"workspace", m.Workspace})
	if m.Driver > 0 {
		rows = append(rows, Row{"driver", m.Driver})
	}
	return rows
}

// WriteTable prints rows as a table.
func WriteTable(out io.Writer, rows []Row) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		fmt.Fprintf(table, "  %s\t%s\t\n", row.Label, terminal.Bytes(row.Bytes))
	}
	return table.Flush()
}

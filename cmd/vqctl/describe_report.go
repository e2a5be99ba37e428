package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/terminal"
)

// planInWords returns the plan for people: what is sent where, and what it costs.
func planInWords(p *describe.Plan) string {
	var text strings.Builder
	if p.Files == 0 {
		text.WriteString("nothing is left to describe\n")
	} else {
		kinds := make([]string, len(p.Send))
		for i, k := range p.Send {
			kinds[i] = kindInWords(k.Kind, k.Files)
		}
		verb := "go"
		if p.Files == 1 {
			verb = "goes"
		}
		fmt.Fprintf(&text, "%s (%s) %s to %s, model %s\n", strings.Join(kinds, ", "), terminal.Bytes(uint64(p.Bytes)), verb, p.Where, p.Model)
		switch {
		case p.Local:
			text.WriteString("nothing leaves this machine\n")
		case p.Cost == nil:
			fmt.Fprintf(&text, "cost unknown: no price for %s\n", p.Model)
		default:
			fmt.Fprintf(&text, "estimated cost: $%.4f (prices of %s, %s)\n", *p.Cost, describe.PricesOn, describe.PricesFrom)
		}
	}
	text.WriteString(leftInWords(p.Left))
	return text.String()
}

func kindInWords(kind string, n int) string {
	if kind == "audio" {
		kind = "voice message"
	}
	return terminal.Quantity(n, kind)
}

func leftInWords(left []describe.LeftOut) string {
	var text strings.Builder
	for _, l := range left {
		fmt.Fprintf(&text, "left out: %s that %s\n", terminal.Count(int64(l.Attachments)), l.Why)
	}
	return text.String()
}

// describeResult is what describe --json prints.
type describeResult struct {
	Model string `json:"model"`
	Where string `json:"where"`
	Files int    `json:"files"`
	*describe.Report
}

func (o *describeOptions) printReport(out io.Writer, p *describe.Plan, r *describe.Report) error {
	if o.json {
		return json.NewEncoder(out).Encode(describeResult{p.Model, p.Where, p.Files, r})
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s of %s described", terminal.Count(int64(r.Described)), terminal.Count(int64(p.Files)))
	if r.Same > 0 {
		fmt.Fprintf(&text, ", %s of them from an identical file", terminal.Count(int64(r.Same)))
	}
	text.WriteString("\n")
	if r.Refused > 0 {
		fmt.Fprintf(&text, "%s refused by the model; the file names stay\n", terminal.Count(int64(r.Refused)))
	}
	if r.Failed > 0 {
		fmt.Fprintf(&text, "%s failed; the file names stay (--retry-failed tries again)\n", terminal.Count(int64(r.Failed)))
	}
	text.WriteString(leftInWords(r.Left))
	if r.Cost != nil && !p.Local {
		fmt.Fprintf(&text, "cost: $%.4f (%s tokens in, %s out)\n", *r.Cost, terminal.Count(int64(r.Usage.Input+r.Usage.Sound)), terminal.Count(int64(r.Usage.Output)))
	}
	if r.Described > 0 {
		text.WriteString("run `vqctl preprocess` to put the descriptions into the windows\n")
	}
	_, err := io.WriteString(out, fitLines(text.String(), terminalWidth(out)))
	return err
}

// examineDescribe checks the API key and the helper programs of describe.
func examineDescribe() []finding {
	key := finding{Name: "describe: key", Status: "ok", Detail: "GEMINI_API_KEY is set"}
	if os.Getenv("GEMINI_API_KEY") == "" {
		key = finding{Name: key.Name, Status: "missing", optional: true, Detail: "GEMINI_API_KEY is not set",
			Hint: "describe needs it to ask Gemini; with --endpoint it asks a model on your own machine"}
	}
	programs := finding{Name: "describe: programs", Status: "ok", optional: true}
	there, missing := describe.FindTools().Names()
	if programs.Detail = strings.Join(there, ", "); len(there) == 0 {
		programs.Detail = "no helper programs found"
	}
	if len(missing) > 0 {
		programs.Status, programs.Hint = "missing", "for all kinds of attachments describe needs "+strings.Join(missing, "; ")
	}
	return []finding{key, programs}
}

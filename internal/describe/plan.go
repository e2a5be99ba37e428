package describe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/usererr"
)

// Kinds are the kinds of attachments that can be described; others keep their file names.
var Kinds = []messages.Kind{messages.Image, messages.Video, messages.Audio, messages.Document}

// Options select what is described, and with which programs.
type Options struct {
	Kinds       []messages.Kind // empty for all
	Limit       int             // maximum number of attachments; 0 for no limit
	RetryFailed bool
	Tools       Tools
	// Progress, if not nil, receives the number of attachments examined for a plan.
	Progress func(done, total int64)
}

// KindPlan is what would be sent of one kind.
type KindPlan struct {
	Kind  string `json:"kind"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// LeftOut is a number of attachments that are not sent, and the reason.
type LeftOut struct {
	Why         string `json:"why"`
	Attachments int    `json:"attachments"`
}

// Plan is what a run would send, and to whom. Files with equal content are counted separately, but sent once.
type Plan struct {
	Model string     `json:"model"`
	Where string     `json:"where"`
	Local bool       `json:"local"`
	Send  []KindPlan `json:"send"`
	Files int        `json:"files"`
	Bytes int64      `json:"bytes"`
	// Cost is the estimate in US dollars; nil if no price is known, 0 on this machine.
	Cost *float64  `json:"estimated_cost_usd"`
	Left []LeftOut `json:"left_out"`

	items []item
	usage Usage
}

// item is an attachment to describe.
type item struct {
	messages.Attachment
	file   *locatedFile
	format string
}

// Reasons that are not errors, in the order of the report.
const (
	leftDescribed  = "are already described"
	leftTranscript = "are voice messages with Apple's transcript"
	leftRefused    = "were refused by this model"
	leftFailed     = "failed before (%v retries them)"
	leftKind       = "are contacts, locations and other files, which keep their names"
	leftType       = "are excluded by %v"
	leftMissing    = "have no file here: it is in iCloud, on another machine, or gone"
	leftDenied     = "have an unreadable file (on a Mac the terminal needs Full Disk Access; see `vqctl doctor`)"
	leftSealed     = "are in an encrypted backup without a passphrase (BACKUP_PASSPHRASE, %v)"
	leftElsewhere  = "have a file outside of the attachment folders of their source (%v names another folder)"
	leftLarge      = "have a file larger than 4 GiB"
	leftLimit      = "are over %v"
	leftRest       = "were not reached and are left for the next run"
)

// leftOption is the option that a reason names.
var leftOption = map[string]usererr.Option{leftFailed: "retry_failed", leftType: "types", leftSealed: "passphrase_file", leftElsewhere: "attachments", leftLimit: "limit"}

// Options that errors name.
const (
	modelOption    = usererr.Option("model")
	endpointOption = usererr.Option("endpoint")
	keyFile        = usererr.Option("key_file")
)

var leftOrder = []string{leftDescribed, leftTranscript, leftRefused, leftFailed, leftKind, leftType, leftMissing, leftDenied, leftSealed, leftElsewhere, leftLarge, leftLimit}

// NewPlan finds the attachments to describe. It reads the beginning of each file, and sends nothing.
func NewPlan(ctx context.Context, db *messages.DB, l *Locator, s Service, o Options) (*Plan, error) {
	attachments, err := db.Attachments(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{Model: s.Model(), Where: s.Where(), Local: s.Local(), Send: []KindPlan{}, Left: []LeftOut{}}
	prepare := preparer{takes: s.Accepts(), tools: o.Tools}
	left := make(map[string]int)
	for i, a := range attachments {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(int64(i), int64(len(attachments)))
		}
		if why := p.add(ctx, a, l, &prepare, &o); why != "" {
			left[why]++
		}
	}
	p.total(left)
	return p, nil
}

// add adds an attachment to the plan, or returns the reason for leaving it out.
func (p *Plan) add(ctx context.Context, a messages.Attachment, l *Locator, prepare *preparer, o *Options) (why string) {
	switch {
	case a.Status == messages.Described:
		return leftDescribed
	case !slices.Contains(Kinds, a.Kind):
		return leftKind
	case len(o.Kinds) > 0 && !slices.Contains(o.Kinds, a.Kind):
		return leftType
	case a.Transcript != "":
		return leftTranscript
	case a.Status == messages.Refused && a.Description.Model == p.Model:
		return leftRefused
	case a.Status == messages.Failed && !o.RetryFailed:
		return leftFailed
	}
	file, err := l.find(a.File)
	if err == nil && file.size > largestFile {
		return leftLarge
	}
	var head []byte
	if err == nil {
		head, err = file.head(ctx)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return leftDenied
	case errors.Is(err, errSealed):
		return leftSealed
	case errors.Is(err, errElsewhere):
		return leftElsewhere
	case err != nil:
		return leftMissing
	}
	format := formatOf(head, a.Name)
	if err := prepare.checkTools(format); err != nil {
		return leftBecause(err)
	}
	if o.Limit > 0 && len(p.items) == o.Limit {
		return leftLimit
	}
	p.items = append(p.items, item{a, file, format})
	return ""
}

// leftBecause returns the reason why a file cannot be prepared.
func leftBecause(err error) string {
	var missing *MissingTool
	if errors.As(err, &missing) {
		return "need a program that is not installed: " + missing.Error()
	}
	return "are in a format that cannot be described"
}

// total adds up what is sent and what is left out.
func (p *Plan) total(left map[string]int) {
	byKind := make(map[messages.Kind]*KindPlan)
	for _, k := range Kinds {
		byKind[k] = &KindPlan{Kind: k.String()}
	}
	for i := range p.items {
		k := byKind[kindOf(p.items[i].format)]
		k.Files++
		k.Bytes += p.items[i].file.size
		p.Bytes += p.items[i].file.size
		p.usage.add(estimate(p.items[i].format, p.items[i].file.size))
	}
	for _, k := range Kinds {
		if byKind[k].Files > 0 {
			p.Send = append(p.Send, *byKind[k])
		}
	}
	p.Files = len(p.items)
	p.Cost = costOf(p.Model, p.Local, p.usage)
	for _, why := range leftOrder {
		if left[why] > 0 {
			p.Left = append(p.Left, leftOut(why, left[why]))
			delete(left, why)
		}
	}
	p.Left = append(p.Left, sortedLeft(left)...)
}

func sortedLeft(left map[string]int) (list []LeftOut) {
	for why, n := range left {
		list = append(list, leftOut(why, n))
	}
	slices.SortFunc(list, func(a, b LeftOut) int {
		if a.Why < b.Why {
			return -1
		}
		return 1
	})
	return list
}

func leftOut(why string, n int) LeftOut {
	if option, named := leftOption[why]; named {
		why = fmt.Sprintf(why, option)
	}
	return LeftOut{why, n}
}

// costOf returns the cost of tokens; nil if the price of the model is not known.
func costOf(model string, local bool, u Usage) *float64 {
	cost := 0.0
	if !local {
		p, known := prices[model]
		if !known {
			return nil
		}
		cost = p.cost(u)
	}
	return &cost
}

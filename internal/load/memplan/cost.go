package memplan

import (
	"math"
)

// Work is what a run trains on. Tokens and targets are means over the windows.
type Work struct {
	Windows  float64 // visits in the whole run: each window once per epoch
	Tokens   int     // per window
	Targets  int     // target tokens per window
	Stride   float64 // target messages per window
	Messages int     // of a window, at most; 0 if unknown
}

// Hours are the hours of a run: on one device, or on the fastest and the slowest of several.
type Hours struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// Speeds returns how fast a run with these settings is, on each device that it may run on.
type Speeds func(Settings) []Speed

// SpeedsOf returns the speeds of a run on any of these cards.
func SpeedsOf(cards ...GPU) Speeds {
	return func(s Settings) (list []Speed) {
		for _, g := range cards {
			list = append(list, g.Speed(s.Model.Weights))
		}
		return list
	}
}

// Cost returns the hours of a run, nil if no speed or no window is known.
func Cost(s Settings, fit Fit, w Work, speeds Speeds) *Hours {
	list := speeds(s)
	if len(list) == 0 || w.Windows == 0 {
		return nil
	}
	work := fit.FLOPs(1, min(w.Tokens, s.SeqLength), w.Targets)
	hours := Hours{From: math.Inf(1)}
	for _, speed := range list {
		h := speed.Seconds(work) * w.Windows / 3600
		hours.From, hours.To = min(hours.From, h), max(hours.To, h)
	}
	return &hours
}

// WithStride returns the work if windows of as many messages had this many targets: each message is a target as often as before.
func (w Work) WithStride(stride float64) Work {
	w.Windows *= w.Stride / stride
	w.Targets = int(math.Ceil(float64(w.Targets) * stride / w.Stride))
	w.Stride = stride
	return w
}

// WithMessages returns the work if windows had at most this many messages, and as many targets.
func (w Work) WithMessages(messages int) Work {
	w.Tokens = w.Tokens * messages / w.Messages
	w.Messages = messages
	return w
}

// Context is how many messages are before a target, on average, in a long conversation.
func (w Work) Context() float64 { return float64(w.Messages-1) - (w.Stride-1)/2 }

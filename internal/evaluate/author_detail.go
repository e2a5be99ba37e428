package evaluate

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"ventriloquist/internal/evaluate/interval"
	"ventriloquist/internal/terminal"
)

// AuthorDetail says more about who said it: where the model is right, how sure it is, and whom it takes for whom.
type AuthorDetail struct {
	Resampling
	Accuracy *interval.Interval `json:"accuracy_interval"` // with messages of a window or conversation as dependent
	// WithContext is the accuracy by the probability of the whole line: with who is likely to write next, and how soon. This is what
	// WhoSaidIt.Majority compares with.
	WithContext         float64            `json:"accuracy_with_context"`
	WithContextInterval *interval.Interval `json:"accuracy_with_context_interval"`

	Reliability []ReliabilityBin             `json:"reliability"` // the bins of the calibration error that have messages
	ByLength    []LengthFigures              `json:"by_length"`
	PerContact  map[string]AccuracyIntervals `json:"per_contact"`
	Confusion   map[string]map[string]int    `json:"confusion"` // messages by author and guess

	right []observation // of each message
}

// ReliabilityBin has the guesses whose probability, as the model gives it, is from From to To.
type ReliabilityBin struct {
	From       float64            `json:"from"`
	To         float64            `json:"to"`
	Messages   int                `json:"messages"`
	Confidence float64            `json:"confidence"` // the mean probability
	Accuracy   float64            `json:"accuracy"`
	Interval   *interval.Interval `json:"accuracy_interval"`
}

// LengthFigures has the messages of about one length.
type LengthFigures struct {
	From int `json:"from"` // characters
	To   int `json:"to"`   // 0: no limit
	AuthorFigures
	Interval *interval.Interval `json:"accuracy_interval"`
	Chance   float64            `json:"chance"`
}

// AccuracyIntervals has the interval for one author.
type AccuracyIntervals struct {
	Interval *interval.Interval `json:"accuracy_interval"`
}

// lengths are the classes of LengthFigures: up to so many characters.
var lengths = []int{10, 25, 60, 0}

// newAuthorDetail summarizes verdicts; nil if there are none.
func newAuthorDetail(verdicts []verdict) *AuthorDetail {
	if len(verdicts) == 0 {
		return nil
	}
	d := &AuthorDetail{PerContact: make(map[string]AccuracyIntervals), Confusion: make(map[string]map[string]int)}
	people := make(map[string][]verdict)
	byBin, byLength := make([][]verdict, binCount), make([][]verdict, len(lengths))
	for _, v := range verdicts {
		people[v.author] = append(people[v.author], v)
		byBin[v.bin()] = append(byBin[v.bin()], v)
		class := slices.IndexFunc(lengths, func(most int) bool { return v.length <= most || most == 0 })
		byLength[class] = append(byLength[class], v)
		if d.Confusion[v.author] == nil {
			d.Confusion[v.author] = make(map[string]int)
		}
		d.Confusion[v.author][v.guess]++
	}
	all := accuracies(verdicts)
	_, d.Resampling = units(all)
	d.Accuracy, d.right = share(all), all
	context := make([]observation, len(verdicts))
	for i, v := range verdicts {
		context[i] = observation{v.window, v.number, one(v.contextGuess == v.author), 1}
		d.WithContext += context[i].Sum / float64(len(verdicts))
	}
	d.WithContextInterval = share(context)
	for name, of := range people {
		d.PerContact[name] = AccuracyIntervals{share(accuracies(of))}
	}
	for i, b := range bins(verdicts) {
		if n := float64(b.messages); n > 0 {
			d.Reliability = append(d.Reliability, ReliabilityBin{float64(i) / binCount, float64(i+1) / binCount, b.messages, b.confidence / n, b.right / n,
				share(accuracies(byBin[i]))})
		}
	}
	from := 1
	for i, of := range byLength {
		if len(of) > 0 {
			d.ByLength = append(d.ByLength, lengthFigures(from, lengths[i], of))
		}
		from = lengths[i] + 1
	}
	return d
}

func lengthFigures(from, to int, of []verdict) LengthFigures {
	f := LengthFigures{From: from, To: to, Interval: share(accuracies(of))}
	f.Messages = len(of)
	for _, v := range of {
		f.Accuracy += one(v.guess == v.author) / float64(len(of))
		f.Chance += 1 / float64(v.members) / float64(len(of))
	}
	return f
}

// accuracies returns one observation per verdict.
func accuracies(verdicts []verdict) []observation {
	list := make([]observation, len(verdicts))
	for i, v := range verdicts {
		list[i] = observation{v.window, v.number, one(v.guess == v.author), 1}
	}
	return list
}

// print writes tables for people.
func (d *AuthorDetail) print(out io.Writer) error {
	length := terminal.NewTable("characters", "messages>", "author named>", "95% interval>", "chance>")
	for _, f := range d.ByLength {
		of := fmt.Sprintf("%d to %d", f.From, f.To)
		if f.To == 0 {
			of = fmt.Sprintf("%d and more", f.From)
		}
		length.Add(of, terminal.Count(int64(f.Messages)), fmt.Sprintf("%.0f%%", 100*f.Accuracy), percent(f.Interval), fmt.Sprintf("%.0f%%", 100*f.Chance))
	}
	sure := terminal.NewTable("probability of the guess", "guesses>", "right>", "95% interval>")
	for _, b := range d.Reliability {
		sure.Add(fmt.Sprintf("%.0f to %.0f%%, mean %.0f%%", 100*b.From, 100*b.To, 100*b.Confidence), terminal.Count(int64(b.Messages)),
			fmt.Sprintf("%.0f%%", 100*b.Accuracy), percent(b.Interval))
	}
	taken := terminal.NewTable("author", "messages>", "named>", "95% interval>", "most often taken for")
	for _, author := range slices.Sorted(maps.Keys(d.Confusion)) {
		taken.Add(d.confusionOf(author)...)
	}
	columns := terminal.Columns(out)
	if d.Accuracy != nil {
		fmt.Fprintf(out, "with %s resampled, the 95%% interval of who said it is %s\n", terminal.Quantity(d.Units, d.unit()), percent(d.Accuracy))
	}
	fmt.Fprintf(out, "with who is likely to write next, and how soon: the author named for %.1f%% (95%% interval %s)\n", 100*d.WithContext, percent(d.WithContextInterval))
	_, err := io.WriteString(out, "\n"+length.Fit(columns)+"\n"+sure.Fit(columns)+"\n"+taken.Fit(columns))
	return err
}

// confusionOf returns the row of an author.
func (d *AuthorDetail) confusionOf(author string) []string {
	messages, most := 0, ""
	of := d.Confusion[author]
	for _, guess := range slices.Sorted(maps.Keys(of)) {
		messages += of[guess]
		if guess != author && (most == "" || of[guess] > of[most]) {
			most = guess
		}
	}
	other := "-"
	if most != "" {
		other = fmt.Sprintf("%s (%s)", most, terminal.Count(int64(of[most])))
	}
	return []string{author, terminal.Count(int64(messages)), fmt.Sprintf("%.0f%%", 100*float64(of[author])/float64(messages)),
		percent(d.PerContact[author].Interval), other}
}

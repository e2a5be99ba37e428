package chat

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

// settings are the sampling options that commands show and set, by the commands' names.
var settings = []struct {
	name string
	get  func(o *generate.Options) string
	set  func(o *generate.Options, text string) error
}{
	{"/temperature", func(o *generate.Options) string { return number(o.Temperature) }, func(o *generate.Options, text string) error { return setFloat(&o.Temperature, text) }},
	{"/top-p", func(o *generate.Options) string { return number(o.TopP) }, func(o *generate.Options, text string) error { return setFloat(&o.TopP, text) }},
	{"/top-k", func(o *generate.Options) string { return strconv.Itoa(o.TopK) }, func(o *generate.Options, text string) error { return setInt(&o.TopK, text) }},
	{"/min-p", func(o *generate.Options) string { return number(o.MinP) }, func(o *generate.Options, text string) error { return setFloat(&o.MinP, text) }},
	{"/repetition-penalty", func(o *generate.Options) string { return number(o.RepetitionPenalty) }, func(o *generate.Options, text string) error { return setFloat(&o.RepetitionPenalty, text) }},
	{"/max-new-tokens", func(o *generate.Options) string { return strconv.Itoa(o.MaxNewTokens) }, func(o *generate.Options, text string) error { return setInt(&o.MaxNewTokens, text) }},
	{"/seed", func(o *generate.Options) string { return strconv.FormatUint(o.Seed, 10) }, func(o *generate.Options, text string) (err error) {
		o.Seed, err = strconv.ParseUint(text, 10, 64)
		return err
	}},
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

func setFloat(to *float64, text string) (err error) {
	*to, err = strconv.ParseFloat(text, 64)
	return err
}

func setInt(to *int, text string) (err error) {
	*to, err = strconv.Atoi(text)
	return err
}

// setting shows or sets a sampling option, and reports whether name is one.
func (d *Dialogue) setting(name, text string) bool {
	for _, s := range settings {
		if s.name != name {
			continue
		}
		if text != "" {
			changed := d.Sample
			if err := s.set(&changed, text); err != nil {
				d.say("%s %s: not a number that it takes", name, text)
				return true
			}
			if err := changed.Validate(); err != nil {
				d.say("%s", problem(err))
				return true
			}
			d.Sample = changed
			if name == "/temperature" && changed.Temperature == 0 {
				d.takeOwnChoice()
			}
		}
		d.say("%s %s", strings.TrimPrefix(name, "/"), s.get(&d.Sample))
		return true
	}
	return false
}

// takeOwnChoice turns off what would keep temperature 0 from being the model's own choice.
func (d *Dialogue) takeOwnChoice() {
	if d.Sample.MinP == 0 && d.Sample.RepetitionPenalty == 1 {
		return
	}
	d.Sample.MinP, d.Sample.RepetitionPenalty = 0, 1
	d.say("min-p and repetition-penalty are off now")
}

// problem returns an error of an option as the commands name it.
func problem(err error) string {
	var field *usererr.Field
	if !errors.As(err, &field) {
		return err.Error()
	}
	return fmt.Sprintf("/%s %s", strings.ReplaceAll(string(field.Name), "_", "-"), field.Problem)
}

// showSettings prints all of them.
func (d *Dialogue) showSettings() {
	var all []string
	for _, s := range settings {
		all = append(all, strings.TrimPrefix(s.name, "/")+" "+s.get(&d.Sample))
	}
	d.say("%s", strings.Join(all, ", "))
}

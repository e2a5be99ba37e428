package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/usererr"
)

// command is a line that begins with /.
type command struct {
	name     string
	argument string // as help shows it
	help     string
	run      func(d *Dialogue, ctx context.Context, rest string) error
}

// plain is a command that the model takes no part in.
func plain(run func(d *Dialogue, rest string)) func(*Dialogue, context.Context, string) error {
	return func(d *Dialogue, _ context.Context, rest string) error {
		run(d, rest)
		return nil
	}
}

// alone is one that takes no argument.
func alone(run func(d *Dialogue)) func(*Dialogue, context.Context, string) error {
	return plain(func(d *Dialogue, _ string) { run(d) })
}

// commands returns all of them, in the order of the help.
func commands() []command {
	return []command{
		{"/target", "NAME|any", "who answers; any: whoever is likely to speak next", plain((*Dialogue).setTarget)},
		{"/as", "NAME", "who says what you type", plain((*Dialogue).setSpeaker)},
		{"/members", "NAME NAME …", `set the other members ("Ann Lee"); alone: list them`, plain((*Dialogue).setMembers)},
		{"/type", "dm|group", "set the type of the conversation", plain((*Dialogue).setType)},
		{"/retry", "", "write the last answer again", (*Dialogue).retry},
		{"/alternatives", "[N]", "N different candidates to choose from", (*Dialogue).alternatives},
		{"/send", "N", "send a candidate in a live conversation, after asking", (*Dialogue).askToSend},
		{"/continue", "[N]", "let them talk: N messages, by whoever speaks next", (*Dialogue).letTalk},
		{"/undo", "", "take back the last turn", alone((*Dialogue).undo)},
		{"/context", "", "show the conversation so far", alone((*Dialogue).showContext)},
		{"/clear", "", "forget the conversation so far", alone((*Dialogue).clear)},
		{"/save", "FILE", "keep the conversation in a file", plain((*Dialogue).save)},
		{"/load", "FILE", "go on with the conversation of a file", plain((*Dialogue).load)},
		{"/adapter", "[NAME]", "list the adapters, or change to one", plain((*Dialogue).chooseAdapter)},
		{"/temperature", "[X]", "show or set it; so do the other names of /settings", nil},
		{"/settings", "", "show how messages are drawn", alone((*Dialogue).showSettings)},
		{"/debug", "", "on or off: show the exact prompt and the raw answer", alone((*Dialogue).toggleDebug)},
		{"/help", "", "show this", alone((*Dialogue).help)},
		{"/quit", "", "leave (also Ctrl-D)", nil},
	}
}

// Help returns the text of /help.
func Help() string {
	return helpOf([][2]string{
		{"hey, you free tonight?", "say something; the model answers as its person"},
		{"John: hey", "say it as John, whom you are from then on"},
		{"(empty line)", "let the model speak"},
	}, func(command) bool { return true })
}

// helpOf lists what lines without a command do, and the commands that are listed.
func helpOf(lines [][2]string, listed func(command) bool) string {
	for _, c := range commands() {
		if listed(c) {
			lines = append(lines, [2]string{strings.TrimSpace(c.name + " " + c.argument), c.help})
		}
	}
	var text strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&text, "%-23s %s\n", line[0], line[1])
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func (d *Dialogue) help() {
	if d.Live != nil {
		d.say("%s", helpLive())
		return
	}
	d.say("%s", Help())
}

// commandNames returns what a line may begin with.
func commandNames() (names []string) {
	for _, c := range commands() {
		names = append(names, c.name)
	}
	for _, s := range settings {
		if !slices.Contains(names, s.name) {
			names = append(names, s.name)
		}
	}
	return append(names, "/exit")
}

// command runs a line that begins with / and reports whether the dialogue is over.
func (d *Dialogue) command(ctx context.Context, line string) (quit bool, err error) {
	name, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if name == "/quit" || name == "/exit" {
		return true, nil
	}
	if d.setting(name, rest) {
		return false, nil
	}
	all := commands()
	at := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	switch {
	case at >= 0 && name == "/undo":
		return false, all[at].run(d, ctx, rest)
	case at >= 0:
		return false, d.undoable(func() error { return all[at].run(d, ctx, rest) })
	}
	if meant := usererr.Nearest(name, commandNames()); meant != "" {
		d.say("unknown command %s; did you mean %s?", name, meant)
	} else {
		d.say("unknown command %s; /help lists the commands", name)
	}
	return false, nil
}

// Anyone is the target that stands for whoever is likely to speak next.
const Anyone = "any"

func (d *Dialogue) setTarget(given string) {
	given = unquoted(given)
	if _, person := usererr.Match(given, d.everyone()); strings.EqualFold(given, Anyone) && !person {
		if d.As != "" {
			d.Members = append(d.Members, d.As)
		}
		d.As, d.Any = "", true
		d.history.changed()
		d.say("whoever is likely to speak next answers")
		return
	}
	d.setAs(given)
}

// setSpeaker sets who says what is typed.
func (d *Dialogue) setSpeaker(given string) {
	if given == "" {
		if d.speaker == "" {
			d.say("it is not known who says what you type: /as NAME")
		} else {
			d.say("you are %s", d.speaker)
		}
		return
	}
	name, err := d.find(unquoted(given))
	switch {
	case err != nil:
		d.explain(err)
	case name == d.As:
		d.say("the model answers as %s; change that first: /target NAME", name)
	default:
		d.join(name)
		d.speaker = name
		d.history.changed()
		d.say("you are %s", name)
	}
}

func (d *Dialogue) setAs(given string) {
	if given != "" {
		name, err := d.find(given)
		if err != nil {
			d.say("%v; %s", err, usererr.Of(err))
			return
		}
		d.history.changed()
		if d.As, d.Any = name, false; d.speaker == name {
			d.speaker = ""
			d.speaker = d.firstSpeaker()
		}
	}
	switch {
	case d.Any:
		d.say("whoever is likely to speak next answers")
	case d.As == "":
		d.say("the model has no person to answer as: /target NAME")
	case len(d.Messages) > 0 && given != "" && d.Messages[len(d.Messages)-1].Name != d.As:
		d.say("the model answers as %s; an empty line lets them answer now", d.As)
	default:
		d.say("the model answers as %s", d.As)
	}
}

// setMembers sets the members besides those who have spoken. Known people are meant in any case; other names are new people.
func (d *Dialogue) setMembers(typed string) {
	given := names(typed)
	var members, unknown []string
	everyone := d.everyone()
	for _, one := range given {
		name, found := usererr.Match(one, everyone)
		if !found {
			name = one
			unknown = append(unknown, one)
		}
		members = append(members, name)
	}
	if len(given) > 0 {
		d.Members = members
		d.history.changed()
	}
	d.say("%s: %s", d.conversation().Header.Type, strings.Join(d.members(), ", "))
	if len(unknown) > 0 && len(d.Trained) > 0 {
		d.say("the model was not trained on %s", strings.Join(unknown, ", "))
	}
}

func (d *Dialogue) setType(kind string) {
	if kind != "" && kind != "dm" && kind != "group" {
		d.say("/type is dm or group")
		return
	}
	if kind != "" {
		d.Kind = kind
		d.history.changed()
	}
	d.say("type %s", d.conversation().Header.Type)
}

func (d *Dialogue) clear() {
	d.Messages, d.Start, d.exchange = nil, "", exchange{}
	d.history.changed()
	d.say("conversation cleared; /undo brings it back")
}

func (d *Dialogue) showContext() {
	h := d.conversation().Header
	d.say("%s of %s, since %s", h.Type, strings.Join(d.members(), ", "), h.Start)
	for i := range d.Messages {
		d.say("  %s", Format(&d.Messages[i]))
	}
}

func (d *Dialogue) toggleDebug() {
	d.debugging = !d.debugging
	if !d.debugging {
		d.say("debug off")
		return
	}
	d.say("debug on")
	if d.exchange.prompt != "" {
		d.showPrompt()
		d.showAnswer()
	}
}

func (d *Dialogue) showPrompt() { d.say("prompt:\n%s", d.exchange.prompt) }
func (d *Dialogue) showAnswer() {
	d.say("raw answer:\n%s", strings.TrimSuffix(d.exchange.answer, "\n"))
}

// names splits at spaces and commas outside of quotes.
func names(text string) []string {
	quoted := false
	fields := strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == ',')
	})
	var all []string
	for _, f := range fields {
		if f = unquoted(f); f != "" {
			all = append(all, f)
		}
	}
	return all
}

func unquoted(name string) string { return strings.TrimSpace(strings.Trim(name, `"`)) }

package chat

import (
	"strings"

	"ventriloquist/internal/usererr"
)

// Help is the text of /help.
const Help = `hey, you free tonight?         say something; the model answers as its person
John: hey                      say it as John, a member or a known person; you are John from then on
(empty line)                   let the model speak
/target NAME                   who the model answers as
/members NAME NAME …           set the other members, also new ones ("in quotes" with spaces); without names: list them
/type dm|group                 set the type of the conversation
/context                       show the conversation so far
/clear                         forget the conversation so far
/debug                         turn on or off: show the exact prompt and the raw answer
/help                          show this
/quit                          leave (also Ctrl-D)`

// commands are the names of all commands.
var commands = []string{"/target", "/members", "/type", "/context", "/clear", "/debug", "/help", "/quit", "/exit"}

// command runs a line that begins with / and reports whether the dialogue is over.
func (d *Dialogue) command(line string) (quit bool) {
	name, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch name {
	case "/quit", "/exit":
		return true
	case "/help":
		d.say("%s", Help)
	case "/target":
		d.setAs(unquoted(rest))
	case "/members":
		d.setMembers(names(rest))
	case "/type":
		d.setType(rest)
	case "/context":
		d.showContext()
	case "/clear":
		d.Messages, d.Start, d.exchange = nil, "", exchange{}
		d.say("conversation cleared")
	case "/debug":
		d.toggleDebug()
	default:
		if meant := usererr.Nearest(name, commands); meant != "" {
			d.say("unknown command %s; did you mean %s?", name, meant)
		} else {
			d.say("unknown command %s; /help lists the commands", name)
		}
	}
	return false
}

func (d *Dialogue) setAs(given string) {
	if given != "" {
		name, err := d.find(given)
		if err != nil {
			d.say("%v; %s", err, usererr.Of(err))
			return
		}
		if d.As = name; d.speaker == name {
			d.speaker = ""
			d.speaker = d.firstSpeaker()
		}
	}
	switch {
	case d.As == "":
		d.say("the model has no person to answer as: /target NAME")
	case len(d.Messages) > 0 && given != "" && d.Messages[len(d.Messages)-1].Name != d.As:
		d.say("the model answers as %s; an empty line lets them answer now", d.As)
	default:
		d.say("the model answers as %s", d.As)
	}
}

// setMembers sets the members besides those who have spoken. Known people are meant in any case; other names are new people.
func (d *Dialogue) setMembers(given []string) {
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
	}
	d.say("type %s", d.conversation().Header.Type)
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

package chat

import "strings"

// Help is the text of /help.
const Help = `John: hey, you free tonight?   say something as John; the model answers as its person
hey, you free tonight?         the same, as the person you last spoke for
(empty line)                   let the model speak
/target NAME                   who the model answers as
/members NAME NAME …           set the other members ("in quotes" with spaces); without names: list them
/type dm|group                 set the type of the conversation
/context                       show the conversation so far
/clear                         forget the conversation so far
/debug                         turn on or off: show the exact prompt and the raw answer
/help                          show this
/quit                          leave (also Ctrl-D; Ctrl-C stops an answer, and twice leaves)`

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
		d.say("forgotten")
	case "/debug":
		d.toggleDebug()
	default:
		d.say("unknown command %s; /help lists the commands", name)
	}
	return false
}

func (d *Dialogue) setAs(name string) {
	if name == "" {
		if d.As == "" {
			d.say("the model has no person to answer as: /target NAME")
		} else {
			d.say("the model answers as %s", d.As)
		}
		return
	}
	d.As = name
	d.say("the model answers as %s", name)
}

func (d *Dialogue) setMembers(names []string) {
	if len(names) > 0 {
		d.Members = names
	}
	d.say("%s: %s", d.conversation().Header.Type, strings.Join(d.members(), ", "))
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

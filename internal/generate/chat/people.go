package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ventriloquist/internal/usererr"
)

// members returns all participants, sorted.
func (d *Dialogue) members() []string {
	all := slices.Clone(d.Members)
	if d.As != "" {
		all = append(all, d.As)
	}
	if d.speaker != "" {
		all = append(all, d.speaker)
	}
	for i := range d.Messages {
		all = append(all, d.Messages[i].Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// everyone returns the names that can be typed, sorted: members and known people.
func (d *Dialogue) everyone() []string {
	all := slices.Concat(d.members(), d.Trained, d.Contacts)
	if d.Owner != "" {
		all = append(all, d.Owner)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// others returns names without the person whom the model answers as.
func (d *Dialogue) others(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == d.As })
}

// firstSpeaker returns who says what is typed without a name: the owner, or the only one who can if the owner is no member or is who
// the model answers as.
func (d *Dialogue) firstSpeaker() string {
	members := d.others(d.members())
	if len(members) == 1 && (d.Owner == "" || d.Owner == d.As || !slices.Contains(members, d.Owner)) {
		return members[0]
	}
	if d.Owner != "" && d.Owner != d.As {
		return d.Owner
	}
	if all := d.others(d.partners()); len(members) == 0 && len(all) == 1 {
		return all[0]
	}
	return ""
}

// splitSpeaker splits a line that begins with a name and a colon: `John: hey`. Only the names of members and known people count, in
// any case; the longest does, so that names may contain a colon. Without such a name, the line is all text.
func (d *Dialogue) splitSpeaker(line string) (name, text string) {
	everyone := d.everyone()
	for at := 0; ; {
		next := strings.Index(line[at:], ": ")
		if next < 0 {
			return name, text
		}
		at += next
		rest := strings.TrimSpace(line[at+1:])
		if match, found := usererr.Match(line[:at], everyone); found && rest != "" {
			name, text = match, rest
		}
		at++
	}
}

// currentSpeaker returns the author and text of a line without a known name. Where nobody is known at all, the first name that is
// typed is the speaker's.
func (d *Dialogue) currentSpeaker(line string) (name, text string, err error) {
	if d.speaker == "" {
		d.speaker = d.firstSpeaker()
	}
	if d.speaker != "" {
		return d.speaker, line, nil
	}
	if len(d.others(d.everyone())) == 0 {
		if name, text, found := strings.Cut(line, ": "); found && strings.TrimSpace(name) != "" && strings.TrimSpace(text) != "" {
			return strings.TrimSpace(name), strings.TrimSpace(text), nil
		}
	}
	return "", "", usererr.With(errors.New("it is not known who says this"), "begin with a name, as in %q, or set MY_NAME in .env",
		d.exampleSpeaker()+": hey, you free tonight?")
}

// exampleSpeaker returns a name for an example.
func (d *Dialogue) exampleSpeaker() string {
	if others := d.others(d.partners()); len(others) > 0 {
		return others[0]
	}
	return "John"
}

// join adds a member to the conversation, and says so if it is a group by that.
func (d *Dialogue) join(name string) {
	before := d.members()
	if slices.Contains(before, name) {
		return
	}
	d.Members = append(d.Members, name)
	if len(before) >= 2 {
		d.say("(%s joins: %s)", name, strings.Join(d.members(), ", "))
	}
}

// find returns the person that a typed name means.
func (d *Dialogue) find(given string) (string, error) {
	everyone := d.everyone()
	if name, found := usererr.Match(given, everyone); found {
		return name, nil
	}
	if len(d.Trained) == 0 {
		return given, nil
	}
	return "", usererr.Suggest(fmt.Errorf("no person is called %q", given), given, everyone, "%q",
		"known are "+listed(d.partners(), 12)+"; /members NAME adds someone new")
}

// partners returns the members and the people that the model was trained on; without them, contacts.
func (d *Dialogue) partners() []string {
	all := append(d.members(), d.Trained...)
	if len(d.Trained) == 0 {
		all = append(all, d.Contacts...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// listed returns names in a row, at most a number of them.
func listed(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// inferAs sets the person to answer as, if it is not known yet, to the only one besides the speaker.
func (d *Dialogue) inferAs() bool {
	if d.As != "" {
		return true
	}
	for _, names := range [][]string{d.members(), d.partners()} {
		others := slices.DeleteFunc(names, func(name string) bool { return name == d.speaker })
		if len(others) == 1 && d.speaker != "" {
			d.As = others[0]
			return true
		}
		if len(others) > 1 {
			d.say("who should the model answer as? /target NAME: %s", listed(others, 12))
			return false
		}
	}
	d.say("who should the model answer as? /target NAME")
	return false
}

// Speaker returns the person who says what is typed without a name, "" if it is not known.
func (d *Dialogue) Speaker() string { return d.speaker }

// Greet says who is who, and how to go on.
func (d *Dialogue) Greet() {
	if d.Live != nil {
		d.greetLive()
		return
	}
	var said []string
	if d.speaker != "" {
		said = append(said, fmt.Sprintf("You are %s.", d.speaker))
	} else {
		said = append(said, "Begin with your name, as in "+d.exampleSpeaker()+": hey (MY_NAME in .env sets it for good).")
	}
	others := slices.DeleteFunc(d.others(d.partners()), func(name string) bool { return name == d.speaker })
	switch {
	case d.Any:
		said = append(said, "Whoever is likely to speak next answers.")
	case d.As != "":
		said = append(said, fmt.Sprintf("%s answers.", d.As))
		if len(others) > 0 {
			said = append(said, fmt.Sprintf("Also known: %s (/target NAME).", listed(others, 8)))
		}
	case len(others) == 1:
		said = append(said, fmt.Sprintf("%s answers.", others[0]))
	case len(others) > 0:
		said = append(said, fmt.Sprintf("Talk to: %s (/target NAME).", listed(others, 8)))
	default:
		said = append(said, "/target NAME says who answers.")
	}
	d.say("%s", strings.Join(said, " "))
	d.say("/help lists the commands.")
}

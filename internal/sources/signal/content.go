package signal

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/mediatype"
)

// longText is the type of an attachment that holds the whole of a long message.
const longText = "text/x-signal-plain"

// encryptedFiles is the version from which attachments are encrypted on disk, each with a key of its own.
const encryptedFiles = 2

// parts returns the content of a message: its files and what else is attached, then its words.
func (e *emitter) parts(n *row, guid string) (parts []sources.Part) {
	for i, a := range n.Attachments {
		if a.ContentType == longText {
			continue
		}
		p := sources.Part{Kind: mediatype.Of(a.ContentType, "", a.FileName), Text: a.FileName, Attachment: fmt.Sprintf("%s/%d", guid, i)}
		if a.Path != "" && a.Version < encryptedFiles {
			p.File = messages.FilePlace{Root: e.reader.files, Path: path.Clean(strings.ReplaceAll(a.Path, `\`, "/"))}
		}
		parts = append(parts, p)
		if caption := strings.TrimSpace(a.Caption); caption != "" {
			parts = append(parts, sources.Part{Text: caption})
		}
	}
	if n.Sticker != nil {
		parts = append(parts, sources.Part{Kind: messages.Image, Text: n.Sticker.Emoji, Attachment: guid + "/s", Transcript: n.Sticker.Emoji})
	}
	for i := range n.Contact {
		if name := n.Contact[i].name(); name != "" {
			parts = append(parts, sources.Part{Kind: messages.Contact, Text: name, Attachment: fmt.Sprintf("%s/c%d", guid, i)})
		}
	}
	if n.Poll != nil {
		if words := sources.PollText(n.Poll.Question, n.Poll.Options); words != "" {
			parts = append(parts, sources.Part{Text: words})
			if n.body == n.Poll.Question {
				n.body = ""
			}
		}
	}
	if strings.TrimSpace(n.body) != "" {
		parts = append(parts, sources.Part{Text: e.people.withMentions(n.body, n.BodyRanges)})
	}
	return parts
}

// name returns the name on a card, else its number.
func (c *card) name() string {
	n := &c.Name
	full := strings.Join(strings.Fields(strings.Join([]string{n.Prefix, n.GivenName, n.MiddleName, n.FamilyName, n.Suffix}, " ")), " ")
	if name := cmp.Or(strings.TrimSpace(n.DisplayName), n.Nickname, full, c.Organization); name != "" || len(c.Number) == 0 {
		return name
	}
	return c.Number[0].Value
}

// withMentions returns a text in which the names of people stand where Signal has a mark for them.
func (d *directory) withMentions(text string, ranges []bodyRange) string {
	mentions := slices.DeleteFunc(slices.Clone(ranges), func(r bodyRange) bool { return r.MentionACI == "" && r.MentionUUID == "" })
	if len(mentions) == 0 {
		return text
	}
	slices.SortStableFunc(mentions, func(a, b bodyRange) int { return cmp.Compare(a.Start, b.Start) })
	units := utf16.Encode([]rune(text))
	var out strings.Builder
	from := 0
	for _, m := range mentions {
		if m.Start < from || m.Start > len(units) || m.Length < 0 || m.Length > len(units)-m.Start {
			return text
		}
		out.WriteString(string(utf16.Decode(units[from:m.Start])))
		p := d.find(m.MentionACI, m.MentionUUID)
		out.WriteString("@" + cmp.Or(p.name, p.address, "me"))
		from = m.Start + m.Length
	}
	out.WriteString(string(utf16.Decode(units[from:])))
	return out.String()
}

// versions returns the texts of an edited message, the current one last, or nil.
func (e *emitter) versions(n *row, part int) (list []messages.Version) {
	if len(n.EditHistory) < 2 {
		return nil
	}
	history := slices.Clone(n.EditHistory) // the newest first
	slices.SortStableFunc(history, func(a, b edit) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	for i, v := range history {
		if !canBe(v.Timestamp) {
			return nil
		}
		list = append(list, messages.Version{Part: part, Number: i, Date: time.UnixMilli(v.Timestamp).UnixNano(), Text: e.people.withMentions(v.Body, v.BodyRanges)})
	}
	return list
}

// isLost reports whether a message got to none of its recipients.
func (n *row) isLost(d *directory) bool {
	others := 0
	for id, state := range n.SendStates {
		if p := d.byID[id]; p != nil && p.address == messages.Owner && len(n.SendStates) > 1 {
			continue
		}
		if others++; state.Status != failed {
			return false
		}
	}
	return others > 0
}

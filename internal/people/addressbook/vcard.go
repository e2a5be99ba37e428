package addressbook

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"path/filepath"
	"slices"
	"strings"

	"ventriloquist/internal/charset"
	"ventriloquist/internal/regularfile"
)

// isVCard reports whether a file holds vCards, which telephones and mail programs export.
func isVCard(path string) bool {
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".vcf" || ext == ".vcard" {
		return true
	}
	f, err := regularfile.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 64)
	n, _ := io.ReadFull(charset.NewReader(f), head)
	return strings.HasPrefix(strings.ToUpper(strings.TrimSpace(string(head[:n]))), "BEGIN:VCARD")
}

// readVCards reads a file of vCards, of version 2.1, 3.0 or 4.0.
func readVCards(path string) ([]Card, error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var cards []Card
	var v vcard
	err = eachVCardLine(f, func(line string) {
		p := parseProperty(line)
		switch {
		case p.name == "BEGIN":
			v = vcard{}
		case p.name == "END":
			if c := v.card(); len(c.Addresses) > 0 && c.Name != "" {
				cards = append(cards, c)
			}
		default:
			v.add(p)
		}
	})
	return cards, err
}

// vcard collects the properties of one card.
type vcard struct {
	full, first, last, nickname, company string
	phones, mails                        []string
}

func (v *vcard) add(p property) {
	switch p.name {
	case "FN": // the first one is in the language of the card
		v.full = cmp.Or(v.full, oneLine(p.text()))
	case "N":
		parts := p.list()
		if v.first != "" || v.last != "" {
			return
		}
		v.last = parts[0]
		if len(parts) > 1 {
			v.first = parts[1]
		}
	case "NICKNAME":
		v.nickname = p.text()
	case "ORG":
		v.company = p.list()[0]
	case "TEL":
		v.phones = appendNew(v.phones, strings.TrimSpace(p.text()))
	case "EMAIL":
		v.mails = appendNew(v.mails, strings.TrimSpace(p.text()))
	}
}

func appendNew(list []string, text string) []string {
	if text == "" || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// card returns the card as the databases have it.
func (v *vcard) card() Card {
	name := nameOf(v.first, v.last, "", "")
	if name == "" {
		name = v.full
	}
	if name == "" {
		name = nameOf("", "", v.nickname, v.company)
	}
	return Card{Name: name, Addresses: slices.Concat(v.phones, v.mails)}
}

// property is a line of a vCard: item1.TEL;TYPE=cell:+1 555 000 0001.
type property struct {
	name     string // in capitals
	value    string
	transfer transfer
	charset  string // the value of CHARSET
}

// transfer is how the bytes of a value are encoded.
type transfer int

const (
	asText transfer = iota
	quotedPrintable
	asBase64
)

func parseProperty(line string) property {
	head, value := cutOutsideQuotes(line, ':')
	first, rest := cutOutsideQuotes(head, ';')
	p := property{name: strings.ToUpper(strings.TrimSpace(first)), value: value}
	if at := strings.LastIndexByte(p.name, '.'); at >= 0 {
		p.name = p.name[at+1:]
	}
	for rest != "" {
		var parameter string
		parameter, rest = cutOutsideQuotes(rest, ';')
		parameter = strings.ToUpper(strings.ReplaceAll(parameter, " ", ""))
		switch name, text, _ := strings.Cut(parameter, "="); {
		case strings.HasSuffix(parameter, "QUOTED-PRINTABLE"):
			p.transfer = quotedPrintable
		case parameter == "BASE64", name == "ENCODING" && (text == "BASE64" || text == "B"):
			p.transfer = asBase64
		case name == "CHARSET":
			p.charset = strings.Trim(text, `"`)
		}
	}
	return p
}

// cutOutsideQuotes cuts a text at the first separator that is not within quotation marks.
func cutOutsideQuotes(text string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == separator && !quoted:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// plain returns the value without its transfer encoding, as UTF-8.
func (p property) plain() string {
	var data []byte
	var err error
	switch p.transfer {
	case asText:
		return p.value
	case quotedPrintable:
		data, err = io.ReadAll(quotedprintable.NewReader(strings.NewReader(p.value)))
	case asBase64:
		data, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(p.value, " ", ""))
	}
	if err != nil {
		return p.value
	}
	return charset.DecodeAs(data, p.charset)
}

// text returns the value of a property of one part.
func (p property) text() string { return unescape(p.plain()) }

// list returns the parts of a value, which semicolons separate; there is at least one.
func (p property) list() []string {
	var parts []string
	part, value := "", p.plain()
	for i := 0; i < len(value); i++ {
		switch {
		case value[i] == '\\' && i+1 < len(value):
			part += value[i : i+2]
			i++
		case value[i] == ';':
			parts, part = append(parts, unescape(part)), ""
		default:
			part += value[i : i+1]
		}
	}
	return append(parts, unescape(part))
}

var escapes = strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\:`, ":", `\\`, `\`)

func unescape(text string) string { return escapes.Replace(text) }

// eachVCardLine calls visit for each line, with its continuations: lines that begin with white space, and, in
// quoted-printable, what follows a line that ends in an equals sign.
func eachVCardLine(r io.Reader, visit func(string)) error {
	in := bufio.NewScanner(charset.NewReader(r))
	const longest = 16 << 20 // a photo
	in.Buffer(nil, longest)
	pending := ""
	for in.Scan() {
		line := strings.TrimSuffix(in.Text(), "\r")
		switch {
		case strings.HasSuffix(pending, "=") && parseProperty(pending).transfer == quotedPrintable:
			pending = strings.TrimSuffix(pending, "=") + line
			continue
		case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"):
			pending += line[1:]
			continue
		}
		if pending != "" {
			visit(pending)
		}
		pending = line
	}
	if pending != "" {
		visit(pending)
	}
	return in.Err()
}

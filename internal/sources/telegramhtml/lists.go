package telegramhtml

import (
	"context"
	"fmt"
	"path"
	"strings"

	"ventriloquist/internal/sources/htmlstream"
)

// lists reads what the export of an account says about it: whose it is, the kinds of its chats, and the numbers of contacts. An export
// of one chat has none of these pages.
func (s *survey) lists(ctx context.Context) error {
	s.phones = map[string]string{}
	err := s.list(ctx, summaryPage, "personal_info", s.personal)
	if err == nil {
		err = s.list(ctx, "lists/chats.html", "entry", s.listed)
	}
	if err == nil {
		err = s.list(ctx, "lists/contacts.html", "entry", s.contact)
	}
	return err
}

// list passes the elements of a class in a page to visit. A page that is missing or damaged costs what it says.
func (s *survey) list(ctx context.Context, page, class string, visit func(n *htmlstream.Node)) error {
	file := path.Join(s.reader.top, page)
	if !s.reader.Has(file) {
		return nil
	}
	in, err := s.reader.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	err = htmlstream.Read(in, largestMessage, htmlstream.Handler{
		Wants: func(n *htmlstream.Node) bool { return n.Is(class) },
		Visit: func(n *htmlstream.Node) error {
			visit(n)
			return ctx.Err()
		},
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		s.notes = append(s.notes, fmt.Sprintf("%s: %v", s.reader.At(file), err))
	}
	return nil
}

// personal takes the owner's name and number.
func (s *survey) personal(n *htmlstream.Node) {
	rows := map[string]string{}
	for _, group := range n.Elements("rows") {
		for _, row := range group.Elements("row") {
			rows[words(row.Child("label"))] = words(row.Child("value"))
		}
	}
	s.owner = strings.TrimSpace(rows["First name"] + " " + rows["Last name"])
	s.phone = rows["Phone number"]
}

// listed takes the kind of a chat.
func (s *survey) listed(n *htmlstream.Node) {
	href, _, _ := strings.Cut(n.Attr("href"), "#")
	folder := path.Join(s.reader.top, path.Dir(path.Join("lists", href)))
	kinds := map[string]kind{"private": direct, "bot": direct, "group": group, "channel": channel}
	for _, c := range s.reader.chats {
		if c.folder == folder {
			c.kind = max(c.kind, kinds[words(n.Find("info"))])
		}
	}
}

// contact takes the number of somebody whose name no other contact has.
func (s *survey) contact(n *htmlstream.Node) {
	name, phone := words(n.Find("name")), words(n.Find("details_entry"))
	if strings.IndexFunc(phone, func(c rune) bool { return c >= '0' && c <= '9' }) < 0 {
		return
	}
	if _, twice := s.phones[name]; twice {
		phone = ""
	}
	s.phones[name] = phone
}

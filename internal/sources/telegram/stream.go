package telegram

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/usererr"
)

// The limits of an export, far above what Telegram Desktop writes: a message has at most 4,096 characters.
const (
	largestValue = 4 << 20 // bytes of a message, or of another value that is in memory as a whole
	mostChats    = 200_000
)

// chatHead is an export's data about a chat, apart from its messages.
type chatHead struct {
	name, kind, id string
}

// visitor receives the content of an export, in order. A chat's head may follow its messages.
type visitor struct {
	owner   func(id, phone string) // of the account
	contact func(id, phone string) // in its address book
	message func(chat int, m *message) error
	chat    func(chat int, head chatHead)
	damaged func(what string) // a part of the file, which is passed over
	brief   bool              // only who writes matters, not what
}

// stream reads an export.
type stream struct {
	ctx   context.Context
	json  *jsonstream.Scanner
	visit visitor
	chats int
	read  int64
	one   message // the current one
}

// newStream returns a stream of an export; path is for errors.
func newStream(ctx context.Context, in io.Reader, path string, visit visitor) *stream {
	s := &stream{ctx: ctx, visit: visit}
	s.json = jsonstream.New(in, largestValue, func(d *jsonstream.Damage) {
		if visit.damaged != nil {
			visit.damaged(fmt.Sprintf("%s:%d: %v", path, d.Line, d.Err))
		}
	})
	return s
}

// each reads the file.
func (r *Reader) each(ctx context.Context, visit visitor) error {
	path := r.At(r.name)
	f, err := r.Open(r.name)
	if err != nil {
		return err
	}
	defer f.Close()
	s := newStream(ctx, f, path, visit)
	err = s.export()
	var damage *jsonstream.Damage
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, jsonstream.ErrRest): // what is damaged was told
		return nil
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("%s ends before its JSON does", path)
		if s.read > 0 {
			return &cutOff{err}
		}
		return usererr.With(err, "the export was interrupted: export again")
	case errors.As(err, &damage):
		err = fmt.Errorf("%s:%d: %w", path, damage.Line, damage.Err)
	default:
		err = fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case errors.Is(err, jsonstream.ErrLimit):
		return usererr.With(err, "no export of Telegram Desktop has such content: it may be damaged, or made by another program")
	case damage != nil && s.read > 0:
		return &cutOff{err}
	}
	return usererr.With(err, "it is no export of Telegram Desktop, or was changed: export again, as JSON")
}

// cutOff is the error of an export whose end is missing. What came before was visited.
type cutOff struct{ error }

// export reads an account, or a chat: an object with messages.
func (s *stream) export() error {
	head := chatHead{}
	chat := -1
	err := s.json.Object(func(key string) error {
		switch key {
		case "personal_information":
			return s.person(s.visit.owner)
		case "contacts":
			return s.list(func() error { return s.person(s.visit.contact) })
		case "chats", "left_chats":
			return s.list(s.chat)
		case "messages":
			if chat < 0 {
				var err error
				if chat, err = s.nextChat(); err != nil {
					return err
				}
			}
			return s.messages(chat)
		}
		return s.headField(key, &head)
	})
	if chat >= 0 {
		s.visit.chat(chat, head)
	}
	return err
}

// list reads the array that an object has as its list.
func (s *stream) list(element func() error) error {
	return s.json.Object(func(key string) error {
		if key == "list" {
			return s.json.Array(element)
		}
		return s.json.Skip()
	})
}

// person reads the identifier and the telephone number of the owner or of a contact.
func (s *stream) person(visit func(id, phone string)) error {
	raw, err := s.json.Value()
	if err != nil || visit == nil {
		return err
	}
	var id, phone string
	err = jsonstream.Fields(raw, func(key, value []byte) (err error) {
		switch string(key) {
		case "user_id":
			id = number(value)
		case "phone_number":
			phone, _, err = jsonstream.String(value)
		}
		return err
	})
	if err != nil {
		return s.json.Reject(raw, err)
	}
	if rest, found := strings.CutPrefix(phone, "00"); found { // as older versions write
		phone = "+" + rest
	}
	if id != "" && id != "0" {
		visit(id, phone)
	}
	return nil
}

// chat reads a chat of an account.
func (s *stream) chat() error {
	var head chatHead
	number, err := s.nextChat()
	if err != nil {
		return err
	}
	err = s.json.Object(func(key string) error {
		if key == "messages" {
			return s.messages(number)
		}
		return s.headField(key, &head)
	})
	s.visit.chat(number, head)
	return err
}

// nextChat returns the number of another chat.
func (s *stream) nextChat() (number int, err error) {
	if s.chats == mostChats {
		return 0, fmt.Errorf("%w: it has more than %d chats", jsonstream.ErrLimit, mostChats)
	}
	s.chats++
	return s.chats - 1, nil
}

func (s *stream) headField(key string, head *chatHead) error {
	if key != "name" && key != "type" && key != "id" {
		return s.json.Skip()
	}
	raw, err := s.json.Value()
	if err != nil {
		return err
	}
	switch key {
	case "name":
		head.name, _, err = jsonstream.String(raw)
	case "type":
		head.kind, _, err = jsonstream.String(raw)
	case "id":
		head.id = number(raw)
	}
	if err != nil {
		return s.json.Reject(raw, err)
	}
	return nil
}

// number returns a number, or a text that holds one, as it is written.
func number(raw []byte) string {
	if text, _, err := jsonstream.String(raw); err == nil {
		return text
	}
	return string(raw)
}

func (s *stream) messages(chat int) error {
	return s.json.Array(func() error {
		raw, err := s.json.Value()
		if err != nil {
			return err
		}
		s.one = message{}
		if err := s.one.read(raw, s.visit.brief); err != nil {
			return s.json.Reject(raw, err)
		}
		if s.read++; s.read%1024 == 0 && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		s.one.row = s.read
		return s.visit.message(chat, &s.one)
	})
}

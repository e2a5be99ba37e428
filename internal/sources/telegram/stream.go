package telegram

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/usererr"
)

// chatHead is an export's data about a chat, apart from its messages.
type chatHead struct {
	name, kind string
	id         json.Number
}

// visitor receives the content of an export, in order. A chat's head may follow its messages.
type visitor struct {
	owner   func(id json.Number, phone string) // of the account
	message func(chat int, m *message) error
	chat    func(chat int, head chatHead)
}

// stream reads an export.
type stream struct {
	ctx   context.Context
	json  *json.Decoder
	visit visitor
	chats int
	read  int64
}

// each reads the file at path.
func each(ctx context.Context, path string, visit visitor) error {
	f, err := sources.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	limited := &limitedReader{in: &mender{in: bufio.NewReaderSize(f, 1<<20)}}
	s := stream{ctx: ctx, json: json.NewDecoder(limited), visit: visit}
	limited.offset = s.json.InputOffset
	s.json.UseNumber()
	err = s.export()
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("%s ends before its JSON does", path)
		if s.read > 0 {
			return &cutOff{err}
		}
		return usererr.With(err, "the export was interrupted: export again")
	}
	err = fmt.Errorf("%s:%d: %w", path, lineAt(path, s.json.InputOffset()), err)
	if errors.Is(err, errLimit) {
		return usererr.With(err, "no export of Telegram Desktop has such content: it may be damaged, or made by another program")
	}
	return usererr.With(err, "it is no export of Telegram Desktop, or was changed: export again, as JSON")
}

// cutOff is the error of an export whose end is missing. What came before was visited.
type cutOff struct{ error }

// lineAt returns the line of an offset in the decoder's input.
func lineAt(path string, offset int64) int {
	f, err := sources.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	in := bufio.NewReader(io.LimitReader(&mender{in: bufio.NewReader(f)}, offset))
	line := 1
	for {
		c, err := in.ReadByte()
		if err != nil {
			return line
		}
		if c == '\n' {
			line++
		}
	}
}

// export reads an account, or a chat: an object with messages.
func (s *stream) export() error {
	head := chatHead{}
	chat := -1
	err := s.object(func(key string) error {
		switch key {
		case "personal_information":
			var owner struct {
				ID    json.Number `json:"user_id"`
				Phone string      `json:"phone_number"`
			}
			err := s.json.Decode(&owner)
			if err == nil && s.visit.owner != nil && owner.ID != "" {
				s.visit.owner(owner.ID, owner.Phone)
			}
			return err
		case "chats", "left_chats":
			return s.object(func(key string) error {
				if key == "list" {
					return s.array(s.chat)
				}
				return s.skip()
			})
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

// chat reads a chat of an account.
func (s *stream) chat() error {
	var head chatHead
	number, err := s.nextChat()
	if err != nil {
		return err
	}
	err = s.object(func(key string) error {
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
		return 0, fmt.Errorf("%w: it has more than %d chats", errLimit, mostChats)
	}
	s.chats++
	return s.chats - 1, nil
}

func (s *stream) headField(key string, head *chatHead) error {
	var text *string
	switch key {
	case "name", "type":
		err := s.json.Decode(&text)
		if err == nil && text != nil {
			if key == "name" {
				head.name = *text
			} else {
				head.kind = *text
			}
		}
		return err
	case "id":
		return s.json.Decode(&head.id)
	}
	return s.skip()
}

func (s *stream) messages(chat int) error {
	return s.array(func() error {
		var m message
		if err := s.json.Decode(&m); err != nil {
			return err
		}
		if s.read++; s.read%1024 == 0 && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		m.row = s.read
		return s.visit.message(chat, &m)
	})
}

// object calls field for every key of an object, after reading the key; field must read the value.
func (s *stream) object(field func(key string) error) error {
	if err := s.open('{'); err != nil {
		return err
	}
	for s.json.More() {
		key, err := s.json.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if err := field(name); err != nil {
			return err
		}
	}
	_, err := s.json.Token()
	return err
}

// array calls element for every element of an array, before it.
func (s *stream) array(element func() error) error {
	if err := s.open('['); err != nil {
		return err
	}
	for s.json.More() {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := s.json.Token()
	return err
}

func (s *stream) open(want json.Delim) error {
	token, err := s.json.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("there is %v where a %v should be", token, want)
	}
	return nil
}

// skip skips a value, without holding all of it.
func (s *stream) skip() error {
	depth := 0
	for {
		token, err := s.json.Token()
		if err != nil {
			return err
		}
		if delim, ok := token.(json.Delim); ok {
			if delim == '{' || delim == '[' {
				if depth++; depth > deepest {
					return fmt.Errorf("%w: its values are nested deeper than %d levels", errLimit, deepest)
				}
			} else {
				depth--
			}
		}
		if depth <= 0 {
			return nil
		}
	}
}

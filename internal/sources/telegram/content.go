package telegram

import (
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/jsonstream"
	"ventriloquist/internal/sources/mediatype"
)

// message is an element of messages.
type message struct {
	row       int64
	id        string
	kind      string // its type
	date      string // local to the exporting machine
	unix      string // seconds since 1970
	from      string
	fromID    peer
	replyTo   string
	replyPeer peer
	text      string
	replaced  bool // something in the text that is no character

	photo     string
	file      string
	named     string
	mime      string
	mediaType string
	emoji     string
	contact   *contact
	place     *coordinates
	placeName string
	address   string
	question  *string // of a poll, or the title of a list, with what there is to choose or to do
	game      string
	invoice   *string
	reactions []reaction
}

type contact struct {
	First string `json:"first_name"`
	Last  string `json:"last_name"`
	Phone string `json:"phone_number"`
}

type coordinates struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// reaction is one emoji under a message. recent lists the people who chose it, as far as the export knows them.
type reaction struct {
	emoji  string
	recent []reactor
}

type reactor struct {
	from   string
	fromID peer
	date   string
}

// read reads a message. If it is to be brief, only who takes part in it.
func (m *message) read(raw []byte, brief bool) error {
	return jsonstream.Fields(raw, func(key, value []byte) (err error) {
		if string(value) == "null" {
			return nil
		}
		switch string(key) {
		case "type":
			m.kind, err = m.string(value)
		case "from":
			m.from, err = m.string(value)
		case "from_id":
			m.fromID, err = peerOf(value)
		case "reactions":
			err = m.readReactions(value)
		case "id":
			m.id = number(value)
		case "text":
			m.text, err = m.words(value) // also if nobody asks, so that both passes agree on what is damaged
		default:
			if !brief {
				err = m.content(string(key), value)
			}
		}
		return err
	})
}

// string returns a text of the message.
func (m *message) string(value []byte) (string, error) {
	text, replaced, err := jsonstream.String(value)
	m.replaced = m.replaced || replaced
	return text, err
}

// content reads a field that says when the message was sent, or what it holds beside its text. Fields of another form than is
// known count as absent.
func (m *message) content(key string, value []byte) error {
	if to := m.textOf(key); to != nil {
		*to, _ = m.string(value)
		return nil
	}
	switch key {
	case "date_unixtime":
		m.unix = number(value)
	case "reply_to_message_id":
		m.replyTo = number(value)
	case "reply_to_peer_id":
		m.replyPeer, _ = peerOf(value)
	case "contact_information":
		json.Unmarshal(value, &m.contact)
	case "location_information":
		json.Unmarshal(value, &m.place)
	case "poll":
		m.question = m.poll(value, "question")
	case "todo_list":
		m.question = m.poll(value, "title")
	case "invoice_information":
		m.invoice = m.inner(value, "title")
	}
	return nil
}

// textOf returns where a field that is a text goes.
func (m *message) textOf(key string) *string {
	switch key {
	case "date":
		return &m.date
	case "photo":
		return &m.photo
	case "file":
		return &m.file
	case "file_name":
		return &m.named
	case "mime_type":
		return &m.mime
	case "media_type":
		return &m.mediaType
	case "sticker_emoji":
		return &m.emoji
	case "place_name":
		return &m.placeName
	case "address":
		return &m.address
	case "game_title":
		return &m.game
	}
	return nil
}

// poll returns the words of a poll or of a list of tasks: the title in that field, and the answers.
func (m *message) poll(object []byte, title string) *string {
	var answers []string
	jsonstream.Fields(object, func(key, value []byte) error {
		if string(key) != "answers" {
			return nil
		}
		return jsonstream.Elements(value, func(one []byte) error {
			answers = append(answers, *m.inner(one, "text"))
			return nil
		})
	})
	text := sources.PollText(*m.inner(object, title), answers)
	return &text
}

// inner returns the words that a field of an object has.
func (m *message) inner(object []byte, name string) *string {
	text := ""
	jsonstream.Fields(object, func(key, value []byte) (err error) {
		if string(key) == name {
			text, err = m.words(value)
		}
		return err
	})
	return &text
}

// words returns a text: a string, or an array of strings and of objects that hold the text of a link, bold words and so on. Parts of
// another form have no words.
func (m *message) words(value []byte) (string, error) {
	if jsonstream.IsString(value) || string(value) == "null" {
		return m.string(value)
	}
	var joined strings.Builder
	err := jsonstream.Elements(value, func(part []byte) error {
		switch {
		case jsonstream.IsString(part):
			text, err := m.string(part)
			joined.WriteString(text)
			return err
		case part[0] != '{':
			return nil
		}
		return jsonstream.Fields(part, func(key, value []byte) error {
			if string(key) != "text" || !jsonstream.IsString(value) {
				return nil
			}
			text, err := m.string(value)
			joined.WriteString(text)
			return err
		})
	})
	if err != nil {
		return "", fmt.Errorf("%.40s is no text", value)
	}
	return joined.String(), nil
}

func (m *message) readReactions(value []byte) error {
	return jsonstream.Elements(value, func(one []byte) error {
		var r reaction
		err := jsonstream.Fields(one, func(key, value []byte) (err error) {
			switch {
			case string(key) == "emoji":
				r.emoji, err = m.string(value)
			case string(key) == "recent" && string(value) != "null":
				err = jsonstream.Elements(value, func(one []byte) error { return r.read(one) })
			}
			return err
		})
		m.reactions = append(m.reactions, r)
		return err
	})
}

// read adds one of the people who chose a reaction.
func (r *reaction) read(raw []byte) error {
	var by reactor
	err := jsonstream.Fields(raw, func(key, value []byte) (err error) {
		switch string(key) {
		case "from":
			by.from, _, err = jsonstream.String(value)
		case "from_id":
			by.fromID, err = peerOf(value)
		case "date":
			by.date, _, err = jsonstream.String(value)
		}
		return err
	})
	r.recent = append(r.recent, by)
	return err
}

// peer is an identifier of a person or chat: "user123", or 123 in exports before 2021, where identifiers of users may be
// larger by 2 to the 32nd.
type peer string

// oldUsers is the offset of user identifiers in old exports.
const oldUsers = 1 << 32

func peerOf(value []byte) (peer, error) {
	if text, _, err := jsonstream.String(value); err == nil {
		return peer(text), nil
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return "", fmt.Errorf("%.40s is not the identifier of a user, chat or channel", value)
	}
	return peer("user" + strconv.FormatInt(n%oldUsers, 10)), nil
}

// parts returns the content of a message: its file or other attachment, then its words. Omitted reports whether there is a
// file that the export does not hold or name.
func (m *message) parts(guid string, place func(name string) messages.FilePlace) (parts []sources.Part, omitted bool) {
	if p, some := m.media(); some {
		if p.Kind.IsAttachment() {
			p.Attachment = guid
		}
		if file := m.photo + m.file; file != "" && !isNote(file) {
			p.File = place(file)
		}
		if omitted = p.Text == "" && p.Transcript == ""; !omitted {
			parts = append(parts, p)
		}
	}
	if text := m.text; strings.TrimSpace(text) != "" {
		parts = append(parts, sources.Part{Text: text})
	}
	return parts, omitted
}

// media returns the one attachment that a message may have.
func (m *message) media() (p sources.Part, some bool) {
	switch {
	case m.photo != "":
		return sources.Part{Kind: messages.Image, Text: m.fileName(m.photo)}, true
	case m.file != "" || m.named != "" || m.mediaType != "":
		name := m.fileName(m.file)
		return sources.Part{Kind: m.fileKind(name), Text: name, Transcript: m.emoji}, true
	case m.contact != nil:
		return sources.Part{Kind: messages.Contact, Text: strings.TrimSpace(strings.TrimSpace(m.contact.First+" "+m.contact.Last) + " " + m.contact.Phone)}, true
	case m.placeName != "":
		return sources.Part{Kind: messages.Location, Text: strings.TrimSuffix(m.placeName+", "+m.address, ", ")}, true
	case m.place != nil:
		return sources.Part{Kind: messages.Location, Text: fmt.Sprintf("%.6f, %.6f", m.place.Latitude, m.place.Longitude)}, true
	case m.question != nil:
		return sources.Part{Text: *m.question}, true
	case m.game != "":
		return sources.Part{Text: m.game}, true
	case m.invoice != nil:
		return sources.Part{Text: *m.invoice}, true
	}
	return p, false
}

// fileName returns the name of a file: its own, else the name of the export's copy. If the copy was not included, the path
// is replaced by a note.
func (m *message) fileName(file string) string {
	if m.named != "" {
		return m.named
	}
	if file == "" || isNote(file) {
		return ""
	}
	return path.Base(file)
}

// isNote reports whether a text is the note that replaces the path of a missing file, perhaps after the file's name.
func isNote(file string) bool {
	return strings.HasPrefix(file, "(") || strings.Contains(file, " (File ") && strings.HasSuffix(file, ")")
}

// fileKind returns Telegram's kind of a file, else the kind that it appears to be.
func (m *message) fileKind(name string) messages.Kind {
	switch m.mediaType {
	case "sticker":
		return messages.Image
	case "voice_message", "audio_file":
		return messages.Audio
	case "video_message", "video_file", "animation":
		return messages.Video
	}
	return mediatype.Of(m.mime, "", name)
}

// time returns when a message was sent. Old exports have only the local time of the exporting machine.
func (m *message) time(zone *time.Location) (at time.Time, err error) {
	if !sources.IsNoTime(m.unix) {
		at, err = sources.ParseTime(json.RawMessage(m.unix), zone)
	} else {
		at, err = localTime(m.date, zone)
	}
	if err != nil {
		return at, err
	}
	return at, sources.CheckDate(at, "Telegram", began)
}

// began is the year when Telegram began.
const began = 2013

func localTime(date string, zone *time.Location) (time.Time, error) {
	quoted, err := json.Marshal(date)
	if err != nil {
		return time.Time{}, err
	}
	return sources.ParseTime(quoted, zone)
}

// zone returns the zone of the exporting machine: zone if it agrees with the times of this message, else one that does.
func (m *message) zone(zone *time.Location) *time.Location {
	at, err := m.time(zone)
	local, localErr := localTime(m.date, time.UTC)
	if err != nil || localErr != nil {
		return zone
	}
	offset := int(local.Unix() - at.Unix())
	if _, known := at.In(zone).Zone(); known == offset {
		return zone
	}
	return time.FixedZone("", offset)
}

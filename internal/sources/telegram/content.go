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
	"ventriloquist/internal/sources/mediatype"
)

// message is an element of messages.
type message struct {
	row       int64
	ID        json.Number `json:"id"`
	Type      string      `json:"type"`
	Date      string      `json:"date"`
	Unix      json.Number `json:"date_unixtime"`
	From      *string     `json:"from"`
	FromID    peer        `json:"from_id"`
	ReplyTo   json.Number `json:"reply_to_message_id"`
	ReplyPeer peer        `json:"reply_to_peer_id"`
	Text      words       `json:"text"`

	Photo     string       `json:"photo"`
	File      string       `json:"file"`
	FileName  string       `json:"file_name"`
	MIME      string       `json:"mime_type"`
	MediaType string       `json:"media_type"`
	Emoji     string       `json:"sticker_emoji"`
	Contact   *contact     `json:"contact_information"`
	Place     *coordinates `json:"location_information"`
	PlaceName string       `json:"place_name"`
	Address   string       `json:"address"`
	Poll      *struct {
		Question words `json:"question"`
	} `json:"poll"`
	Game    string `json:"game_title"`
	Invoice *struct {
		Title string `json:"title"`
	} `json:"invoice_information"`
	Reactions []reaction `json:"reactions"`
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
	Type   string `json:"type"`
	Emoji  string `json:"emoji"`
	Recent []struct {
		From   *string `json:"from"`
		FromID peer    `json:"from_id"`
		Date   string  `json:"date"`
	} `json:"recent"`
}

// peer is an identifier of a person or chat: "user123", or 123 in exports before 2021, where identifiers of users may be
// larger by 2 to the 32nd.
type peer string

// oldUsers is the offset of user identifiers in old exports.
const oldUsers = 1 << 32

func (p *peer) UnmarshalJSON(value []byte) error {
	var text string
	if json.Unmarshal(value, &text) == nil {
		*p = peer(text)
		return nil
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return fmt.Errorf("%.40s is not the identifier of a user, chat or channel", value)
	}
	*p = peer("user" + strconv.FormatInt(n%oldUsers, 10))
	return nil
}

// words is a text: a string, or an array of strings and of objects that hold the text of a link, bold words and so on.
type words string

func (w *words) UnmarshalJSON(value []byte) error {
	var text string
	if json.Unmarshal(value, &text) == nil {
		*w = words(text)
		return nil
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(value, &parts); err != nil {
		return fmt.Errorf("%.40s is no text", value)
	}
	var joined strings.Builder
	for _, part := range parts {
		var entity struct {
			Text string `json:"text"`
		}
		text = ""
		if json.Unmarshal(part, &text) != nil {
			if err := json.Unmarshal(part, &entity); err != nil {
				return fmt.Errorf("%.40s is no text", part)
			}
			text = entity.Text
		}
		joined.WriteString(text)
	}
	*w = words(joined.String())
	return nil
}

// parts returns the content of a message: its file or other attachment, then its words. Omitted reports whether there is a
// file that the export does not hold or name.
func (m *message) parts(guid, root string) (parts []sources.Part, omitted bool) {
	if p, some := m.media(); some {
		if p.Kind.IsAttachment() {
			p.Attachment = guid
		}
		if file := m.Photo + m.File; file != "" && !isNote(file) {
			p.File = messages.FilePlace{Root: root, Path: file}
		}
		if omitted = p.Text == "" && p.Transcript == ""; !omitted {
			parts = append(parts, p)
		}
	}
	if text := string(m.Text); strings.TrimSpace(text) != "" {
		parts = append(parts, sources.Part{Text: text})
	}
	return parts, omitted
}

// media returns the one attachment that a message may have.
func (m *message) media() (p sources.Part, some bool) {
	switch {
	case m.Photo != "":
		return sources.Part{Kind: messages.Image, Text: m.fileName(m.Photo)}, true
	case m.File != "" || m.FileName != "" || m.MediaType != "":
		name := m.fileName(m.File)
		return sources.Part{Kind: m.fileKind(name), Text: name, Transcript: m.Emoji}, true
	case m.Contact != nil:
		return sources.Part{Kind: messages.Contact, Text: strings.TrimSpace(strings.TrimSpace(m.Contact.First+" "+m.Contact.Last) + " " + m.Contact.Phone)}, true
	case m.PlaceName != "":
		return sources.Part{Kind: messages.Location, Text: strings.TrimSuffix(m.PlaceName+", "+m.Address, ", ")}, true
	case m.Place != nil:
		return sources.Part{Kind: messages.Location, Text: fmt.Sprintf("%.6f, %.6f", m.Place.Latitude, m.Place.Longitude)}, true
	case m.Poll != nil:
		return sources.Part{Text: string(m.Poll.Question)}, true
	case m.Game != "":
		return sources.Part{Text: m.Game}, true
	case m.Invoice != nil:
		return sources.Part{Text: m.Invoice.Title}, true
	}
	return p, false
}

// fileName returns the name of a file: its own, else the name of the export's copy. If the copy was not included, the path
// is replaced by a note.
func (m *message) fileName(file string) string {
	if m.FileName != "" {
		return m.FileName
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
	switch m.MediaType {
	case "sticker":
		return messages.Image
	case "voice_message", "audio_file":
		return messages.Audio
	case "video_message", "video_file", "animation":
		return messages.Video
	}
	return mediatype.Of(m.MIME, "", name)
}

// time returns when a message was sent. Old exports have only the local time of the exporting machine.
func (m *message) time(zone *time.Location) (time.Time, error) {
	if m.Unix != "" {
		return sources.ParseTime(json.RawMessage(m.Unix), zone)
	}
	return localTime(m.Date, zone)
}

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
	local, localErr := localTime(m.Date, time.UTC)
	if err != nil || localErr != nil {
		return zone
	}
	offset := int(local.Unix() - at.Unix())
	if _, known := at.In(zone).Zone(); known == offset {
		return zone
	}
	return time.FixedZone("", offset)
}

package signal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"ventriloquist/internal/sources/jsonstream"
)

// row is a row of the table of messages, with what its JSON holds.
type row struct {
	number       int64
	id           string
	conversation string
	kind         string
	body         string
	sentAt       int64 // milliseconds since 1970; 0 if it is not known
	receivedAt   int64
	aci, phone   string // of the sender
	content
	damage error // of the JSON
	large  bool  // too large to be read
	size   int   // of its texts, in bytes
	// gap, if not nil, says why the rows between before and number cannot be read; it is no row itself.
	gap    error
	before int64
}

// content is what of a message's JSON is used.
type content struct {
	Body               string          `json:"body"`
	Attachments        []attachment    `json:"attachments"`
	BodyRanges         []bodyRange     `json:"bodyRanges"`
	Quote              *quote          `json:"quote"`
	Reactions          []reaction      `json:"reactions"`
	EditHistory        []edit          `json:"editHistory"`
	DeletedForEveryone bool            `json:"deletedForEveryone"`
	Sticker            *sticker        `json:"sticker"`
	Contact            []card          `json:"contact"`
	Poll               *poll           `json:"poll"`
	SendStates         map[string]sent `json:"sendStateByConversationId"`
	BodyAttachment     *attachment     `json:"bodyAttachment"`
	Flags              int64           `json:"flags"`
	Source             string          `json:"source"`
	SourceUUID         string          `json:"sourceUuid"`
	SourceServiceID    string          `json:"sourceServiceId"`
	ReceivedAtMS       int64           `json:"received_at_ms"`
	Timestamp          int64           `json:"timestamp"`
	notice             bool            // it announces something
	storyReaction      bool
}

type attachment struct {
	ContentType string `json:"contentType"`
	FileName    string `json:"fileName"`
	Path        string `json:"path"`
	LocalKey    string `json:"localKey"`
	Version     int    `json:"version"`
	Size        int64  `json:"size"`
	Caption     string `json:"caption"`
	// The next two are of the table message_attachments.
	Type  string `json:"attachmentType"`
	Order int    `json:"orderInMessage"`
}

// bodyRange is a mention, if it has an account, or formatting. It counts in units of UTF-16.
type bodyRange struct {
	Start       int    `json:"start"`
	Length      int    `json:"length"`
	MentionUUID string `json:"mentionUuid"`
	MentionACI  string `json:"mentionAci"`
}

type quote struct {
	ID         json.Number `json:"id"` // when the message that it quotes was sent
	Author     string      `json:"author"`
	AuthorUUID string      `json:"authorUuid"`
	AuthorACI  string      `json:"authorAci"`
}

type reaction struct {
	Emoji     string `json:"emoji"` // empty if it was taken back
	FromID    string `json:"fromId"`
	Timestamp int64  `json:"timestamp"`
}

type edit struct {
	Body       string      `json:"body"`
	BodyRanges []bodyRange `json:"bodyRanges"`
	Timestamp  int64       `json:"timestamp"`
}

type sticker struct {
	Emoji string `json:"emoji"`
}

type card struct {
	Name struct {
		DisplayName, Nickname, Prefix, GivenName, MiddleName, FamilyName, Suffix string
	} `json:"name"`
	Organization string `json:"organization"`
	Number       []struct {
		Value string `json:"value"`
	} `json:"number"`
}

type poll struct {
	Question string   `json:"question"`
	Options  []string `json:"options"`
}

type sent struct {
	Status string `json:"status"`
}

// failed is the status of a message that did not get to a recipient.
const failed = "Failed"

// notices are keys whose message announces something, if it has no content of its own.
var notices = map[string]bool{"group_update": true, "groupV2Change": true, "groupMigration": true, "expirationTimerUpdate": true, "giftBadge": true, "payment": true,
	"invitedGV2Members": true, "key_changed": true, "verifiedChanged": true, "profileChange": true, "callHistoryDetails": true}

// targets returns where the values of keys go.
func (c *content) targets() map[string]any {
	return map[string]any{"body": &c.Body, "attachments": &c.Attachments, "bodyRanges": &c.BodyRanges, "quote": &c.Quote, "reactions": &c.Reactions,
		"editHistory": &c.EditHistory, "deletedForEveryone": &c.DeletedForEveryone, "sticker": &c.Sticker, "contact": &c.Contact, "poll": &c.Poll,
		"sendStateByConversationId": &c.SendStates, "bodyAttachment": &c.BodyAttachment, "flags": &c.Flags, "source": &c.Source, "sourceUuid": &c.SourceUUID,
		"sourceServiceId": &c.SourceServiceID, "received_at_ms": &c.ReceivedAtMS, "timestamp": &c.Timestamp}
}

// decoder decodes the JSON of messages, one at a time. Values of other keys are passed over without being decoded.
type decoder struct {
	content content
	targets map[string]any
}

func newDecoder() *decoder {
	d := &decoder{}
	d.targets = d.content.targets()
	return d
}

// into decodes a value, if there is a target. Most messages have simple values alone, which need no general decoder.
func into(target any, value []byte) (err error) {
	switch target := target.(type) {
	case nil:
	case *string:
		*target, _, err = jsonstream.String(value)
	case *int64:
		*target, err = strconv.ParseInt(string(value), 10, 64)
	case *map[string]sent:
		if bytes.Contains(value, []byte(failed)) { // else it makes no difference
			err = json.Unmarshal(value, target)
		}
	default:
		err = json.Unmarshal(value, target)
	}
	return err
}

// decode returns what the JSON holds. With an error, it returns what could be read.
func (d *decoder) decode(text []byte) (content, error) {
	d.content = content{}
	var damage error
	err := jsonstream.Fields(text, func(key, value []byte) error {
		if string(value) == "null" || string(value) == "[]" {
			return nil
		}
		switch {
		case string(key) == "storyReaction":
			d.content.storyReaction = true
		case notices[string(key)]:
			d.content.notice = true
		default:
			if err := into(d.targets[string(key)], value); err != nil && damage == nil {
				damage = fmt.Errorf("%s: %w", key, err)
			}
		}
		return nil
	})
	if err == nil {
		err = damage
	}
	return d.content, err
}

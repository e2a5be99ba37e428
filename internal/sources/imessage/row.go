package imessage

import (
	"cmp"
	"math"

	"ventriloquist/internal/messages"
)

// The values of item_type and group_action_type that change the members of a group.
const (
	itemMessage = 0
	itemMember  = 1 // added or removed other_handle
	itemLeft    = 3 // handle_id left, with action 0; the group's photo changed, with 1 and 2

	actionAdded   = 0
	actionRemoved = 1
	actionLeft    = 0
)

// row is a row of message.
type row struct {
	id         int64
	guid       string
	text       []byte
	body       []byte
	date       int64 // nanoseconds since 1970
	undated    bool  // the date depends on other rows
	copied     bool  // an earlier row is the same message by another service
	future     bool  // the date is in the future
	poll       bool
	choices    []byte // the payload of the last row that changed a poll
	handle     int64
	fromMe     bool
	itemType   int64
	action     int64  // group_action_type
	share      int64  // share_status
	other      int64  // other_handle
	title      string // group_title
	spam       bool
	scheduled  bool
	failed     bool
	retracted  bool
	tapback    int64 // associated_message_type
	target     string
	emoji      string
	balloon    string
	payload    []byte
	summary    []byte // message_summary_info
	thread     string // thread_originator_guid
	threadPart string
	subject    string
	files      []attachment // until the next row is read
	filesError error        // why they could not be read to the end
}

// head holds the columns of a row that affect the membership of its chat.
type head struct {
	id, date, handle, other int64
	fromMe                  bool
	itemType                int64
}

// tellsMembers reports whether a row by itself records a change of members.
func (h *head) tellsMembers() bool { return h.itemType == itemMember || h.itemType == itemLeft }

// finder returns the row with an identifier, or 0 if there is none.
type finder func(guid string) (int64, error)

// attachment is a row of attachment.
type attachment struct {
	guid string
	kind messages.Kind
	name string
	path string
	// payload marks a file of an app or of a link preview, which is not content.
	payload bool
}

// moment is a position in the course of a chat.
type moment struct{ date, row int64 }

func (m moment) compare(n moment) int {
	return cmp.Or(cmp.Compare(m.date, n.date), cmp.Compare(m.row, n.row))
}

func (m moment) before(n moment) bool { return m.compare(n) < 0 }

// forever is after everything.
var forever = moment{date: math.MaxInt64, row: math.MaxInt64}

// era is a period with constant members, up to and including the row at its end.
type era struct {
	end     moment
	group   bool
	members []messages.Member
}

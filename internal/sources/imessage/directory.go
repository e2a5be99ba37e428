package imessage

// person identifies the person behind a handle in a list of members. Handles have equal keys if Apple's own data assigns
// them to one person, or if they are the same address on several services.
type person struct {
	key     string
	address string
}

// chat is a row of chat with its current members.
type chat struct {
	id         int64
	group      bool
	identifier string
	groupID    string
	title      string   // the name that the members of a group gave it
	members    []person // each person once, without the owner
	eras       []era    // its members over time, the latest first: see members.go
	number     uint32   // among the chats that have messages, from 1
	stored     int64    // its number in the store, 0 before it has one
	lastChange moment   // the end of the last era but one, as stored
}

// directory holds everything about handles, chats and which messages belong to them.
type directory struct {
	handles       map[int64]person
	chats         map[int64]*chat
	deleted       map[int64]bool // messages that are recently deleted
	chatOfMessage                // for all other messages
}

// chatOfMessage remembers the chat of each message in four bytes per message, because row IDs are consecutive.
type chatOfMessage struct {
	chats []*chat // by number; 0 means none
	pages map[int64]*[placesPage]uint32
}

const placesPage = 4096

func newChatOfMessage() chatOfMessage {
	return chatOfMessage{chats: []*chat{nil}, pages: map[int64]*[placesPage]uint32{}}
}

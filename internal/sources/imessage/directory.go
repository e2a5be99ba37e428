package imessage

// person is what a handle stands for in a list of members: handles of one person, by Apple's own account or because they
// are the same address on several services, have equal keys.
type person struct {
	key     string
	address string
}

// chat is a row of chat, with who is in it today.
type chat struct {
	id         int64
	group      bool
	identifier string
	groupID    string
	members    []person // each person once, the owner not
	eras       []era    // its members in the course of time, the latest first: see members.go
	number     uint32   // among the chats that have messages, from 1
	stored     int64    // its number in the store, 0 before it has one
	lastChange moment   // the end of the last era but one, as the store has it
}

// directory is everything about who and where.
type directory struct {
	handles       map[int64]person
	chats         map[int64]*chat
	deleted       map[int64]bool // messages that are recently deleted
	chatOfMessage                // of the other messages
}

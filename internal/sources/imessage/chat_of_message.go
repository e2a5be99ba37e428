package imessage

// place records that a message belongs to a chat. If it belongs to several, the first one with members counts.
func (d *directory) place(message int64, c *chat) {
	if c == nil || message < 0 {
		return
	}
	p := &d.chatOfMessage
	page := p.pages[message/placesPage]
	if page == nil {
		page = new([placesPage]uint32)
		p.pages[message/placesPage] = page
	}
	if c.number == 0 {
		c.number = uint32(len(p.chats))
		p.chats = append(p.chats, c)
	}
	at := &page[message%placesPage]
	if old := p.chats[*at]; old == nil || c.goesBefore(old) {
		*at = c.number
	}
}

// goesBefore orders the chats of one message.
func (c *chat) goesBefore(d *chat) bool {
	if (len(c.members) > 0) != (len(d.members) > 0) {
		return len(c.members) > 0
	}
	return c.id < d.id
}

// chatOf returns the chat that a message belongs to, or nil.
func (d *directory) chatOf(message int64) *chat {
	page := d.chatOfMessage.pages[message/placesPage]
	if page == nil || message < 0 {
		return nil
	}
	return d.chatOfMessage.chats[page[message%placesPage]]
}

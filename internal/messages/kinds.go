package messages

import "fmt"

// Kind is the kind of content of a message. Its String is the window's content_type.
type Kind uint8

// The numbers are stored in messages.db: never renumber. 9 and 10 are taken (see schema.go).
const (
	Text Kind = iota
	Reaction
	Image
	Video
	Audio
	Document
	File
	Contact
	Location
)

var kindNames = [...]string{"text", "reaction", "image", "video", "audio", "document", "file", "contact", "location"}

// String returns the content_type of a window's line.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// IsAttachment reports whether a message of this kind stands for an attachment.
func (k Kind) IsAttachment() bool { return k >= Image }

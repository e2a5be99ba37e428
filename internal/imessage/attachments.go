package imessage

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"ventriloquist/internal/kinds"
	"ventriloquist/internal/store"
)

// attachment is a row of attachment.
type attachment struct {
	guid string
	kind store.Kind
	name string
	path string
	// payload is a file of an app or of a link's preview, not content.
	payload bool
}

// readAttachments returns the attachments of each message, in order; of all messages, or of those in a JSON list.
func (s *Source) readAttachments(ctx context.Context, messages driver.Value) (map[int64][]attachment, error) {
	list := make(map[int64][]attachment)
	if !s.has("attachment", "guid") || !s.has("message_attachment_join", "message_id", "attachment_id") {
		return list, nil
	}
	only, args := "j.message_id IS NOT NULL", []driver.Value{}
	if messages != nil {
		only, args = "j.message_id"+numbersIn, []driver.Value{messages}
	}
	query := fmt.Sprintf(`SELECT j.message_id, %s, %s, %s, %s, %s FROM message_attachment_join j
		JOIN attachment ON attachment.ROWID = j.attachment_id WHERE %s
		ORDER BY j.message_id, j.attachment_id`, s.text("attachment", "guid"),
		s.text("attachment", "filename"), s.text("attachment", "transfer_name"), s.text("attachment", "mime_type"),
		s.text("attachment", "uti"), only)
	err := s.each(ctx, query, func(r record) error {
		message, guid, transfer := r.int(0), r.text(1), r.text(3)
		name := fileName(r.text(2), transfer)
		list[message] = append(list[message], attachment{guid: guid, name: name, path: strings.TrimSpace(r.text(2)), kind: kinds.Of(r.text(4), r.text(5), name),
			payload: strings.HasSuffix(name, ".pluginPayloadAttachment") || strings.HasSuffix(transfer, ".pluginPayloadAttachment")})
		return nil
	}, args...)
	return list, err
}

// fileName is the last element of the path, else the name that it was sent under.
func fileName(filename, transfer string) string {
	name := strings.TrimSpace(filename[strings.LastIndexByte(filename, '/')+1:])
	if name == "" {
		name = strings.TrimSpace(transfer)
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

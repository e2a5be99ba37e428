package messages

import (
	"context"
	"database/sql"
)

// DescriptionStatus is the outcome of describing an attachment.
type DescriptionStatus string

const (
	Undescribed DescriptionStatus = ""
	Described   DescriptionStatus = "described"
	// Refused means that the model declined to describe it.
	Refused DescriptionStatus = "refused"
	Failed  DescriptionStatus = "failed"
)

// Description is the outcome of describing an attachment.
type Description struct {
	GUID   string // of the attachment
	Status DescriptionStatus
	Text   string // a line of words, empty unless Described
	Model  string
	Hash   []byte // SHA-256 of the file
	Error  string // why there is no text
	At     int64  // seconds since 1970 UTC
}

// Attachment is an attachment of a message.
type Attachment struct {
	Kind       Kind
	Name       string // of its file, may be empty
	File       FilePlace
	Transcript string // the source's own, for a voice message
	Description
}

// Attachments returns all attachments that have an identifier, each once, starting with the newest messages.
func (db *DB) Attachments(ctx context.Context) ([]Attachment, error) {
	var list []Attachment
	seen := make(map[string]bool)
	err := db.each(ctx, `SELECT a.guid, m.kind, m.text, o.path, a.path, a.transcript, d.description, d.status, d.model, d.error
		FROM attachment a JOIN message m ON m.id = a.message LEFT JOIN attachment_root o ON o.id = a.root
		LEFT JOIN attachment_descriptions d ON d.attachment_guid = a.guid
		WHERE a.guid <> '' ORDER BY m.date DESC, m.id`, func(rows *sql.Rows) error {
		var a Attachment
		var root, path, transcript, text, status, model, failure sql.NullString
		if err := rows.Scan(&a.Description.GUID, &a.Kind, &a.Name, &root, &path, &transcript, &text, &status, &model, &failure); err != nil {
			return err
		}
		if seen[a.GUID] {
			return nil
		}
		seen[a.GUID] = true
		a.File, a.Transcript = newFile(root.String, path.String, a.Name), transcript.String
		a.Description = Description{GUID: a.GUID, Status: DescriptionStatus(status.String), Text: text.String, Model: model.String, Error: failure.String}
		if a.Description.Text != "" {
			a.Status = Described // including what another program wrote
		}
		list = append(list, a)
		return nil
	})
	return list, err
}

// AttachmentRoots are the folders, backups and archives that hold files of attachments.
func (db *DB) AttachmentRoots(ctx context.Context) ([]string, error) {
	var list []string
	err := db.each(ctx, `SELECT path FROM attachment_root ORDER BY id`, func(rows *sql.Rows) error {
		var path string
		err := rows.Scan(&path)
		list = append(list, path)
		return err
	})
	return list, err
}

// Descriptions returns the known descriptions of files by their content.
func (db *DB) Descriptions(ctx context.Context) ([]Description, error) {
	var list []Description
	err := db.each(ctx, `SELECT attachment_guid, status, description, model, content_hash, error, described_at
		FROM attachment_descriptions WHERE content_hash IS NOT NULL AND status IS NOT NULL ORDER BY described_at, attachment_guid`, func(rows *sql.Rows) error {
		var d Description
		var text, model, failure sql.NullString
		var at sql.NullInt64
		if err := rows.Scan(&d.GUID, &d.Status, &text, &model, &d.Hash, &failure, &at); err != nil {
			return err
		}
		d.Text, d.Model, d.Error, d.At = text.String, model.String, failure.String, at.Int64
		list = append(list, d)
		return nil
	})
	return list, err
}

// Describe stores the outcome of describing an attachment. It is in the file when Describe returns. A failure does not
// replace existing text. The policy keeps out what must stay out of the file (see SetPolicy).
func (db *DB) Describe(ctx context.Context, d Description) error {
	if db.policy != nil {
		d.Text = db.policy.Text(d.Text)
	}
	err := retryBusy(ctx, func() error {
		_, err := db.sql.ExecContext(ctx, storeDescription,
			d.GUID, nullable(d.Text), string(d.Status), nullable(d.Model), d.Hash, nullable(d.Error), d.At)
		return err
	})
	if err != nil {
		return explain(db.path, err)
	}
	return nil
}

const storeDescription = `INSERT INTO attachment_descriptions
		(attachment_guid, description, status, model, content_hash, error, described_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (attachment_guid) DO UPDATE SET description = excluded.description, status = excluded.status, model = excluded.model,
		content_hash = excluded.content_hash, error = excluded.error, described_at = excluded.described_at
		WHERE excluded.description IS NOT NULL OR description IS NULL OR description = ''`

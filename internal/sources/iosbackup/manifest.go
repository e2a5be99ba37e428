package iosbackup

import (
	"context"
	"crypto/sha1"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"howett.net/plist"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/sources/plistdata"
)

// FileID returns the name of a file in a backup.
func FileID(domain, path string) string {
	sum := sha1.Sum([]byte(domain + "-" + path))
	return hex.EncodeToString(sum[:])
}

// entry is the record of a file in Manifest.db.
type entry struct {
	key  []byte // preceded by its class
	size int64
}

// archive is the NSKeyedArchiver property list of a file.
type archive struct {
	Top struct {
		Root plist.UID `plist:"root"`
	} `plist:"$top"`
	Objects []any `plist:"$objects"`
}

// parseEntry reads the file column of a row.
func parseEntry(data []byte) (e entry, err error) {
	var a archive
	if err := plistdata.Unmarshal(data, &a); err != nil {
		return e, fmt.Errorf("what Manifest.db says of it is no property list: %w", err)
	}
	file, ok := a.object(a.Top.Root).(map[string]any)
	if !ok {
		return e, errors.New("what Manifest.db says of it describes no file")
	}
	switch size := file["Size"].(type) {
	case uint64:
		e.size = int64(size)
	case int64:
		e.size = size
	}
	reference, ok := file["EncryptionKey"].(plist.UID)
	if !ok {
		return e, errors.New("it has no key of its own")
	}
	switch key := a.object(reference).(type) {
	case []byte:
		e.key = key
	case map[string]any:
		e.key, _ = key["NS.data"].([]byte)
	}
	if e.key == nil || e.size < 0 {
		return e, errors.New("it has no key of its own")
	}
	return e, nil
}

func (a *archive) object(id plist.UID) any {
	if uint64(id) >= uint64(len(a.Objects)) {
		return nil
	}
	return a.Objects[id]
}

// errAbsent reports a file that a backup does not hold.
var errAbsent = errors.New("it is not in the backup")

// find looks a file up in the decrypted Manifest.db.
func find(ctx context.Context, manifest, id string) (entry, error) {
	absolute, err := filepath.Abs(manifest)
	if err != nil {
		return entry{}, err
	}
	f, err := regularfile.Open(absolute) // SQLite would wait for a pipe
	if err != nil {
		return entry{}, err
	}
	defer f.Close()
	dsn := url.URL{Scheme: "file", Path: absolute, RawQuery: "mode=ro&immutable=1"}
	db, err := sql.Open("sqlite3", dsn.String())
	if err != nil {
		return entry{}, err
	}
	defer db.Close()
	var file []byte
	err = db.QueryRowContext(ctx, `SELECT file FROM Files WHERE fileID = ?`, id).Scan(&file)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return entry{}, errAbsent
	case err != nil:
		return entry{}, fmt.Errorf("its list of files cannot be read: %w", err)
	}
	return parseEntry(file)
}

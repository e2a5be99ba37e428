package sqlcipher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// ErrKey reports that none of the keys is that of the database.
var ErrKey = errors.New("the key is not that of the database")

// Damage is what of a database cannot be read. The pages are zero in the copy, which SQLite reports where it meets them.
type Damage struct {
	Pages []uint32
	Log   string // of the -wal file; "" for nothing
}

// attempts limits how often a database is copied that changes meanwhile.
const attempts = 4

// Decrypt writes a decrypted copy of the database at from to the new file at to, which only its owner can read. It takes the first of
// the keys that fits. The copy has the changes that are in the -wal file.
func Decrypt(ctx context.Context, to, from string, keys ...[]byte) (damage Damage, err error) {
	for range attempts {
		before := stateOf(from)
		damage, err = decryptOnce(ctx, to, from, keys)
		if ctx.Err() != nil {
			return damage, ctx.Err()
		}
		if stateOf(from) == before {
			return damage, err
		}
		if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
			return damage, err
		}
	}
	return damage, usererr.With(fmt.Errorf("%s changes while it is read", from), "quit the program that writes to it, and try again")
}

// stateOf returns a text that changes with the files of a database.
func stateOf(path string) (state string) {
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			state += fmt.Sprint(info.Size(), info.ModTime().UnixNano(), " ")
		}
	}
	return state
}

// database is an open database with its -wal file.
type database struct {
	path  string
	file  *os.File
	log   *os.File // nil if there is none
	wal   *wal
	pages uint32 // of the file
	rest  bool   // bytes follow the last whole page
	key   []byte // that fits
	salt  []byte
}

func decryptOnce(ctx context.Context, to, from string, keys [][]byte) (damage Damage, err error) {
	d, err := open(from)
	if err != nil {
		return damage, err
	}
	defer d.close()
	if err := d.unlock(keys); err != nil {
		return damage, err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return damage, err
	}
	damage, err = d.copy(ctx, out)
	return damage, errors.Join(err, out.Close())
}

func open(path string) (*database, error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the database: %w", err)
	}
	d := &database{path: path, file: f, wal: &wal{}}
	info, err := f.Stat()
	if err != nil {
		d.close()
		return nil, fmt.Errorf("cannot read the database: %w", err)
	}
	pages := info.Size() / pageSize
	d.pages, d.rest = uint32(min(pages, 1<<32-2)), info.Size()%pageSize != 0
	if d.pages == 0 {
		d.close()
		return nil, usererr.With(fmt.Errorf("%s is no database: it has %d bytes", path, info.Size()), "it may not have been copied to its end: copy it again")
	}
	if d.log, err = regularfile.Open(path + "-wal"); err == nil {
		d.wal, err = readWAL(d.log)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		d.close()
		return nil, fmt.Errorf("cannot read the database's changes: %w", err)
	}
	return d, nil
}

func (d *database) close() {
	d.file.Close()
	if d.log != nil {
		d.log.Close()
	}
}

// probed is how many pages are tried to tell a wrong key from a damaged first page.
const probed = 16

// unlock finds the key that fits.
func (d *database) unlock(keys [][]byte) error {
	first := make([]byte, pageSize)
	if _, err := d.file.ReadAt(first, 0); err != nil {
		return fmt.Errorf("cannot read the database: %w", err)
	}
	if bytes.HasPrefix(first, magic) {
		return fmt.Errorf("%s is not encrypted", d.path)
	}
	page := make([]byte, pageSize)
	for number := range min(d.pages, probed) {
		if _, err := d.file.ReadAt(page, int64(number)*pageSize); err != nil {
			return fmt.Errorf("cannot read the database: %w", err)
		}
		if isZero(page) {
			continue
		}
		for _, key := range keys {
			c, err := newCodec(key, first)
			if err != nil {
				return err
			}
			if c.decrypt(page, number+1) {
				d.key, d.salt = key, first[:saltSize]
				return nil
			}
		}
	}
	return fmt.Errorf("%s: %w", d.path, ErrKey)
}

// copy writes the decrypted pages, in chunks side by side.
func (d *database) copy(ctx context.Context, to io.WriterAt) (damage Damage, err error) {
	damage.Log = d.wal.damage
	last := d.pages
	if d.wal.pages > 0 { // a file that claims more pages than there are cannot fill the disk
		last = uint32(min(uint64(d.wal.pages), uint64(d.pages)+uint64(len(d.wal.at))))
	}
	var lock sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for first := uint64(1); first <= uint64(last) && ctx.Err() == nil; first += chunkPages {
		group.Go(func() error {
			damaged, err := d.chunk(ctx, to, uint32(first), uint32(min(first+chunkPages-1, uint64(last))))
			lock.Lock()
			defer lock.Unlock()
			damage.Pages = append(damage.Pages, damaged...)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return damage, err
	}
	slices.Sort(damage.Pages)
	if d.rest && last == d.pages {
		damage.Pages = append(damage.Pages, last+1)
	}
	return damage, nil
}

// chunkPages is how many pages are decrypted at once.
const chunkPages = 256

// chunk writes the decrypted pages from first to last, and returns which are damaged.
func (d *database) chunk(ctx context.Context, to io.WriterAt, first, last uint32) (damaged []uint32, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := newCodec(d.key, d.salt)
	if err != nil {
		return nil, err
	}
	content := make([]byte, int(last-first+1)*pageSize)
	if whole := min(last, d.pages); whole >= first {
		if _, err := d.file.ReadAt(content[:int(whole-first+1)*pageSize], int64(first-1)*pageSize); err != nil {
			return nil, fmt.Errorf("cannot read the pages %d to %d of %s: %w", first, whole, d.path, err)
		}
	}
	for number := first; number <= last; number++ {
		page := content[int(number-first)*pageSize:][:pageSize]
		at, changed := d.wal.at[number]
		if changed {
			if _, err := d.log.ReadAt(page, at); err != nil {
				return nil, fmt.Errorf("cannot read page %d of %s-wal: %w", number, d.path, err)
			}
		}
		if (number <= d.pages || changed) && c.decrypt(page, number) {
			continue
		}
		if number == 1 {
			return nil, usererr.With(fmt.Errorf("%s: its first page is damaged, without which nothing can be read", d.path), "copy it again, or take it from a backup")
		}
		damaged = append(damaged, number)
		clear(page)
	}
	if _, err := to.WriteAt(content, int64(first-1)*pageSize); err != nil {
		return nil, fmt.Errorf("cannot write the decrypted database: %w", err)
	}
	return damaged, nil
}

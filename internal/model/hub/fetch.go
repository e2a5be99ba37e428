package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"ventriloquist/internal/usererr"
)

// fetch downloads one file into dir: as <name> once it is complete and verified, until then as <name>.<start of its
// checksum>.part. It continues an earlier download.
func (c *Client) fetch(ctx context.Context, repo, commit, dir string, f file, p *progress) error {
	done, err := alreadyThere(ctx, filepath.Join(dir, f.name), f)
	if err != nil {
		return err
	}
	if done {
		c.Log.Debug("here already", zap.String("file", f.name), zap.Int64("bytes", f.size))
		p.found(f.size)
		return nil
	}
	d := &download{client: c, address: c.fileAddress(repo, commit, f.name), repo: repo, file: f, progress: p}
	path := filepath.Join(dir, f.name+"."+f.checksum()[:12]+".part")
	if err := d.open(ctx, path); err != nil {
		return err
	}
	defer d.out.Close()
	if err := c.retry(ctx, func() (bool, error) { return d.attempt(ctx) }); err != nil {
		return err
	}
	if err := errors.Join(d.out.Sync(), d.out.Close()); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := os.Rename(path, filepath.Join(dir, f.name)); err != nil {
		return fmt.Errorf("cannot write %s: %w", f.name, err)
	}
	c.Log.Info("downloaded", zap.String("file", f.name), zap.Int64("bytes", f.size))
	return nil
}

// alreadyThere reports whether an earlier run has finished a file. It removes a file that does not match the list.
func alreadyThere(ctx context.Context, path string, f file) (bool, error) {
	in, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot continue the download: %w", err)
	}
	defer in.Close()
	sum := newSum(f)
	if n, err := copyUnlessDone(ctx, sum, in); err != nil {
		return false, fmt.Errorf("cannot read %s: %w", path, err)
	} else if n == f.size && hexSum(sum) == f.checksum() {
		return true, nil
	}
	if err := os.Remove(path); err != nil {
		return false, fmt.Errorf("cannot replace %s: %w", path, err)
	}
	return false, nil
}

// newSum returns the hash of a file's checksum: SHA-256, or git's SHA-1, which starts with a header.
func newSum(f file) hash.Hash {
	if f.sha256 != "" {
		return sha256.New()
	}
	sum := sha1.New()
	fmt.Fprintf(sum, "blob %d\x00", f.size)
	return sum
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// copyUnlessDone is io.Copy that checks ctx from time to time.
func copyUnlessDone(ctx context.Context, w io.Writer, r io.Reader) (total int64, err error) {
	for {
		n, err := io.CopyN(w, r, 8<<20)
		total += n
		if err == io.EOF {
			return total, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return total, err
		}
	}
}

// download is one file in progress: out has its first have bytes, and sum is their checksum.
type download struct {
	client   *Client
	address  string
	repo     string
	file     file
	progress *progress
	out      *os.File
	have     int64
	most     int64 // the largest have so far
	sum      hash.Hash
	mismatch int // number of checksum mismatches
}

// open opens the partial file and continues from its contents.
func (d *download) open(ctx context.Context, path string) error {
	out, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	d.out, d.sum = out, newSum(d.file)
	n, err := copyUnlessDone(ctx, d.sum, io.LimitReader(out, d.file.size+1))
	if err != nil {
		return errors.Join(fmt.Errorf("cannot read %s: %w", path, err), out.Close())
	}
	d.have = n
	d.progress.found(n)
	if n > d.file.size {
		return d.restart()
	}
	return nil
}

// restart discards what has been downloaded.
func (d *download) restart() error {
	if err := d.out.Truncate(0); err != nil {
		return fmt.Errorf("cannot write %s: %w", d.out.Name(), err)
	}
	if _, err := d.out.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("cannot write %s: %w", d.out.Name(), err)
	}
	d.progress.add(-d.have)
	d.have, d.sum = 0, newSum(d.file)
	return nil
}

// attempt downloads the rest of the file, and reports whether it got further than any attempt before.
func (d *download) attempt(ctx context.Context) (further bool, err error) {
	if d.have < d.file.size {
		if further, err = d.receive(ctx); err != nil {
			return further, err
		}
	}
	if d.have < d.file.size {
		return further, transient(fmt.Errorf("%s: the connection closed after %d of %d bytes", d.address, d.have, d.file.size))
	}
	if got := hexSum(d.sum); d.have > d.file.size || got != d.file.checksum() {
		err := fmt.Errorf("%s: received %d bytes with checksum %s, but the file list has %d with %s", d.address, d.have, got, d.file.size, d.file.checksum())
		if restartErr := d.restart(); restartErr != nil {
			return false, restartErr
		}
		if d.mismatch++; d.mismatch == 3 {
			return false, usererr.With(err, "the server or a proxy changes the file: try again later, or set another HF_ENDPOINT")
		}
		return false, transient(err)
	}
	return further, nil
}

// receive makes one request and writes the response.
func (d *download) receive(outer context.Context) (further bool, err error) {
	ctx, giveUp := context.WithCancel(outer)
	defer giveUp()
	response, err := d.client.get(ctx, d.address, d.have)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if err := d.accept(response); err != nil {
		return false, err
	}
	body := watch(response.Body, d.client.stall, giveUp)
	defer body.timer.Stop()
	err = d.copy(io.LimitReader(body, d.file.size-d.have+1))
	if errors.Is(err, context.Canceled) && outer.Err() == nil {
		err = transient(fmt.Errorf("%s: the connection is too slow: fewer than %d bytes in %s", d.address, slowest, d.client.stall))
	}
	further = d.have >= d.most+min(slowest, d.file.size/100) // a few bytes per attempt would go on for ever
	d.most = max(d.most, d.have)
	return further, err
}

// accept checks the status of a response. A server without ranges sends the whole file, so the download starts over.
func (d *download) accept(r *http.Response) error {
	switch {
	case isCompressed(r):
		return compressed(d.address, r)
	case r.StatusCode == http.StatusOK && isPage(r):
		return usererr.With(fmt.Errorf("%s: the server sent a web page, not the file", d.address), "a proxy or a login page answers in its place: check the network and HF_ENDPOINT")
	case r.StatusCode == http.StatusOK && d.have == 0:
		return nil
	case r.StatusCode == http.StatusOK:
		return d.restart()
	case r.StatusCode == http.StatusPartialContent:
		if want := fmt.Sprintf("bytes %d-%d/%d", d.have, d.file.size-1, d.file.size); r.Header.Get("Content-Range") == want {
			return nil
		}
	case r.StatusCode == http.StatusNotFound || r.StatusCode == http.StatusGone:
		return usererr.With(d.client.refusal(d.repo, r), "the file list names it: if the model was changed meanwhile, run the command again, which reads the new list")
	case r.StatusCode != http.StatusRequestedRangeNotSatisfiable || d.have == 0:
		return d.client.refusal(d.repo, r)
	}
	err := fmt.Errorf("%s: requested bytes from %d of %d, but the server answered %s, %q", d.address, d.have, d.file.size, r.Status, r.Header.Get("Content-Range"))
	if restartErr := d.restart(); restartErr != nil {
		return restartErr
	}
	return transient(err)
}

// isCompressed reports whether a response with content is compressed, which no request asks for.
func isCompressed(r *http.Response) bool {
	encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	return encoding != "" && encoding != "identity" && r.StatusCode < http.StatusMultipleChoices
}

func compressed(address string, r *http.Response) error {
	return usererr.With(fmt.Errorf("%s: the server sent it compressed (%s), which was not asked for", address, shown(r.Header.Get("Content-Encoding"))),
		"the server or a proxy ignores Accept-Encoding: check the proxy and HF_ENDPOINT")
}

// isPage reports whether a response is a web page.
func isPage(r *http.Response) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Type"))), "text/html")
}

// copy writes the response to the file; only bytes that were written count.
func (d *download) copy(body io.Reader) error {
	buffer := make([]byte, 1<<20)
	for {
		n, readErr := body.Read(buffer)
		if n > 0 {
			written, err := d.client.write(d.out, buffer[:n])
			d.sum.Write(buffer[:written])
			d.have += int64(written)
			d.progress.add(int64(written))
			if err != nil {
				return usererr.With(fmt.Errorf("cannot write %s: %w", strings.TrimSuffix(d.out.Name(), ".part"), err),
					"make room and run the command again: it continues where it stopped")
			}
		}
		if readErr == io.EOF {
			return nil
		}
		if readErr != nil {
			return transient(fmt.Errorf("%s: %w", d.address, readErr))
		}
	}
}

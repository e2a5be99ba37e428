// Package hub downloads base models from Hugging Face, or from a server with the same API.
//
// In: a model's name. Out: a folder among vqctl's own models with config.json, tokenizer and weights, each file verified
// against the size and checksum in the server's list. An unfinished download is in a folder next to it, from which a later
// run continues. It must not know: what models are used for.
package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"ventriloquist/internal/model"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
)

// Client says where models are downloaded from, and how.
type Client struct {
	Endpoint string // https://huggingface.co
	Token    string // "" for none; sent only to Endpoint's host
	Workers  int    // parallel downloads
	// Progress receives the number of bytes present and in total; may be nil.
	Progress func(done, total int64)
	// Present receives the number of bytes that Progress counts and that an earlier run had downloaded; may be nil.
	Present func(n int64)
	// Retrying is called before a failed request is sent again, at most once for all that fail together; may be nil.
	Retrying func(err error, attempt, attempts int, wait time.Duration)
	// Log receives failed attempts that are retried.
	Log *zap.Logger

	problem error // with the environment; Pull returns it
	offline bool
	http    *http.Client
	backoff time.Duration // before the first retry; doubles each time
	stall   time.Duration // a connection with hardly any data for this long is closed
	write   func(f *os.File, p []byte) (int, error)

	mu        sync.Mutex
	said      int       // the attempt that Retrying was last called for
	saidUntil time.Time // when it begins
}

// errRedirect marks redirects that are not followed.
var errRedirect = errors.New("bad redirect")

// keepToken sends the token only to the first host: large files are on other hosts, whose addresses are signed. The standard
// library would send it to any port and subdomain.
func keepToken(next *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return fmt.Errorf("%w: more than 10", errRedirect)
	}
	first := via[0].URL
	if next.URL.Host != first.Host || next.URL.Scheme != first.Scheme {
		next.Header.Del("Authorization")
	}
	if next.URL.Scheme != "https" && next.URL.Scheme != "http" {
		return fmt.Errorf("%w to %s", errRedirect, next.URL.Scheme)
	}
	if first.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("%w from https to %s", errRedirect, next.URL.Scheme)
	}
	return nil
}

// file is an entry of a model's file list.
type file struct {
	name   string
	size   int64
	sha256 string // of the content; for large files
	blob   string // git's SHA-1; for the others
}

// checksum returns the checksum that the list has for the file.
func (f file) checksum() string {
	if f.sha256 != "" {
		return f.sha256
	}
	return f.blob
}

// listing is the files of a model at one commit.
type listing struct {
	commit string
	files  []file // those that a model needs, smallest first
}

var (
	isCommit = regexp.MustCompile(`^[0-9a-f]{40}$`)
	hexName  = regexp.MustCompile(`^[0-9a-f]{40,64}$`)
	// wantedName matches files at the top level: configuration, tokenizer, weights, license. Names are used in paths here.
	wantedName = regexp.MustCompile(`^(model(-[\w.-]+)?\.safetensors(\.index\.json)?|(config|generation_config|tokenizer|tokenizer_config|vocab|special_tokens_map|added_tokens)\.json|merges\.txt|LICENSE(\.\w+)?)$`)
)

// Limits of a file list: far above any model, and low enough that no sum overflows.
const (
	maxFiles       = 2000
	maxWeightsFile = 1 << 42
	maxSmallFile   = 64 << 20
)

// list requests the files of a model at a revision.
func (c *Client) list(ctx context.Context, repo, revision string) (listing, error) {
	var answer struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name   string `json:"rfilename"`
			Size   *int64 `json:"size"`
			BlobID string `json:"blobId"`
			LFS    *struct {
				SHA256 string `json:"sha256"`
				Size   int64  `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	address := c.Endpoint + "/api/models/" + repo + "/revision/" + url.PathEscape(cmp.Or(revision, "main")) + "?blobs=true"
	err := c.retry(ctx, func() (bool, error) { return false, c.getJSON(ctx, repo, address, &answer) })
	if err != nil {
		return listing{}, err
	}
	l := listing{commit: answer.SHA}
	if !hexName.MatchString(l.commit) {
		return l, notHub(address, "the response names no commit")
	}
	if isCommit.MatchString(revision) && l.commit != revision {
		return l, notHub(address, "the response is for commit "+l.commit)
	}
	if len(answer.Siblings) > maxFiles {
		return l, usererr.With(fmt.Errorf("%s has more than %d files", repo, maxFiles), "choose a Qwen3 model, such as %s", model.Default)
	}
	seen := map[string]bool{}
	for _, s := range answer.Siblings {
		if !wantedName.MatchString(s.Name) {
			continue
		}
		f := file{name: s.Name, blob: s.BlobID}
		switch {
		case s.LFS != nil:
			f.size, f.sha256 = s.LFS.Size, s.LFS.SHA256
		case s.Size != nil:
			f.size = *s.Size
		default:
			return l, notHub(address, s.Name+" has no size")
		}
		if f.size < 0 || !hexName.MatchString(f.checksum()) {
			return l, notHub(address, s.Name+" has no size or checksum")
		}
		limit := int64(maxSmallFile)
		if strings.HasSuffix(s.Name, ".safetensors") {
			limit = maxWeightsFile
		}
		if f.size > limit {
			return l, notHub(address, fmt.Sprintf("%s has %s, more than the limit of %s", s.Name, terminal.Bytes(uint64(f.size)), terminal.Bytes(uint64(limit))))
		}
		if seen[s.Name] {
			return l, notHub(address, s.Name+" is listed twice")
		}
		seen[s.Name] = true
		l.files = append(l.files, f)
	}
	slices.SortFunc(l.files, func(a, b file) int { return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.name, b.name)) })
	return l, l.check(repo)
}

func notHub(address, problem string) error {
	return usererr.With(fmt.Errorf("%s: %s", address, problem), "HF_ENDPOINT must be a server with Hugging Face's API")
}

// chooseAdvice names a model to use instead of one that cannot be used: what a quantized copy was made from, if it is one.
func chooseAdvice(repo string) string {
	if original, ok := model.Original(repo); ok {
		return fmt.Sprintf("it is a quantized copy: pull %s, and let vqctl quantize it when it is loaded (%v)", original, usererr.Option("load_in_4bit"))
	}
	return "choose a Qwen3 model, such as " + model.Default
}

// check rejects a model that lacks a required file, before anything large is downloaded. A single weights file is preferred to
// shards if both exist.
func (l *listing) check(repo string) error {
	has := map[string]bool{}
	for _, f := range l.files {
		has[f.name] = true
	}
	for _, name := range []string{model.ConfigFile, model.TokenizerFile} {
		if !has[name] {
			return usererr.With(fmt.Errorf("%s has no %s", repo, name), "%s", chooseAdvice(repo))
		}
	}
	if !has[model.WeightsFile] && !has[model.IndexFile] {
		return usererr.With(fmt.Errorf("%s has no weights in safetensors format", repo), "%s", chooseAdvice(repo))
	}
	if has[model.WeightsFile] {
		kept := l.files[:0]
		for _, f := range l.files {
			if f.name == model.WeightsFile || !strings.Contains(f.name, ".safetensors") {
				kept = append(kept, f)
			}
		}
		l.files = kept
	}
	return nil
}

// getJSON requests and decodes a JSON response of the API.
func (c *Client) getJSON(ctx context.Context, repo, address string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.stall)
	defer cancel()
	late := func(err error) error {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return transient(fmt.Errorf("%s: no complete answer within %s", address, c.stall))
		}
		return err
	}
	response, err := c.get(ctx, address, 0)
	if err != nil {
		return late(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return c.refusal(repo, response)
	}
	if isCompressed(response) {
		return compressed(address, response)
	}
	const limit = 64 << 20
	content, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if err != nil {
		return late(transient(fmt.Errorf("%s: %w", address, err)))
	}
	if err := json.Unmarshal(content, out); err != nil {
		return notHub(address, "the response is not JSON")
	}
	return nil
}

// get requests an address, starting at byte from. Connection errors are transient.
func (c *Client) get(ctx context.Context, address string, from int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, usererr.With(fmt.Errorf("bad address %q: %w", address, err), "HF_ENDPOINT must look like https://huggingface.co")
	}
	request.Header.Set("User-Agent", "vqctl")
	request.Header.Set("Accept-Encoding", "identity") // so that sizes and ranges are those of the file
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if from > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, unreachable(err)
	}
	return response, nil
}

func (c *Client) fileAddress(repo, commit, name string) string {
	return c.Endpoint + "/" + repo + "/resolve/" + commit + "/" + url.PathEscape(name)
}

// folders returns the folder of a model, and the folder of its unfinished download.
func folders(repo, revision string) (final, partial string, err error) {
	final, err = model.OwnPath(repo, revision)
	return final, model.PartialPath(final), err
}

// Package hub downloads base models from Hugging Face, or from a server with its paths.
//
// In: a model's name. Out: a folder of vqctl's own with config.json, tokenizer and weights, each file checked against
// the size and checksum in the server's list. Until everything is there and checked it lies in a folder beside, from
// which a later run goes on. The package must not know what models are used for.
package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"ventriloquist/internal/model"
	"ventriloquist/internal/usererr"
)

// Client says where from and how models are downloaded.
type Client struct {
	Endpoint string // https://huggingface.co
	Token    string // "" for none; sent to Endpoint's host only
	Workers  int    // files at a time
	// Progress is told what is there and the whole, in bytes; may be nil.
	Progress func(done, total int64)
	// Log is told of attempts that failed and are repeated.
	Log *zap.Logger

	http    *http.Client
	backoff time.Duration // before the first repetition; doubles
	stall   time.Duration // a connection on which nothing arrives for so long is given up
	write   func(f *os.File, p []byte) (int, error)
}

// NewClient takes HF_ENDPOINT and HF_TOKEN from the environment.
func NewClient() *Client {
	c := &Client{Endpoint: os.Getenv("HF_ENDPOINT"), Token: os.Getenv("HF_TOKEN"), Workers: 4, Log: zap.NewNop(), backoff: time.Second, stall: time.Minute, write: (*os.File).Write}
	if c.Endpoint == "" {
		c.Endpoint = "https://huggingface.co"
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = c.stall
	c.http = &http.Client{CheckRedirect: keepToken, Transport: transport}
	return c
}

// keepToken lets the token go to the first host only: large files lie on others, whose addresses are signed. The
// standard library would send it to any port and subdomain.
func keepToken(next *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return fmt.Errorf("more than 10 redirects")
	}
	first := via[0].URL
	if next.URL.Host != first.Host || next.URL.Scheme != first.Scheme {
		next.Header.Del("Authorization")
	}
	if first.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("redirected from https to %s", next.URL.Scheme)
	}
	return nil
}

// file is an entry of a model's file list.
type file struct {
	name   string
	size   int64
	sha256 string // of the content, of large files
	blob   string // git's sha1, of the others
}

// checksum tells contents apart.
func (f file) checksum() string {
	if f.sha256 != "" {
		return f.sha256
	}
	return f.blob
}

// listing is what the server has of a model at one commit.
type listing struct {
	commit string
	files  []file // those that a model needs, the small ones first
}

var (
	hexName = regexp.MustCompile(`^[0-9a-f]{40,64}$`)
	// wantedName is of files at the top: configuration, tokenizer, weights, license. The name goes into a path here.
	wantedName = regexp.MustCompile(`^(model(-[\w.-]+)?\.safetensors(\.index\.json)?|(config|generation_config|tokenizer|tokenizer_config|vocab|special_tokens_map|added_tokens)\.json|merges\.txt|LICENSE(\.\w+)?)$`)
)

// list asks for the model's files on its main branch.
func (c *Client) list(ctx context.Context, repo string) (listing, error) {
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
	address := c.Endpoint + "/api/models/" + repo + "/revision/main?blobs=true"
	err := c.retry(ctx, func() (bool, error) { return false, c.getJSON(ctx, repo, address, &answer) })
	if err != nil {
		return listing{}, err
	}
	l := listing{commit: answer.SHA}
	if !hexName.MatchString(l.commit) {
		return l, notHub(address, "its answer names no commit")
	}
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
		l.files = append(l.files, f)
	}
	slices.SortFunc(l.files, func(a, b file) int { return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.name, b.name)) })
	return l, l.check(repo)
}

func notHub(address, problem string) error {
	return usererr.With(fmt.Errorf("%s: %s", address, problem), "HF_ENDPOINT must be a server with Hugging Face's interface")
}

// check refuses a model without what is needed, before anything large is fetched. A single weights file is preferred to
// shards where both are there.
func (l *listing) check(repo string) error {
	has := map[string]bool{}
	for _, f := range l.files {
		has[f.name] = true
	}
	for _, name := range []string{model.ConfigFile, model.TokenizerFile} {
		if !has[name] {
			return usererr.With(fmt.Errorf("%s has no %s", repo, name), "choose a model of the family, such as %s", model.Default)
		}
	}
	if !has[model.WeightsFile] && !has[model.IndexFile] {
		return usererr.With(fmt.Errorf("%s has no weights in safetensors format", repo), "choose a model of the family, such as %s", model.Default)
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

// getJSON fetches an answer of the interface.
func (c *Client) getJSON(ctx context.Context, repo, address string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.stall)
	defer cancel()
	response, err := c.get(ctx, address, 0)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return c.refusal(repo, response)
	}
	const limit = 64 << 20
	content, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if err != nil {
		return transient(fmt.Errorf("%s: %w", address, err))
	}
	if err := json.Unmarshal(content, out); err != nil {
		return notHub(address, "its answer is not JSON")
	}
	return nil
}

// get asks for an address, from a byte on. Errors of the connection are transient.
func (c *Client) get(ctx context.Context, address string, from int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, usererr.With(fmt.Errorf("bad address %q: %w", address, err), "HF_ENDPOINT should be as https://huggingface.co")
	}
	request.Header.Set("User-Agent", "vqctl")
	request.Header.Set("Accept-Encoding", "identity") // sizes and ranges are of the file itself
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if from > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, transient(fmt.Errorf("cannot reach the server: %w", err))
	}
	return response, nil
}

func (c *Client) fileAddress(repo, commit, name string) string {
	return c.Endpoint + "/" + repo + "/resolve/" + commit + "/" + url.PathEscape(name)
}

// Folders of a model: where it ends up, and where it is until it is whole.
func folders(repo string) (final, partial string, err error) {
	root, err := model.OwnFolder()
	if err != nil {
		return "", "", err
	}
	final = filepath.Join(root, filepath.FromSlash(repo))
	return final, filepath.Join(filepath.Dir(final), "."+filepath.Base(final)+".partial"), nil
}

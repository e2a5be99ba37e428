package hub

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"ventriloquist/internal/model"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// NewClient returns a client with the settings of Hugging Face's tools: HF_ENDPOINT, HF_HUB_OFFLINE, and the token of HF_TOKEN
// or of the token file.
func NewClient() *Client {
	c := &Client{
		Endpoint: strings.TrimRight(strings.TrimSpace(cmp.Or(os.Getenv("HF_ENDPOINT"), "https://huggingface.co")), "/"),
		Workers:  4, Log: zap.NewNop(), backoff: time.Second, stall: time.Minute, write: (*os.File).Write,
		offline: isOn("HF_HUB_OFFLINE") || isOn("TRANSFORMERS_OFFLINE"),
	}
	var tokenProblem error
	c.Token, tokenProblem = token()
	c.problem = errors.Join(checkEndpoint(c.Endpoint), tokenProblem)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = c.stall
	transport.MaxResponseHeaderBytes = 1 << 20
	c.http = &http.Client{CheckRedirect: keepToken, Transport: transport}
	return c
}

func checkEndpoint(endpoint string) error {
	address, err := url.Parse(endpoint)
	if err == nil && (address.Scheme == "https" || address.Scheme == "http") && address.Host != "" && address.RawQuery == "" {
		return nil
	}
	return usererr.With(fmt.Errorf("HF_ENDPOINT is %q, which is not the address of a server", endpoint), "it must look like https://huggingface.co")
}

// isOn reads a switch as Hugging Face's tools do.
func isOn(variable string) bool {
	switch strings.ToUpper(strings.TrimSpace(os.Getenv(variable))) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// token returns the token of the environment, else that of the file that `hf auth login` writes; "" if there is none.
func token() (string, error) {
	for _, variable := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if text := strings.TrimSpace(os.Getenv(variable)); text != "" {
			return text, checkToken(variable, text)
		}
	}
	if isOn("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
		return "", nil
	}
	path := model.ExpandHome(os.Getenv("HF_TOKEN_PATH"))
	if home := model.HuggingFaceHome(); path == "" && home != "" {
		path = filepath.Join(home, "token")
	}
	if path == "" {
		return "", nil
	}
	content, err := regularfile.Read(path, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", usererr.With(fmt.Errorf("cannot read the token of Hugging Face: %w", err), "set HF_TOKEN, or HF_TOKEN_PATH to another file")
	}
	text := strings.TrimSpace(string(content))
	return text, checkToken(path, text)
}

// checkToken refuses a token that could not be sent, without showing it.
func checkToken(from, text string) error {
	for _, r := range text {
		if r <= ' ' || r >= 0x7f {
			return usererr.With(fmt.Errorf("the token in %s has spaces, line breaks or other characters that no token has", from),
				"it is one word, such as hf_...: copy it again from the settings of your account")
		}
	}
	return nil
}

package remote

import (
	"net/http"
	"net/url"
	"strings"

	"ventriloquist/internal/loopback"
	"ventriloquist/internal/usererr"
)

// Address is where a server listens.
type Address struct{ url *url.URL }

// ParseAddress parses an address such as http://127.0.0.1:8080.
func ParseAddress(text string) (Address, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return Address{}, usererr.Invalid("backend", "%q is not an address such as http://127.0.0.1:8080", text)
	case u.User != nil:
		return Address{}, usererr.Invalid("backend", "contains a password: put a key into VQCTL_BACKEND_KEY")
	case u.RawQuery != "" || u.Fragment != "":
		return Address{}, usererr.Invalid("backend", "%q has more than an address and a path", text)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return Address{u}, nil
}

// Host is the machine's name or number.
func (a Address) Host() string { return a.url.Host }

// Local reports whether the address is this machine's own.
func (a Address) Local() bool { return loopback.Is(a.url.Hostname()) }

// at returns the address of a path on the server.
func (a Address) at(path string) string {
	u := *a.url
	u.Path = path
	return u.String()
}

// noRedirects keeps the client from following redirects: messages must not go to another server.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

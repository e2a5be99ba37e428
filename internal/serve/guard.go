package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"ventriloquist/internal/loopback"
)

// guard refuses requests that pages of other sites make in a browser, directly or by DNS rebinding, and those without the token.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !s.knownHost(r.Host) {
			failed(http.StatusForbidden, "invalid_request_error", "host_not_allowed", "this server does not answer to the name %q", r.Host).write(w)
			return
		}
		origin := r.Header.Get("Origin")
		allowed := origin != "" && slices.Contains(s.options.Origins, origin)
		if allowed {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			h.Set("Vary", "Origin")
			h.Del("Cross-Origin-Resource-Policy")
		}
		if !allowed && crossSite(r, origin) && !opensPage(r) {
			failed(http.StatusForbidden, "invalid_request_error", "origin_not_allowed", "pages of other sites may not use this server").write(w)
			return
		}
		if allowed && r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if !isPage(r) && !s.authorized(r) {
			h.Set("WWW-Authenticate", "Bearer")
			failed(http.StatusUnauthorized, "invalid_request_error", "invalid_api_key", "the token is missing or wrong: send it as the API key (Authorization: Bearer TOKEN)").write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knownHost reports whether a request may be addressed to this host. A page that rebinds its name to this machine still sends that
// name; it cannot know the token.
func (s *Server) knownHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if loopback.Is(name) || slices.Contains(s.options.Hosts, name) {
		return true
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return !s.options.Loopback
	}
	return s.options.Token != "" && !s.options.Loopback
}

// crossSite reports whether a page of another site makes the request.
func crossSite(r *http.Request, origin string) bool {
	if origin == "" {
		site := r.Header.Get("Sec-Fetch-Site")
		return site == "cross-site" || site == "same-site"
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host)
}

// opensPage reports whether a request follows a link, of another site too, to the page.
func opensPage(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// authorized reports whether a request has the token, if one is needed.
func (s *Server) authorized(r *http.Request) bool {
	if s.options.Token == "" {
		return true
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a, b := sha256.Sum256([]byte(strings.TrimSpace(given))), sha256.Sum256([]byte(s.options.Token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

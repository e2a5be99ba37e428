package usererr_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"ventriloquist/internal/usererr"
)

// dialing is how net/http reports a connection that failed.
func dialing(reason error) error {
	address := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 80}
	return &url.Error{Op: "Get", URL: "http://10.0.0.7/x?token=secret", Err: &net.OpError{Op: "dial", Net: "tcp", Addr: address, Err: os.NewSyscallError("connect", reason)}}
}

// Row: errors of the network showed the text of a dial.
func TestNetwork_SaysWhatWasNotReached(t *testing.T) {
	t.Parallel()
	lookup := func(e net.DNSError) error {
		return &url.Error{Op: "Get", URL: "https://hub.example", Err: &net.OpError{Op: "dial", Net: "tcp", Err: &e}}
	}
	for want, err := range map[string]error{
		"no program listens at 10.0.0.7:80":                                                              dialing(syscall.ECONNREFUSED),
		"the network does not reach 10.0.0.7:80: this machine may be offline":                            dialing(syscall.ENETUNREACH),
		"this machine does not allow connections to 10.0.0.7:80: a firewall may forbid them":             dialing(syscall.EACCES),
		"10.0.0.7:80 did not answer in time":                                                             dialing(syscall.ETIMEDOUT),
		"the connection was lost":                                                                        &url.Error{Op: "Get", URL: "http://x", Err: io.EOF},
		`no server has the name "hub.example", or this machine is offline`:                               lookup(net.DNSError{Name: "hub.example", IsNotFound: true}),
		`the name "hub.example" cannot be looked up: no name server answers, or this machine is offline`: lookup(net.DNSError{Name: "hub.example", IsTemporary: true}),
		"through the proxy: no program listens at 10.0.0.7:80":                                           &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dialing(syscall.ECONNREFUSED).(*url.Error).Err},
		"the server's certificate is signed by an authority that this machine does not know":             &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"the server's certificate has expired, or this machine's clock is wrong":                         &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}},
		`"80000": invalid port`:                                                                          &net.OpError{Op: "listen", Net: "tcp", Err: &net.AddrError{Err: "invalid port", Addr: "80000"}},
		"this user may not listen there; ports below 1024 need root":                                     &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", syscall.EACCES)},
		"something else":                   &url.Error{Op: "Get", URL: "http://x?token=secret", Err: errors.New("something else")},
		"another program uses 10.0.0.7:80": dialing(syscall.EADDRINUSE),
	} {
		got := usererr.Network(fmt.Errorf("asking: %w", err))
		var last syscall.Errno
		if got.Error() != want || errors.As(err, &last) && !errors.Is(got, last) {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}

// What net/http returns, and not only what this test makes up.
func TestNetwork_OfRealConnections(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer plain.Close()
	secure := httptest.NewUnstartedServer(nil)
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	defer secure.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	for _, c := range []struct{ address, want string }{
		{closed.URL, "no program listens at " + strings.TrimPrefix(closed.URL, "http://")}, {plain.URL, "the connection was lost"},
		{secure.URL, "the server's certificate is signed by an authority that this machine does not know"},
		{strings.Replace(plain.URL, "http", "https", 1), "the server does not speak https"},
		{slow.URL, "the server did not answer in time"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if c.address == slow.URL {
			ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+"/x?token=secret", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = http.DefaultClient.Do(r)
		cancel()
		if got := usererr.Network(err); got == nil || got.Error() != c.want {
			t.Errorf("%s: %v is %q, want %q", c.address, err, got, c.want)
		}
	}
}

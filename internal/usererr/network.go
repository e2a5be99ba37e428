package usererr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// networkError is an error of a connection, in words.
type networkError struct {
	words string
	err   error
}

func (e *networkError) Error() string { return e.words }
func (e *networkError) Unwrap() error { return e.err }

// Network returns the error of a connection in words that say what was not reached, without the method and the address of the
// request. What it does not know keeps the words of the innermost error of the request.
func Network(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	words := networkWords(err)
	if words == "" {
		return err
	}
	var operation *net.OpError
	if errors.As(err, &operation) && operation.Op == "proxyconnect" {
		words = "through the proxy: " + words
	}
	return &networkError{words, err}
}

// IsNetwork reports whether an error has words of Network.
func IsNetwork(err error) bool {
	var e *networkError
	return errors.As(err, &e)
}

func networkWords(err error) string {
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		return lookupWords(lookup)
	}
	if words := certificateWords(err); words != "" {
		return words
	}
	var address *net.AddrError
	if errors.As(err, &address) {
		return strconv.Quote(address.Addr) + ": " + address.Err
	}
	peer := peerOf(err)
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return "no program listens at " + peer
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the network does not reach " + peer + ": this machine may be offline"
	case errors.Is(err, os.ErrPermission) && isListening(err):
		return "this user may not listen there; ports below 1024 need root"
	case errors.Is(err, os.ErrPermission):
		return "this machine does not allow connections to " + peer + ": a firewall may forbid them"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program uses " + peer
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine does not have the address " + peer
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was lost"
	case errors.As(err, &timeout) && timeout.Timeout():
		return peer + " did not answer in time"
	}
	return ""
}

func isListening(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "listen"
}

// peerOf returns the address at the other end of a connection.
func peerOf(err error) string {
	peer := "the server"
	for operation := (*net.OpError)(nil); errors.As(err, &operation); err = operation.Err {
		if operation.Addr != nil {
			peer = operation.Addr.String()
		}
	}
	return peer
}

func lookupWords(lookup *net.DNSError) string {
	name := strconv.Quote(lookup.Name)
	if lookup.IsNotFound {
		return "no server has the name " + name + ", or this machine is offline"
	}
	return "the name " + name + " cannot be looked up: no name server answers, or this machine is offline"
}

// certificateWords is about https.
func certificateWords(err error) string {
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return "the server's certificate is signed by an authority that this machine does not know"
	case errors.As(err, &hostname):
		return "the server's certificate is not for " + hostname.Host
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired, or this machine's clock is wrong"
	case errors.As(err, &invalid):
		return "the server's certificate is not valid"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the server does not speak https"
	}
	return ""
}

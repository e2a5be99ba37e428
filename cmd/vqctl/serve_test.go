package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// served is a server in a process of its own.
type served struct {
	cmd     *exec.Cmd
	address string
	errors  *sharedBuffer
}

// startServe starts a server on the engine in a folder and waits for its first line.
func startServe(t *testing.T, dir string, args ...string) *served {
	t.Helper()
	return startServing(t, dir, append([]string{"--cpu", "--precision", "f32"}, args...)...)
}

// startServing starts a server in a folder and waits for its first line.
func startServing(t *testing.T, dir string, args ...string) *served {
	t.Helper()
	s := &served{errors: &sharedBuffer{}}
	s.cmd = command(dir, []string{"MY_NAME=Ben", "VQCTL_SERVE_TOKEN="}, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	s.cmd.Stderr = s.errors
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	})
	first, err := bufio.NewReader(out).ReadString('\n')
	address, found := strings.CutPrefix(strings.TrimSuffix(first, "\n"), "listening on ")
	if err != nil || !found {
		t.Fatalf("the first line is %q (%v): %s", first, err, s.errors)
	}
	s.address = address
	return s
}

// get returns the status and the body of an answer.
func (s *served) get(t *testing.T, client *http.Client, path, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("GET", s.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// The first line is the address, the page and the API answer there, and SIGTERM ends the server after the answers in progress.
func TestServe_AnswersUntilSIGTERM(t *testing.T) {
	t.Parallel()
	s := startServe(t, t.TempDir(), "--base-model", "tiny", "--no-archive")
	if status, body := s.get(t, http.DefaultClient, "/v1/models", ""); status != 200 || !strings.Contains(body, `"id":"Ben"`) {
		t.Errorf("the models: %d %s", status, body)
	}
	if status, body := s.get(t, http.DefaultClient, "/", ""); status != 200 || !strings.Contains(body, "<title>Ventriloquist</title>") {
		t.Errorf("the page: %d %s", status, body)
	}
	answer, err := http.Post(s.address+"/v1/completions", "application/json", strings.NewReader(`{"model": "Ben", "prompt": "x", "max_tokens": 30, "stream": true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(text), "[DONE]") {
		t.Errorf("the answer in progress ends with %v: %s", err, text)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the server ends with %v: %s", err, s.errors)
	}
}

// A server on this machine only can have a token too, which no other user may read.
func TestServe_ReadsItsTokenFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte("0123456789abcdef\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := command(dir, nil, "serve", "--base-model", "tiny", "--cpu", "--listen", "127.0.0.1:0", "--token-file", file).CombinedOutput()
	if err == nil || !contains(out, "other users can read the token") || !contains(out, "chmod 600") {
		t.Errorf("a token that everyone can read: %v %s", err, out)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, dir, "--base-model", "tiny", "--token-file", file)
	for token, want := range map[string]int{"": 401, "0123456789abcdeF": 401, "0123456789abcdef": 200} {
		if status, _ := s.get(t, http.DefaultClient, "/v1/models", token); status != want {
			t.Errorf("with the token %q: %d, want %d", token, status, want)
		}
	}
}

// For other machines a token is made, shown once and kept.
func TestServeOptions_MakeAToken(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("VQCTL_SERVE_TOKEN", "")
	var o serveOptions
	made, err := o.token()
	if err != nil || len(made) < leastToken {
		t.Fatalf("the token is %q, %v", made, err)
	}
	if again, err := o.token(); again != made || err != nil {
		t.Errorf("the next server has the token %q, %v", again, err)
	}
	if info := statOf(tokenPath); info == nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v", info)
	}
	o.server.Loopback = true
	if token, err := o.token(); token != "" || err != nil {
		t.Errorf("on this machine the token is %q, %v", token, err)
	}
	t.Setenv("VQCTL_SERVE_TOKEN", "short")
	if _, err := o.token(); err == nil {
		t.Error("a short token is accepted")
	}
}

// certificate writes a certificate for 127.0.0.1 with its key, and returns a pool that trusts it.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: signed}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(signed)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return pool
}

func TestServe_SpeaksTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	trusted := certificate(t, dir)
	s := startServe(t, dir, "--base-model", "tiny", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	if !strings.HasPrefix(s.address, "https://") {
		t.Errorf("the address is %s", s.address)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	if status, body := s.get(t, client, "/v1/models", ""); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	out, err := command(dir, nil, "serve", "--base-model", "tiny", "--cpu", "--listen", "127.0.0.1:0", "--tls-cert", "cert.pem").CombinedOutput()
	if err == nil || !contains(out, "belong together") {
		t.Errorf("a certificate without its key: %v %s", err, out)
	}
}

// With several adapters each person is a model of each of them, and the page shows the run that made them.
func TestServe_SeveralAdapters(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a model")
	}
	t.Parallel()
	dir := t.TempDir()
	window := `{"text": "{\"type\": \"dm\", \"members\": [\"Ada\", \"Ben\"], \"start\": \"2024-03-15\"}\n{\"name\": \"%s\", \"delta\": \"<1m\", \"reply_to\": null, \"content_type\": \"text\", \"text\": \"hey\"}\n"}` + "\n"
	data := ""
	for i := range 6 {
		data += fmt.Sprintf(window, []string{"Ada", "Ben"}[i%2])
	}
	if err := os.WriteFile(filepath.Join(dir, "windows.jsonl"), []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	train := command(dir, nil, "train", "--cpu", "--base-model", "tiny", "--data-path", "windows.jsonl", "--lora-r", "4", "--max-steps", "2", "--save-steps", "1")
	if out, err := train.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := filepath.Join("checkpoints", "ventriloquist")
	s := startServe(t, dir, "--adapter", filepath.Join(run, "final"), "--adapter", filepath.Join(run, "checkpoint-1"))
	_, list := s.get(t, http.DefaultClient, "/v1/models", "")
	for _, id := range []string{"Ada@final", "Ben@final", "Ada@checkpoint-1", "Ben@checkpoint-1"} {
		if !strings.Contains(list, `"id":"`+id+`"`) {
			t.Errorf("the list has no %s: %s", id, list)
		}
		answer, err := http.Post(s.address+"/v1/chat/completions", "application/json",
			strings.NewReader(`{"model": "`+id+`", "max_tokens": 5, "messages": [{"role": "user", "content": "hey"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != 200 || !strings.Contains(string(body), `"model":"`+id+`"`) {
			t.Errorf("%s: %d %s", id, answer.StatusCode, body)
		}
	}
	if _, runs := s.get(t, http.DefaultClient, "/archive/runs", ""); strings.Count(runs, `"title"`) != 1 || !strings.Contains(runs, `"state":"finished"`) {
		t.Errorf("the runs are %s", runs)
	}
	if status, body := s.get(t, http.DefaultClient, "/archive/conversations", ""); status != 503 || !strings.Contains(body, "vqctl collect") {
		t.Errorf("without messages.db: %d %s", status, body)
	}
}

// Whoever does not speak HTTP, or too much of it, is turned away, and others are answered.
func TestServe_TurnsHostileClientsAway(t *testing.T) {
	t.Parallel()
	s := startServe(t, t.TempDir(), "--base-model", "tiny")
	address := strings.TrimPrefix(s.address, "http://")
	for request, want := range map[string]string{
		"\x16\x03\x01\x02\x00\x01\x00":                                                   "",
		"GET / HTTP/1.1\r\n\r\n":                                                         "400 ",
		"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                   "403 ",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n":                                   "400 ",
		"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<20): "431 ",
		"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n" + strings.Repeat("x", 5<<20): "413 ",
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		go func() {
			_, _ = io.WriteString(c, request) // it may be cut off
			if tcp, ok := c.(*net.TCPConn); ok && want == "" {
				_ = tcp.CloseWrite()
			}
		}()
		line, _ := bufio.NewReader(c).ReadString('\n')
		c.Close()
		if !strings.Contains(line, want) {
			t.Errorf("%.40q is answered with %q, want %q", request, line, want)
		}
	}
	if status, _ := s.get(t, http.DefaultClient, "/v1/models", ""); status != 200 {
		t.Errorf("then the models are answered with %d", status)
	}
}

// With --backend another server writes: no model is loaded, and the answer is a message.
func TestServe_Backend(t *testing.T) {
	t.Parallel()
	const line = `delta": "<5m", "reply_to": null, "content_type": "text", "text": "from elsewhere"}`
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/tags":
			io.WriteString(w, `{"models": [{"name": "ada:latest"}]}`)
		case "/api/generate":
			json.NewEncoder(w).Encode(map[string]any{"response": line, "done": true, "done_reason": "stop", "eval_count": 12, "prompt_eval_count": 34})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(other.Close)
	s := startServing(t, t.TempDir(), "--backend", other.URL+"/api", "--no-archive")
	r, err := http.Post(s.address+"/v1/chat/completions", "application/json", strings.NewReader(`{"model": "Ada", "messages": [{"role": "user", "content": "hey"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 || !strings.Contains(string(body), `"content":"from elsewhere"`) || !strings.Contains(string(body), `"prompt_tokens":34`) {
		t.Errorf("%d: %s, %v", r.StatusCode, body, err)
	}
}

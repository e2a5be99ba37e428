// Package scripts holds no code, only the tests of the shell scripts beside this file.
package scripts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// release serves files by path, as the releases of a repository do.
func release(t *testing.T, files map[string][]byte) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, ok := files[r.URL.Path]; ok {
			w.Write(body)
		} else {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// archive is a release's archive, in which vqctl is a script that prints its version.
func archive(t *testing.T) (name string, body []byte) {
	t.Helper()
	const program = "#!/bin/sh\necho vqctl version v0.1.0\n"
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	packed := tar.NewWriter(zipped)
	if err := packed.WriteHeader(&tar.Header{Name: "vqctl", Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	packed.Write([]byte(program))
	packed.Close()
	zipped.Close()
	return fmt.Sprintf("vqctl-%s-%s.tar.gz", runtime.GOOS, runtime.GOARCH), b.Bytes()
}

// install runs install.sh with the given arguments and returns the folder it installed to, its output and whether it succeeded.
func install(t *testing.T, releases string, args ...string) (prefix, output string, ok bool) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		if _, err := exec.LookPath("wget"); err != nil {
			t.Skip("needs curl or wget")
		}
	}
	if platform := runtime.GOOS + "/" + runtime.GOARCH; !strings.Contains("linux/amd64 linux/arm64 darwin/arm64", platform) {
		t.Skip("there is no release for " + platform)
	}
	prefix = t.TempDir()
	command := exec.Command("sh", append([]string{"install.sh"}, args...)...)
	command.Env = append(os.Environ(), "PREFIX="+prefix, "VQCTL_RELEASES="+releases)
	printed, err := command.CombinedOutput()
	return prefix, string(printed), err == nil
}

func TestInstall_VerifiesAndInstalls(t *testing.T) {
	t.Parallel()
	name, body := archive(t)
	sums := fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(body), name)
	for _, c := range []struct {
		path string
		args []string
	}{
		{"/latest/download/", nil},
		{"/download/v0.1.0/", []string{"v0.1.0"}},
	} {
		releases := release(t, map[string][]byte{c.path + name: body, c.path + "SHA256SUMS": sums})
		prefix, output, ok := install(t, releases, c.args...)
		if !ok {
			t.Fatalf("install.sh %v: %s", c.args, output)
		}
		if want := "installed vqctl version v0.1.0 in " + prefix + "/bin"; !strings.Contains(output, want) {
			t.Errorf("install.sh %v prints %q, want %q in it", c.args, output, want)
		}
		if info, err := os.Stat(filepath.Join(prefix, "bin", "vqctl")); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("install.sh %v: vqctl is %v, %v", c.args, info, err)
		}
	}
}

func TestInstall_RefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	name, body := archive(t)
	damaged := append(bytes.Clone(body), 0)
	sums := fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(body), name)
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"no release", nil, "SHA256SUMS: the server does not have it. Check the version: http://127.0.0.1:"},
		{"damaged archive", map[string][]byte{name: damaged, "SHA256SUMS": sums}, "is damaged"},
		{"no checksum", map[string][]byte{name: body, "SHA256SUMS": []byte("")}, "does not list"},
	} {
		files := map[string][]byte{}
		for file, content := range c.files {
			files["/latest/download/"+file] = content
		}
		prefix, output, ok := install(t, release(t, files))
		if ok || !strings.Contains(output, c.want) {
			t.Errorf("%s: install.sh succeeds: %v, prints %q, want %q in it", c.name, ok, output, c.want)
		}
		if left, _ := filepath.Glob(filepath.Join(prefix, "*", "*")); len(left) > 0 {
			t.Errorf("%s: install.sh leaves %v", c.name, left)
		}
	}
}

func TestInstall_SaysThatTheNetworkFails(t *testing.T) {
	t.Parallel()
	if _, output, ok := install(t, "http://127.0.0.1:1/releases"); ok || !strings.HasSuffix(output, "SHA256SUMS: check the network\n") {
		t.Errorf("install.sh without a server succeeds: %v, prints %q", ok, output)
	}
}

func TestInstall_NeedsAnAddress(t *testing.T) {
	t.Parallel()
	if _, output, ok := install(t, ""); ok || !strings.Contains(output, "set VQCTL_RELEASES") {
		t.Errorf("install.sh without an address succeeds: %v, prints %q", ok, output)
	}
	if _, output, ok := install(t, "http://example.com"); ok || !strings.Contains(output, "must begin with https://") {
		t.Errorf("install.sh from http:// succeeds: %v, prints %q", ok, output)
	}
}

func TestFillTemplate_FillsEveryField(t *testing.T) {
	t.Parallel()
	sums := filepath.Join(t.TempDir(), "SHA256SUMS")
	var lines strings.Builder
	for _, platform := range []string{"linux-amd64", "linux-arm64", "darwin-arm64"} {
		fmt.Fprintf(&lines, "%x  vqctl-%s.tar.gz\n", sha256.Sum256([]byte(platform)), platform)
	}
	if err := os.WriteFile(sums, []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, template := range []string{"install.sh", "../packaging/homebrew/vqctl.rb"} {
		filled, err := exec.Command("./fill-template", template, "v0.1.0", "https://example.com/a/b", sums).CombinedOutput()
		if err != nil {
			t.Fatalf("fill-template %s: %v: %s", template, err, filled)
		}
		if left := regexp.MustCompile(`@[A-Z0-9_]+@`).Find(filled); left != nil {
			t.Errorf("fill-template %s leaves %s", template, left)
		}
		if !strings.Contains(string(filled), "https://example.com/a/b/releases") {
			t.Errorf("fill-template %s prints no address of the releases", template)
		}
	}
}

package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// setup runs scripts/setup build with only the given commands, each a shell script, and the shell's own tools.
func setup(t *testing.T, commands map[string]string) (output string, ok bool) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("tells what Linux systems install")
	}
	bin := t.TempDir()
	for _, tool := range []string{"sh", "sed", "cut", "uname", "tr"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	for name, script := range commands {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "setup", "build")
	cmd.Env = []string{"PATH=" + bin}
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func goVersion(version, toolchain string) string {
	return `case $1 in version) echo "go version go` + version + ` linux/amd64" ;; env) echo ` + toolchain + ` ;; esac`
}

// Row 1.6: an old Go is answered with one sentence before anything is built, whatever else is missing.
func TestSetup_ChecksGoFirst(t *testing.T) {
	for name, c := range map[string]struct {
		version, toolchain, want string
	}{
		"Debian12":     {"1.19.8", `""`, "Go 1.19.8 is too old: install 1.21 or newer from https://go.dev/doc/install"},
		"LocalOnly":    {"1.22.1", "local", "Go 1.22.1 is too old: install 1.26 or newer"},
		"FetchesItOwn": {"1.21.0", "auto", "these are missing"},
		"New":          {"1.26.0", "local", "these are missing"},
		"Later":        {"1.30", "auto", "these are missing"},
	} {
		t.Run(name, func(t *testing.T) {
			out, ok := setup(t, map[string]string{"go": goVersion(c.version, c.toolchain), "id": "echo 1000"})
			if ok || !strings.HasPrefix(out, "setup: "+c.want) || strings.Count(out, "\n") != 1 {
				t.Errorf("it prints %q", out)
			}
		})
	}
	if out, ok := setup(t, nil); ok || !strings.Contains(out, "Go is not installed") {
		t.Errorf("without Go it prints %q", out)
	}
}

// Row 1.6: each system's own command is printed.
func TestSetup_NamesThePackageManager(t *testing.T) {
	for manager, want := range map[string]string{
		"apt-get": "sudo apt-get install gcc g++ cmake make", "dnf": "sudo dnf install gcc gcc-c++ cmake make",
		"zypper": "sudo zypper install gcc gcc-c++ cmake make", "pacman": "sudo pacman -S --needed gcc gcc cmake make",
		"apk": "sudo apk add musl-dev linux-headers gcc g++ cmake make",
	} {
		out, ok := setup(t, map[string]string{"go": goVersion("1.26.0", "auto"), "id": "echo 1000", manager: ""})
		if ok || !strings.Contains(out, "only root may install them") || !strings.Contains(out, "  "+want) {
			t.Errorf("%s: it prints %q", manager, out)
		}
	}
	out, ok := setup(t, map[string]string{"go": goVersion("1.26.0", "auto"), "id": "echo 0", "dnf": ""})
	if ok || strings.Contains(out, "sudo") || !strings.Contains(out, "  dnf install gcc") {
		t.Errorf("root is told %q", out)
	}
}

// Row 1.6: make install puts the program below PREFIX, in DESTDIR.
func TestMake_Install(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("needs make")
	}
	root, dest := t.TempDir(), t.TempDir()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"Makefile": makefile, "bin/vqctl": []byte("#!/bin/sh\n")} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, target := range []string{"install", "uninstall"} {
		out, err := exec.Command("make", "-C", root, target, "PREFIX=/opt/vq", "DESTDIR="+dest, "CUDA=0").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		info, err := os.Stat(filepath.Join(dest, "opt/vq/bin/vqctl"))
		if installed := err == nil && info.Mode().Perm() == 0o755; installed != (target == "install") {
			t.Errorf("after make %s: %v", target, err)
		}
	}
}

// `make help` lists the targets, and `make build` builds, although a folder of that name is there.
func TestMake_HelpAndBuild(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("needs make")
	}
	help, err := exec.Command("make", "-C", "..", "-s", "--no-print-directory", "help", "CUDA=0").Output()
	if err != nil || !strings.HasPrefix(string(help), "make ") || !strings.Contains(string(help), "\nmake install ") {
		t.Errorf("%v\n%s", err, help)
	}
	plan, err := exec.Command("make", "-C", "..", "-n", "build", "CUDA=0").Output()
	if err != nil || !strings.Contains(string(plan), "-o bin/vqctl ./cmd/vqctl") {
		t.Errorf("%v\n%s", err, plan)
	}
}

// --help of the benchmarks fetches nothing.
func TestBench_HelpFetchesNothing(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{"scripts/bench/run", "bin/go"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile("bench/run")
	if err != nil {
		t.Fatal(err)
	}
	// A go that builds a program which prints its arguments, and knows nothing else.
	fake := "#!/bin/sh\n[ \"$*\" = \"build -o build/bench/bench ./scripts/bench\" ] || exit 9\nprintf '#!/bin/sh\\necho \"bench $*\"\\n' >build/bench/bench\nchmod +x build/bench/bench\n"
	for path, content := range map[string]string{"scripts/bench/run": string(script), "bin/go": fake} {
		if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(root, "scripts/bench/run"), "--help")
	cmd.Env = []string{"PATH=" + filepath.Join(root, "bin") + ":/usr/bin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "bench --help\n" {
		t.Errorf("%v: %s", err, out)
	}
}

package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/joho/godotenv"
	"golang.org/x/sys/unix"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

func TestParseDotEnv_EqualsGodotenv(t *testing.T) {
	for _, text := range []string{"", "A=1", "A=1\nB=\"two words\" # why\n", "# x\n\nexport A='x $B'\nB=$A-${A}\n", "A=\"x\ny\nz\"\nB=1\n", "A=\nB: 2\r\nC=\\$A\n", "A='x\n' B=\"y\n\"\n"} {
		want, err := godotenv.Unmarshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseDotEnv([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v (%v), want %v", text, got, err, want)
		}
	}
}

func TestParseDotEnv_NamesTheLineBeyondALimit(t *testing.T) {
	var doubled strings.Builder
	doubled.WriteString("A0=0123456789\n")
	for i := range 60 {
		fmt.Fprintf(&doubled, "A%d=$A%d${A%d}\n", i+1, i, i)
	}
	for text, want := range map[string]string{
		"A=1\nno name\nB=2":                     "line 2 is not valid",
		"A=1\nB=\"open\nC=2\n":                  "line 2 has a quotation mark that is not closed",
		"A=1\nB='" + strings.Repeat("\n", 5000): "line 2 has a quotation mark that is not closed",
		doubled.String():                        "line 13 has a value longer than 64 KiB",
		"A=\"0123456789\nB=$A\"\n" + strings.Replace(strings.Repeat("A=$A$A\n", 40), "\n", "\n\n", 1): "has a value longer than 64 KiB",
	} {
		settings, err := parseDotEnv([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || settings != nil {
			t.Errorf("%.30q: error %v, want %s", text, err, want)
		}
	}
}

func TestLoadDotEnv_RefusesWhatIsNoSmallFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := unix.Mkfifo(dotEnvFile, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := loadDotEnv(); !errors.Is(err, regularfile.ErrKind) || usererr.Of(err) == "" {
		t.Errorf("error %v", err)
	}
	os.Remove(dotEnvFile)
	if err := os.WriteFile(dotEnvFile, make([]byte, largestDotEnv+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := loadDotEnv(); err == nil || !strings.Contains(err.Error(), ".env is larger than 64 KiB") {
		t.Errorf("error %v", err)
	}
}

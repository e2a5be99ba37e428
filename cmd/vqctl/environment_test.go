package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"ventriloquist/internal/usererr"
)

func utf16Of(text string) string {
	var data []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		data = append(data, byte(unit), byte(unit>>8))
	}
	return string(data)
}

// The rows of .env: what editors and people make of the file is read.
func TestLoadDotEnv_ReadsWhatEditorsWrite(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"Plain":        {"MY_NAME=Aidan\n", "Aidan"},
		"BOM":          {"\ufeffMY_NAME=Aidan\n", "Aidan"},
		"UTF16":        {utf16Of("MY_NAME=\"Zoë Lee\"\r\n"), "Zoë Lee"},
		"CRLF":         {"# mine\r\nMY_NAME=\"Aidan Lee\"\r\nHF_TOKEN=x\r\n", "Aidan Lee"},
		"Export":       {"export MY_NAME='Aidan Lee'\n", "Aidan Lee"},
		"CurlyQuotes":  {"MY_NAME=“Aidan Lee”\n", "Aidan Lee"},
		"SingleCurly":  {"MY_NAME = ‘Aidan’\n", "Aidan"},
		"Guillemets":   {"MY_NAME=«Aidan»", "Aidan"},
		"German":       {"export MY_NAME=„Aidan“\n", "Aidan"},
		"QuotesInside": {`MY_NAME=“Anne "Annie" $Lee \o/”`, `Anne "Annie" $Lee \o/`},
		"Apostrophe":   {"MY_NAME=Ava O’Brien\n", "Ava O’Brien"},
		"AtTheEnd":     {"MY_NAME=The Joneses’\n", "The Joneses’"},
		"LowerCase":    {"my_name=Aidan\n", "Aidan"},
		"Space":        {"MY NAME=Aidan\n", "Aidan"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("MY_NAME", "") // restored afterwards
			t.Setenv("HF_TOKEN", "")
			os.Unsetenv("MY_NAME")
			if err := os.WriteFile(dotEnvFile, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := loadDotEnv(); err != nil || os.Getenv("MY_NAME") != c.want {
				t.Errorf("MY_NAME is %q (%v), want %q", os.Getenv("MY_NAME"), err, c.want)
			}
		})
	}
}

func TestLoadDotEnv_SaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ content, want, hint string }{
		"RTF":       {`{\rtf1\ansi MY_NAME=s3cret}`, "it is rich text (RTF), not plain text", "Make Plain Text"},
		"Word":      {"PK\x03\x04s3cret", "a document of a word processor", "plain text"},
		"Binary":    {"MY_NAME=s3cret\x00", "not a text file", "text editor"},
		"HalfCurly": {"HF_TOKEN=x\nMY_NAME=“s3cret\"\n", "line 2 has a curly quote on one side", "straight quotes"},
		"NoName":    {"s3cret and more\n", "line 1 is not valid", "one NAME=value per line"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			if err := os.WriteFile(dotEnvFile, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			err := loadDotEnv()
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(usererr.Of(err), c.hint) {
				t.Fatalf("error %v, hint %q", err, usererr.Of(err))
			}
			where, _ := filepath.EvalSymlinks(dir)
			if !strings.Contains(err.Error(), filepath.Join(where, dotEnvFile)) {
				t.Errorf("%q does not name the file in %s", err, where)
			}
			if strings.Contains(err.Error()+usererr.Of(err), "s3cret") {
				t.Errorf("%q quotes the file", err)
			}
		})
	}
}

func TestSettingNamed_TakesOtherSpellings(t *testing.T) {
	for given, want := range map[string]string{
		"MYNAME": "MY_NAME", "my-name": "MY_NAME", "My Name": "MY_NAME", "GeminiApiKey": "GEMINI_API_KEY", "user_identifiers": "USER_IDENTIFIERS", "MY_NAMES": "MY_NAMES",
	} {
		if got := settingNamed(given); got != want {
			t.Errorf("%q is %q, want %q", given, got, want)
		}
	}
}

package privacy

import (
	"regexp"
	"strings"

	"ventriloquist/internal/privacy/secrets"
)

// shortestKey is the minimum length of a word that may be a key.
const shortestKey = 16

var (
	// privateKey is a private key in PEM.
	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)`)
	// wellKnown matches tokens that are recognizable by their prefix.
	wellKnown = regexp.MustCompile(`\b(?:(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[\w\-]{20,}|sk-[A-Za-z0-9_\-]{20,}|sk_(?:live|test)_[A-Za-z0-9]{16,}|rk_(?:live|test)_[A-Za-z0-9]{16,}|xox[abeprs]-[A-Za-z0-9\-]{10,}|AIza[0-9A-Za-z_\-]{35}|ya29\.[\w\-]{20,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\w\-]{40,}|SG\.[\w\-]{16,}\.[\w\-]{16,}|dop_v1_[a-f0-9]{64}|eyJ[\w\-]{10,}\.eyJ[\w\-]{10,}\.[\w\-]{10,})`)
	// stated is what a text introduces as a password or key, but not ordinary words: "the password is wrong".
	stated = regexp.MustCompile(`(?i)\b(?:(?:password|passwort|passphrase|wi-?fi (?:pw|key|code)|mot de passe|contraseña|api[ _-]?key|secret(?: key)?|access[ _-]?token|auth[ _-]?token|bearer)(?:\s*(?::|=|->)\s*|\s+(?:(?:is|ist|est|es):?\s+)?)|(?:passwd|pwd)(?:\s*[:=]\s*|\s+is\s+))["'“‘\x60]?([^\s"'”’\x60]{6,})`)
)

// findKeys finds keys, tokens and passwords.
func findKeys(s, _ string) (spans []span) {
	take := func(start, end int) {
		if p := (span{start: start, end: end, value: s[start:end]}); start < end && !overlaps(spans, p) {
			spans = append(spans, p)
		}
	}
	long := hasLongWord(s)
	if long || strings.Contains(s, "PRIVATE KEY-----") {
		for _, pattern := range []*regexp.Regexp{privateKey, wellKnown} {
			for _, at := range pattern.FindAllStringIndex(s, -1) {
				take(at[0], at[1])
			}
		}
	}
	if !long && !mayState(s) {
		return spans
	}
	for _, at := range stated.FindAllStringSubmatchIndex(s, -1) {
		value := strings.TrimRight(s[at[2]:at[3]], ".,;:!?)")
		if strings.ContainsAny(value, "0123456789!#$%&*+=^_~") {
			take(at[2], at[2]+len(value))
		}
	}
	if !long {
		return spans
	}
	for _, found := range secrets.Find(s) {
		for from := 0; found.Secret != ""; {
			at := strings.Index(s[from:], found.Secret)
			if at < 0 {
				break
			}
			take(from+at, from+at+len(found.Secret))
			from += at + len(found.Secret)
		}
	}
	return spans
}

// mayState is a fast check that most texts state no password.
func mayState(s string) bool {
	s = strings.ToLower(s)
	for _, part := range []string{"pass", "pwd", "wifi", "wi-fi", "key", "secret", "token", "bearer", "contrase"} {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

// hasLongWord reports whether a word is long enough for a key and mixes digits and letters.
func hasLongWord(s string) bool {
	length, digits, letters := 0, false, false
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ':
			length, digits, letters = 0, false, false
			continue
		case c >= '0' && c <= '9':
			digits = true
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			letters = true
		}
		if length++; length >= shortestKey && digits && letters {
			return true
		}
	}
	return false
}

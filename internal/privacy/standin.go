package privacy

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
)

// replacement returns the stand-in of a value, and counts it.
func (r *Redactor) replacement(p span) string {
	if r.found[p.kind] == nil {
		r.found[p.kind] = map[string]int{}
	}
	if r.forgotten != nil && (p.kind == Phone || p.kind == Email) && r.forgotten(p.value) {
		return "[forgotten]"
	}
	name := r.name(p.kind, p.value)
	r.found[p.kind][name]++
	return name
}

// name returns the stand-in of a value: 40 bits of its digest as 8 letters and digits.
func (r *Redactor) name(kind Kind, value string) string {
	const bytes = 5
	digest := Digest(r.secret, string(kind), value)
	return fmt.Sprintf("[%s %s]", kind, strings.ToLower(base32.StdEncoding.EncodeToString(digest[:bytes])))
}

// Digest returns the keyed digest of a value for one use.
func Digest(secret []byte, use, value string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(use + "\x00" + value))
	return mac.Sum(nil)
}

// Finding counts what was found of a kind.
type Finding struct {
	Kind     Kind `json:"kind"`
	Found    int  `json:"found"`    // occurrences
	Distinct int  `json:"distinct"` // distinct values
}

// Findings returns what was found since the redactor was made, and in how many texts.
func (r *Redactor) Findings() (list []Finding, texts int) {
	list = []Finding{}
	for kind, values := range r.found {
		f := Finding{Kind: kind, Distinct: len(values)}
		for _, n := range values {
			f.Found += n
		}
		if f.Found > 0 {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b Finding) int { return cmp.Or(cmp.Compare(b.Found, a.Found), cmp.Compare(a.Kind, b.Kind)) })
	return list, r.touched
}

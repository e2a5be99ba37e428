package privacy

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
)

// Rules is the version of the rules. It is raised with each change to what they find, so that texts that were redacted by earlier
// ones are redacted again.
const Rules = 5

// Policy is what the owner asked to keep out of messages.db: kinds of private values, and forgotten people.
type Policy struct {
	stored *messages.PrivacySettings
	others []string // regions of the numbers in the database, in the order in which they came
}

// Load returns the policy of a database; nil if it has none. It reads the countries of the numbers in the database, whose local
// forms are redacted too.
func Load(ctx context.Context, db *messages.DB) (*Policy, error) {
	stored, err := db.PrivacySettings(ctx)
	if err != nil || stored == nil {
		return nil, err
	}
	p := &Policy{stored: stored}
	return p, p.readRegions(ctx, db)
}

// readRegions reads the regions of the numbers in the database.
func (p *Policy) readRegions(ctx context.Context, db *messages.DB) error {
	reader, err := db.Reader(ctx, nil)
	if err == nil {
		p.others = people.Regions(reader.Addresses())
	}
	return err
}

// LoadOrNew returns the policy of a database, or a new one that keeps nothing out yet. own are the owner's addresses, which set
// the region of numbers without a country code.
func LoadOrNew(ctx context.Context, db *messages.DB, own []string) (*Policy, error) {
	p, err := Load(ctx, db)
	if p != nil || err != nil {
		return p, err
	}
	p = &Policy{stored: &messages.PrivacySettings{Secret: make([]byte, 32), Region: people.Region(own), Forgotten: map[string]int64{}}}
	rand.Read(p.stored.Secret) // never fails
	return p, p.readRegions(ctx, db)
}

// Enforce makes all writes to a database follow its policy.
func Enforce(ctx context.Context, db *messages.DB) error {
	p, err := Load(ctx, db)
	if err == nil && p != nil {
		db.SetPolicy(&messages.Policy{Text: p.Redactor().Text, StandIn: p.standIn})
	}
	return err
}

// RedactDescriptions applies the policy of a database to attachments described since it was last applied.
func RedactDescriptions(ctx context.Context, db *messages.DB) error {
	p, err := Load(ctx, db)
	if err != nil || p == nil {
		return err
	}
	return db.RedactDescriptions(ctx, p.Redactor().Text)
}

// Kinds returns the kinds that are redacted.
func (p *Policy) Kinds() []Kind {
	var kinds []Kind
	for _, k := range strings.Split(p.stored.Kinds, ",") {
		if k != "" {
			kinds = append(kinds, Kind(k))
		}
	}
	return kinds
}

// AddKinds adds kinds to redact.
func (p *Policy) AddKinds(added []Kind) {
	var list []string
	for _, k := range Kinds() {
		if slices.Contains(added, k) || slices.Contains(p.Kinds(), k) {
			list = append(list, string(k))
		}
	}
	p.stored.Kinds = strings.Join(list, ",")
}

// Redactor returns a redactor that follows the policy.
func (p *Policy) Redactor() *Redactor {
	var forgotten func(string) bool
	if len(p.stored.Forgotten) > 0 {
		forgotten = func(address string) bool { return p.forgottenNumber(address) != 0 }
	}
	return New(p.stored.Secret, p.stored.Region, p.Kinds(), forgotten).WithRegions(p.others)
}

// Outdated reports whether the texts of the database went through earlier rules than those of this program.
func (p *Policy) Outdated() bool { return p.stored.Rules < Rules }

// Outdated reports whether a database has a policy, and texts that went through earlier rules.
func Outdated(ctx context.Context, db *messages.DB) (bool, error) {
	stored, err := db.PrivacySettings(ctx)
	return err == nil && stored != nil && stored.Rules < Rules, err
}

// Redact stores the policy, and applies text, a Text of its Redactor, to all texts of a database.
func (p *Policy) Redact(ctx context.Context, db *messages.DB, text func(string) string) error {
	p.stored.Rules = Rules
	return db.Redact(ctx, p.stored, text)
}

// Forget adds the addresses of a person to the policy, stores it, and erases the person from a database.
func (p *Policy) Forget(ctx context.Context, db *messages.DB, addresses []string) (messages.Erased, error) {
	p.stored.Rules = Rules
	p.addForgotten(addresses)
	return db.Forget(ctx, p.stored, p.standIn, p.Redactor().Text)
}

// WouldForget counts what Forget erases, and changes nothing.
func (p *Policy) WouldForget(ctx context.Context, db *messages.DB, addresses []string) (messages.Erased, error) {
	changed, stored := *p, *p.stored
	stored.Forgotten = maps.Clone(stored.Forgotten)
	changed.stored = &stored
	changed.addForgotten(addresses)
	return db.WouldForget(ctx, changed.standIn)
}

// addForgotten gives the addresses of a person the next number of the forgotten.
func (p *Policy) addForgotten(addresses []string) {
	number := int64(1)
	for _, n := range p.stored.Forgotten {
		number = max(number, n+1)
	}
	for _, address := range addresses {
		p.stored.Forgotten[p.digest(address)] = number
	}
}

// digest returns what the policy stores of a forgotten person's address.
func (p *Policy) digest(address string) string {
	return p.digestOf(people.Normalize(address, p.stored.Region))
}

func (p *Policy) digestOf(normalized string) string {
	return string(Digest(p.stored.Secret, "address", normalized))
}

// standIn returns the replacement for a forgotten person's address, "" for everyone else.
func (p *Policy) standIn(address string) string {
	for _, n := range p.stored.Forgotten {
		if address == messages.ForgottenName(n) {
			return address
		}
	}
	if n := p.forgottenNumber(address); n != 0 {
		return messages.ForgottenName(n)
	}
	return ""
}

// forgottenNumber returns the number of the forgotten person who has an address, or 0. The policy may hold the digest of
// the form that an earlier version gave it.
func (p *Policy) forgottenNumber(address string) int64 {
	if len(p.stored.Forgotten) == 0 {
		return 0
	}
	for _, form := range people.Spellings(address, p.stored.Region) {
		if n := p.stored.Forgotten[p.digestOf(form)]; n != 0 {
			return n
		}
	}
	return 0
}

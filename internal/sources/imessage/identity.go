package imessage

import (
	"context"
	"fmt"
	"strings"

	"ventriloquist/internal/messages"
)

// recentRows is how many rows are searched for the owner's addresses if some are already known.
const recentRows = 20_000

// keepIdentities stores which addresses the database assigns to the owner, and which belong to one person. With again
// set, an earlier call has read the rows, and only the newest ones are read.
func (s *Source) keepIdentities(ctx context.Context, db *messages.DB, again bool) error {
	known, err := db.OwnAddresses(ctx)
	if err != nil {
		return err
	}
	// Data lost to damage is missing here as it is among the messages, where it is reported.
	own, err := s.ownAddresses(ctx, again || len(known) > 0)
	if err != nil && !isDamage(err) {
		return s.explain(err)
	}
	same, err := s.samePersons(ctx)
	if err != nil && !isDamage(err) {
		return s.explain(err)
	}
	return db.KeepIdentities(ctx, own, same)
}

// ownAddresses returns the addresses that this device sent or received messages with, and the ones that the chats name.
// With recent set, it reads only the newest rows.
func (s *Source) ownAddresses(ctx context.Context, recent bool) ([]messages.OwnAddress, error) {
	var list []messages.OwnAddress
	take := func(place string) func(record) error {
		return func(r record) error {
			if address := loginAddress(r.text(0)); address != "" {
				list = append(list, messages.OwnAddress{Address: address, Place: place, Messages: r.int(1)})
			}
			return nil
		}
	}
	if s.has("message", "destination_caller_id") {
		rows := "message"
		if recent {
			rows = fmt.Sprintf("(SELECT destination_caller_id FROM message ORDER BY ROWID DESC LIMIT %d)", recentRows)
		}
		query := fmt.Sprintf(`SELECT CAST(destination_caller_id AS TEXT), count(*) FROM %s
			WHERE destination_caller_id IS NOT NULL GROUP BY 1 ORDER BY 1`, rows)
		if err := s.each(ctx, query, take("destination_caller_id")); err != nil {
			return list, err
		}
	}
	for _, column := range []string{"account_login", "last_addressed_handle"} {
		if !s.has("chat", column) {
			continue
		}
		query := fmt.Sprintf(`SELECT DISTINCT CAST(%s AS TEXT), 0 FROM chat WHERE %[1]s IS NOT NULL ORDER BY 1`, column)
		if err := s.each(ctx, query, take(column)); err != nil {
			return list, err
		}
	}
	return list, nil
}

// loginAddress extracts the address from a login such as E:me@icloud.com or P:+12345678900, which may have nothing after
// its colon. It returns "" if the login is not an address, such as the number of a SIM card's slot.
func loginAddress(login string) string {
	login = strings.TrimSpace(login)
	if len(login) > 1 && login[1] == ':' {
		login = strings.TrimSpace(login[2:])
	}
	const shortestNumber = 5
	digits := 0
	for _, c := range login {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if !strings.Contains(login, "@") && digits < shortestNumber {
		return ""
	}
	return login
}

func (s *Source) samePersons(ctx context.Context) ([]messages.SamePerson, error) {
	if !s.has("handle", "person_centric_id") {
		return nil, nil
	}
	var list []messages.SamePerson
	query := fmt.Sprintf(`SELECT DISTINCT %s, %s FROM handle`, s.text("handle", "id"), s.text("handle", "person_centric_id"))
	err := s.each(ctx, query, func(r record) error {
		if p := (messages.SamePerson{Address: strings.TrimSpace(r.text(0)), Person: r.text(1)}); p.Address != "" && p.Person != "" {
			list = append(list, p)
		}
		return nil
	})
	return list, err
}

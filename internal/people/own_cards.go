package people

import (
	"context"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people/addressbook"
)

// KeepOwnCards adds the addresses of the owner's own cards to messages.db, from the address books that belong to the message
// database in file. A book that cannot be read is skipped: the messages name most of the addresses.
func KeepOwnCards(ctx context.Context, db *messages.DB, file string) error {
	var own []messages.OwnAddress
	for _, book := range addressbook.Beside(file) {
		cards, err := addressbook.Read(ctx, book)
		if err != nil {
			continue
		}
		for _, c := range cards {
			if !c.Me {
				continue
			}
			for _, address := range c.Addresses {
				own = append(own, messages.OwnAddress{Address: address, Place: "own card"})
			}
		}
	}
	return db.KeepIdentities(ctx, own, nil)
}

package people

import (
	"context"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people/addressbook"
)

// KeepOwnCards adds the addresses on the owner's own cards to messages.db, from the address books that belong to the message
// database in file. It skips books that cannot be read: most of the addresses are in the messages.
func KeepOwnCards(ctx context.Context, db *messages.DB, file string) error {
	var own []messages.OwnAddress
	for _, book := range addressbook.Beside(file) {
		cards, err := addressbook.Read(ctx, book, db.Folder())
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

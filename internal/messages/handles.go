package messages

import (
	"context"
	"database/sql"
	"fmt"
)

// handles are the numbers of addresses; 0 is the owner's.
type handles struct {
	numbers   map[string]int64
	addresses []string // by number
	stored    int      // how many of them are in the file
}

func newHandles(addresses []string) handles {
	h := handles{make(map[string]int64, len(addresses)), addresses, len(addresses)}
	for number, address := range addresses {
		h.numbers[address] = int64(number)
	}
	return h
}

// handle returns the number of an address, and assigns one if it has none yet.
func (h *handles) handle(address string) int64 {
	number, known := h.numbers[address]
	if !known {
		number = int64(len(h.addresses))
		h.numbers[address] = number
		h.addresses = append(h.addresses, address)
	}
	return number
}

// address returns the address with a number.
func (h *handles) address(number int64) (string, error) {
	if number < 0 || number >= int64(len(h.addresses)) {
		return "", fmt.Errorf("handle %d does not exist", number)
	}
	return h.addresses[number], nil
}

// readAddresses returns the addresses by number.
func readAddresses(ctx context.Context, q querier) ([]string, error) {
	addresses := []string{Owner}
	err := each(ctx, q, `SELECT id, address FROM handle ORDER BY id`, func(rows *sql.Rows) error {
		var id int
		var address string
		if err := rows.Scan(&id, &address); err != nil {
			return err
		}
		if id != len(addresses) {
			return fmt.Errorf("handle %d is out of sequence", id)
		}
		addresses = append(addresses, address)
		return nil
	})
	return addresses, err
}

package messages

// handles are the numbers of addresses; 0 is the owner's.
type handles struct {
	numbers   map[string]int64
	addresses []string // by number
}

func newHandles(addresses []string) handles {
	h := handles{make(map[string]int64, len(addresses)), addresses}
	for number, address := range addresses {
		h.numbers[address] = int64(number)
	}
	return h
}

// handle returns the number of an address, which it gets if it has none yet.
func (h *handles) handle(address string) int64 {
	number, known := h.numbers[address]
	if !known {
		number = int64(len(h.addresses))
		h.numbers[address] = number
		h.addresses = append(h.addresses, address)
	}
	return number
}

// address is that of a number.
func (h *handles) address(number int64) string { return h.addresses[number] }

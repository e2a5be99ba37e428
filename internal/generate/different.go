package generate

import "context"

// extraDraws bounds how many continuations WriteDifferent draws for each that it is to return.
const extraDraws = 8

// WriteDifferent writes up to n continuations of the prompt for a message by as whose messages differ in their texts. Where continuations repeat
// a text, it draws further ones, with their own random numbers, until n differ or extraDraws times n were drawn; greedy
// continuations are all the same, so it draws one. The first of them are those of Write with the same options. The stream
// counts the continuations of each round from 0.
func WriteDifferent(ctx context.Context, w Writer, c *Conversation, as string, n int, o Options, s Stream) ([]Continuation, error) {
	var different []Continuation
	seen := make(map[string]bool)
	start, limit := o.First, n*extraDraws
	if o.Temperature == 0 {
		limit = 1
	}
	for first := 0; len(different) < n && first < limit; {
		batch := min(n-len(different), limit-first)
		o.First = start + first
		written, err := w.Write(ctx, c, as, batch, o, s)
		if err != nil {
			return different, err
		}
		for i := range written {
			m, err := ParseContinuation(as, written[i].Text)
			if err != nil {
				return different, err
			}
			if !seen[m.Text] {
				seen[m.Text] = true
				different = append(different, written[i])
			}
		}
		first += batch
	}
	return different, nil
}

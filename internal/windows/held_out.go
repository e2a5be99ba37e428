package windows

// DefaultHeldOut is how many messages of a conversation are held out unless the options say otherwise.
const DefaultHeldOut = 10

// AutoStride returns the stride for windows of this many messages unless the options say otherwise: a quarter of the window, so that
// three quarters of it are before each target of a long conversation. docs/windows.md has the measurements.
func AutoStride(window int) int { return max(1, window/4) }

// leastToHoldOut is the number of messages from which on a conversation holds out DefaultHeldOut of them.
const leastToHoldOut = 60

// MessagesToHoldOut returns how many targets a conversation needs for n of them to be held out: 60, fewer in proportion if
// n is below the default, and never less than twice n.
func MessagesToHoldOut(n int) int {
	return max(2*n, min(leastToHoldOut, leastToHoldOut/DefaultHeldOut*n))
}

// splitRuns divides the runs of a conversation's targets: the last n targets are held out if there are enough. That does not
// depend on the windows.
func splitRuns(runs []targetRun, n int) (train, heldOut []targetRun) {
	var targets int64
	for _, r := range runs {
		targets += r.messages()
	}
	if n == 0 || targets < int64(MessagesToHoldOut(n)) {
		return runs, nil
	}
	left := targets - int64(n) // to train on
	for _, r := range runs {
		kept := min(left, r.messages())
		left -= kept
		if kept > 0 {
			train = append(train, targetRun{r.first, r.first + kept - 1})
		}
		if kept < r.messages() {
			heldOut = append(heldOut, targetRun{r.first + kept, r.last})
		}
	}
	return train, heldOut
}

// heldOutWindows is the number of windows at the end of a conversation that a window file holds out.
const heldOutWindows = 2

// lastWindows marks the last two windows of each conversation with more than two: the split of window files, and of databases
// whose windows were made before messages were held out. conversation returns that of each of n windows.
func lastWindows(n, conversations int, conversation func(i int) int) []bool {
	count := make([]int, conversations)
	for i := range n {
		count[conversation(i)]++
	}
	marked, seen := make([]bool, n), make([]int, conversations)
	for i := range n {
		c := conversation(i)
		seen[c]++
		marked[i] = count[c] > heldOutWindows && seen[c] > count[c]-heldOutWindows
	}
	return marked
}

package windows

import "slices"

// filteredList is a list without the windows of some conversations.
type filteredList struct {
	List
	kept []int // numbers in List
}

// Without returns the windows of a list without those of conversations that a person is a member of. Closing it closes the list.
func Without(list List, name string) List {
	w := &filteredList{List: list}
	for i := range list.Len() {
		if !slices.Contains(list.Conversations()[list.Conversation(i)], name) {
			w.kept = append(w.kept, i)
		}
	}
	return w
}

func (w *filteredList) Len() int                      { return len(w.kept) }
func (w *filteredList) Conversation(i int) int        { return w.List.Conversation(w.kept[i]) }
func (w *filteredList) Targets(i int) int             { return w.List.Targets(w.kept[i]) }
func (w *filteredList) HeldOut(i int) bool            { return w.List.HeldOut(w.kept[i]) }
func (w *filteredList) Window(i int) (*Window, error) { return w.List.Window(w.kept[i]) }
func (w *filteredList) Where(i int) string            { return w.List.Where(w.kept[i]) }

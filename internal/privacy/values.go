package privacy

// Value is a private value in a text, in its normalized form: a telephone number is the same however it is spelled.
type Value struct {
	Kind  Kind
	Value string
}

// Values returns the values that Text would replace, in order.
func (r *Redactor) Values(s string) (list []Value) {
	if !mayHold(s) {
		return nil
	}
	for _, found := range r.find(s) {
		list = append(list, Value{found.kind, found.value})
	}
	return list
}

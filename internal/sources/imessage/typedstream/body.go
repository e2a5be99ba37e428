package typedstream

// Body is an attributed string.
type Body struct {
	Text string
	Runs []Run // in order; their lengths add up to the text; none for a plain string
	// Replaced marks a body with bytes that are no UTF-8, for which U+FFFD stands.
	Replaced bool
}

// Run is a range of text with the same attributes.
type Run struct {
	Length     int // in UTF-16 units
	Attributes []Attribute
}

// Attribute is one entry of a run's dictionary.
type Attribute struct {
	Name  string
	Value Value
}

// Kind determines which field of a Value is set.
type Kind uint8

// The kinds of attribute values. Opaque is an object of a class that does not matter for messages: nil, dates,
// dictionaries, ….
const (
	Opaque Kind = iota
	String      // Text
	Int         // Int
	Float       // Float
	URL         // Text
	Data        // Data
)

// Value is the value of an attribute.
type Value struct {
	Kind  Kind
	Text  string
	Int   int64
	Float float64
	Data  []byte
}

// Get returns the value of the named attribute, or a value of kind Opaque if there is none.
func (r *Run) Get(name string) Value {
	for i := range r.Attributes {
		if r.Attributes[i].Name == name {
			return r.Attributes[i].Value
		}
	}
	return Value{}
}

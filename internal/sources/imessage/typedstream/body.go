package typedstream

// Body is an attributed string.
type Body struct {
	Text string
	Runs []Run // in order, together as long as the text; none for a plain string
}

// Run is a stretch of text with the same attributes.
type Run struct {
	Length     int // in UTF-16 units
	Attributes []Attribute
}

// Attribute is one entry of a run's dictionary.
type Attribute struct {
	Name  string
	Value Value
}

// Kind says which field of a Value holds it.
type Kind uint8

// What attributes hold. Opaque is an object of a class that is of no use to a message: nil, dates, dictionaries, ….
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

// Get returns the value of the named attribute, of kind Opaque if there is none.
func (r *Run) Get(name string) Value {
	for i := range r.Attributes {
		if r.Attributes[i].Name == name {
			return r.Attributes[i].Value
		}
	}
	return Value{}
}

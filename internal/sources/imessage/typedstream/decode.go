package typedstream

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"
)

// maxDepth limits how deeply objects may nest; real archives stay below ten.
const maxDepth = 200

// family is the use of an object, by its class or a superclass.
type family uint8

const (
	otherObject family = iota
	stringObject
	attributedObject
	dictionaryObject
	numberObject
	urlObject
	dataObject
	// Entries in the object table that are not objects.
	classEntry
	cstringEntry
)

// object is an entry of the object table.
type object struct {
	family family
	of     family  // classEntry: the family of its instances
	bytes  []byte  // string, data, C string
	text   string  // string, once converted from bytes
	isReal bool    // number
	int    int64   // number; dictionary: its index in spans plus one, once it has one
	real   float64 // number
	link   int32   // URL: its string; dictionary: its first pair, or none
}

// none is the reference to nil.
const none = -1

// pair is an entry of a dictionary and the index of the next one.
type pair struct{ key, value, next int32 }

// Decoder decodes one archive after another and reuses its memory: a Body is valid until the next call, but its strings
// stay valid. The zero value is ready to use.
type Decoder struct {
	stream
	objects    []object
	pairs      []pair
	runs       []rawRun
	ids        idTable
	attributes []Attribute
	spans      []span // of the dictionaries whose attributes were built
	body       Body
	names      map[string]string
	depth      int
}

// rawRun is a run before the lookup of its dictionary.
type rawRun struct {
	id     int64
	length int
}

// ErrNoString reports an archive of something else than a string: it holds no text of a message.
var ErrNoString = errors.New("the archive holds no string")

// Decode decodes one archive. An error includes the position of the first invalid byte; Scan may still find the text.
func (d *Decoder) Decode(data []byte) (*Body, error) {
	d.reset(data)
	if !bytes.HasPrefix(data, header) {
		return nil, errors.New("not a typedstream")
	}
	d.pos = len(header)
	root, err := d.root()
	if err != nil {
		return nil, err
	}
	switch o := &d.objects[root]; o.family {
	case stringObject:
		d.body.Text = d.string(root)
	case attributedObject:
		if o.link != none {
			d.body.Text = d.string(o.link)
		}
		d.resolve()
	default:
		return nil, ErrNoString
	}
	return &d.body, nil
}

func (d *Decoder) reset(data []byte) {
	d.stream.data, d.stream.pos, d.stream.strings = data, 0, d.stream.strings[:0]
	d.objects, d.pairs, d.runs, d.attributes = d.objects[:0], d.pairs[:0], d.runs[:0], d.attributes[:0]
	d.ids.list, d.ids.others, d.spans = d.ids.list[:0], nil, d.spans[:0]
	d.body.Text, d.body.Runs, d.body.Replaced = "", d.body.Runs[:0], false
	d.depth = 0
}

// root reads the first object of the archive.
func (d *Decoder) root() (int32, error) {
	var g group
	var v scalar
	for {
		more, err := d.next(&g, &v)
		if err != nil {
			return none, err
		}
		if !more {
			return none, errors.New("the archive is empty")
		}
		if v.kind == objectScalar && v.ref != none {
			return v.ref, nil
		}
	}
}

// object reads an object or a reference to one.
func (d *Decoder) object() (int32, error) {
	b, err := d.peek()
	if err != nil {
		return none, err
	}
	switch b {
	case tagNil:
		d.pos++
		return none, nil
	case tagNew:
		d.pos++
		return d.newObject()
	}
	n, err := d.reference(len(d.objects))
	if err == nil && d.objects[n].family >= classEntry {
		err = d.fail("reference to %d, which is no object", n)
	}
	return int32(n), err
}

func (d *Decoder) newObject() (int32, error) {
	if d.depth++; d.depth > maxDepth {
		return none, d.fail("objects nest too deep")
	}
	defer func() { d.depth-- }()
	n := int32(len(d.objects))
	d.objects = append(d.objects, object{link: none})
	class, err := d.class()
	if err != nil {
		return none, err
	}
	f := otherObject
	if class != none {
		f = d.objects[class].of
	}
	d.objects[n].family = f
	switch f {
	case attributedObject:
		err = d.attributed(n)
	case dictionaryObject:
		err = d.dictionary(n)
	default:
		err = d.simple(n)
	}
	return n, err
}

// class reads a class and its superclasses.
func (d *Decoder) class() (int32, error) {
	b, err := d.peek()
	if err != nil {
		return none, err
	}
	switch b {
	case tagNil:
		d.pos++
		return none, nil
	case tagNew:
		d.pos++
	default:
		n, err := d.reference(len(d.objects))
		if err == nil && d.objects[n].family != classEntry {
			err = d.fail("reference to %d, which is no class", n)
		}
		return int32(n), err
	}
	if d.depth++; d.depth > maxDepth {
		return none, d.fail("classes nest too deep")
	}
	defer func() { d.depth-- }()
	name, err := d.shared()
	if err != nil {
		return none, err
	}
	if _, err := d.int(); err != nil { // version
		return none, err
	}
	n := int32(len(d.objects))
	d.objects = append(d.objects, object{family: classEntry})
	super, err := d.class()
	if err != nil {
		return none, err
	}
	of, known := familyOf(name)
	if !known && super != none {
		of = d.objects[super].of
	}
	d.objects[n].of = of
	return n, nil
}

func familyOf(class []byte) (f family, known bool) {
	switch string(class) {
	case "NSString", "NSMutableString":
		return stringObject, true
	case "NSAttributedString", "NSMutableAttributedString":
		return attributedObject, true
	case "NSDictionary", "NSMutableDictionary":
		return dictionaryObject, true
	case "NSNumber":
		return numberObject, true
	case "NSDecimalNumber":
		return otherObject, true
	case "NSURL":
		return urlObject, true
	case "NSData", "NSMutableData":
		return dataObject, true
	}
	return otherObject, false
}

// simple reads an object that is a single value or is not used.
func (d *Decoder) simple(n int32) error {
	var g group
	var v scalar
	for i := 0; ; i++ {
		more, err := d.next(&g, &v)
		if err != nil || !more {
			return err
		}
		o := &d.objects[n]
		switch {
		case v.kind == bytesScalar && (o.family == stringObject || o.family == dataObject):
			o.bytes = v.bytes
		case o.family == urlObject && v.kind == objectScalar:
			o.link = v.ref
		case o.family == numberObject && v.kind == intScalar:
			o.int, o.isReal = v.int, false
		case o.family == numberObject && v.kind == realScalar:
			o.real, o.isReal = v.real, true
		}
	}
}

// dictionary reads pairs of objects after their count, which is redundant because the dictionary has an end mark.
func (d *Decoder) dictionary(n int32) error {
	var g group
	var v scalar
	key, last, expectValue := int32(none), int32(none), false
	for {
		more, err := d.next(&g, &v)
		if err != nil || !more {
			return err
		}
		if v.kind != objectScalar {
			continue
		}
		if !expectValue {
			key, expectValue = v.ref, true
			continue
		}
		expectValue = false
		d.pairs = append(d.pairs, pair{key, v.ref, none})
		this := int32(len(d.pairs) - 1)
		if last == none {
			d.objects[n].link = this
		} else {
			d.pairs[last].next = this
		}
		last = this
	}
}

// string returns the text of a string object. Invalid UTF-8 becomes U+FFFD.
func (d *Decoder) string(n int32) string {
	o := &d.objects[n]
	if o.family != stringObject {
		return ""
	}
	if o.text == "" && len(o.bytes) > 0 {
		if o.text = string(o.bytes); !utf8.ValidString(o.text) {
			o.text = strings.ToValidUTF8(o.text, "\uFFFD")
			d.body.Replaced = true
		}
	}
	return o.text
}

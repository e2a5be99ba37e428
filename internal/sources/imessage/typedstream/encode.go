package typedstream

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Encode writes a body in the same form as Apple's Messages: an NSMutableAttributedString with its runs in order and a
// shared dictionary for equal runs. Attribute values may have any kind of [Value] except Opaque. If the runs do not add
// up to the text, they are written unchanged.
func Encode(body *Body) []byte {
	e := newEncoder()
	e.types("@")
	e.open("NSMutableAttributedString")
	e.types("@")
	e.string("NSMutableString", body.Text)
	known := map[string]int{}
	for _, run := range body.Runs {
		key := attributesKey(run.Attributes)
		id, repeated := known[key]
		if !repeated {
			id = len(known) + 1
			known[key] = id
		}
		e.types("iI")
		e.int(int64(id))
		e.int(int64(run.Length))
		if !repeated {
			e.types("@")
			e.dictionary(run.Attributes)
		}
	}
	e.close()
	return e.out
}

// EncodeString writes an archive whose root is a plain string.
func EncodeString(text string) []byte {
	e := newEncoder()
	e.types("@")
	e.string("NSString", text)
	return e.out
}

// Length16 returns the length of a text in UTF-16 units, the unit of a run's length.
func Length16(text string) int {
	n := 0
	for _, r := range text {
		n += utf16Len(r)
	}
	return n
}

func utf16Len(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// class describes a class in an archive: its version and its superclasses.
type class struct {
	version int64
	super   string
}

var classes = map[string]class{
	"NSObject":                  {0, ""},
	"NSString":                  {1, "NSObject"},
	"NSMutableString":           {1, "NSString"},
	"NSAttributedString":        {0, "NSObject"},
	"NSMutableAttributedString": {0, "NSAttributedString"},
	"NSDictionary":              {0, "NSObject"},
	"NSValue":                   {0, "NSObject"},
	"NSNumber":                  {0, "NSValue"},
	"NSURL":                     {0, "NSObject"},
	"NSData":                    {0, "NSObject"},
}

// encoder numbers strings and objects while it writes the archive.
type encoder struct {
	out      []byte
	strings  map[string]int // type encodings and class names
	objects  int            // numbers assigned so far to objects, classes and C strings
	classes  map[string]int
	cstrings map[string]int
	shared   map[string]int // archived NSStrings and NSNumbers, by kind and value
}

func newEncoder() *encoder {
	e := &encoder{strings: map[string]int{}, classes: map[string]int{}, cstrings: map[string]int{}, shared: map[string]int{}}
	e.out = append(e.out, 4)
	e.raw("streamtyped")
	e.int(1000)
	return e
}

func (e *encoder) int(n int64) {
	switch {
	case n >= -110 && n <= 127:
		e.out = append(e.out, byte(n))
	case n == int64(int16(n)):
		e.out = binary.LittleEndian.AppendUint16(append(e.out, tagInt16), uint16(n))
	case n == int64(int32(n)):
		e.out = binary.LittleEndian.AppendUint32(append(e.out, tagInt32), uint32(n))
	default:
		e.out = binary.LittleEndian.AppendUint64(append(e.out, tagInt64), uint64(n))
	}
}

func (e *encoder) raw(s string) {
	e.int(int64(len(s)))
	e.out = append(e.out, s...)
}

func (e *encoder) ref(number int) { e.int(int64(number) - refBase) }

// types writes the types of the next group of values.
func (e *encoder) types(s string) {
	if number, known := e.strings[s]; known {
		e.ref(number)
		return
	}
	e.strings[s] = len(e.strings)
	e.out = append(e.out, tagNew)
	e.raw(s)
}

func (e *encoder) class(name string) {
	if name == "" {
		e.out = append(e.out, tagNil)
		return
	}
	if number, known := e.classes[name]; known {
		e.ref(number)
		return
	}
	e.out = append(e.out, tagNew)
	e.types(name)
	e.int(classes[name].version)
	e.classes[name] = e.objects
	e.objects++
	e.class(classes[name].super)
}

// open starts an object and returns its number.
func (e *encoder) open(className string) int {
	number := e.objects
	e.objects++
	e.out = append(e.out, tagNew)
	e.class(className)
	return number
}

func (e *encoder) close() { e.out = append(e.out, tagEnd) }

// reuse writes a reference to an object that was archived earlier under the same key, and reports whether there is one.
func (e *encoder) reuse(key string) bool {
	number, known := e.shared[key]
	if known {
		e.ref(number)
	}
	return known
}

func (e *encoder) string(className, s string) {
	key := className + ":" + s
	if e.reuse(key) {
		return
	}
	e.shared[key] = e.open(className)
	e.types("+")
	e.raw(s)
	e.close()
}

func (e *encoder) cstring(s string) {
	if number, known := e.cstrings[s]; known {
		e.ref(number)
		return
	}
	e.cstrings[s] = e.objects
	e.objects++
	e.out = append(e.out, tagNew)
	e.types(s)
}

func (e *encoder) dictionary(attributes []Attribute) {
	e.open("NSDictionary")
	e.types("i")
	e.int(int64(len(attributes)))
	for i := range attributes {
		e.types("@")
		e.string("NSString", attributes[i].Name)
		e.types("@")
		e.value(&attributes[i].Value)
	}
	e.close()
}

func (e *encoder) value(v *Value) {
	switch v.Kind {
	case String:
		e.string("NSString", v.Text)
	case Int:
		e.number(v)
	case Float:
		e.open("NSNumber")
		e.types("*")
		e.cstring("d")
		e.types("d")
		e.float(v.Float)
		e.close()
	case URL:
		e.open("NSURL")
		e.types("c")
		e.out = append(e.out, 0)
		e.types("@")
		e.string("NSString", v.Text)
		e.close()
	case Data:
		e.open("NSData")
		e.types("i")
		e.int(int64(len(v.Data)))
		e.types("[" + strconv.Itoa(len(v.Data)) + "c]")
		e.out = append(e.out, v.Data...)
		e.close()
	default:
		e.out = append(e.out, tagNil)
	}
}

// number writes integers as Apple does: with type i, or q if the value does not fit.
func (e *encoder) number(v *Value) {
	key := "NSNumber:" + strconv.FormatInt(v.Int, 10)
	if e.reuse(key) {
		return
	}
	types := "i"
	if v.Int != int64(int32(v.Int)) {
		types = "q"
	}
	e.shared[key] = e.open("NSNumber")
	e.types("*")
	e.cstring(types)
	e.types(types)
	e.int(v.Int)
	e.close()
}

func (e *encoder) float(f float64) {
	if f == math.Trunc(f) && math.Abs(f) < 1<<31 {
		e.int(int64(f))
		return
	}
	e.out = binary.LittleEndian.AppendUint64(append(e.out, tagFloat), math.Float64bits(f))
}

// attributesKey returns a key that is equal for equal lists of attributes.
func attributesKey(attributes []Attribute) string {
	var key []byte
	for i := range attributes {
		a := &attributes[i]
		key = strconv.AppendQuote(key, a.Name)
		key = append(key, byte(a.Value.Kind))
		key = strconv.AppendQuote(key, a.Value.Text)
		key = strconv.AppendInt(key, a.Value.Int, 10)
		key = strconv.AppendUint(key, math.Float64bits(a.Value.Float), 16)
		key = strconv.AppendQuote(key, string(a.Value.Data))
	}
	return string(key)
}

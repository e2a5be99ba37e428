package typedstream

// scalarKind determines which field of a scalar is set.
type scalarKind uint8

const (
	otherScalar  scalarKind = iota // a class, a selector, nil
	intScalar                      // int
	realScalar                     // real
	bytesScalar                    // bytes
	objectScalar                   // ref
)

// scalar is one value in a group.
type scalar struct {
	kind  scalarKind
	int   int64
	real  float64
	bytes []byte
	ref   int32
}

// group holds the remaining types of a group of values. The zero value is the state between groups.
type group struct {
	types []byte
	// An array whose elements are not bytes is read element by element: the remaining count and the element type.
	repeat  int
	element []byte
}

// maxTypes limits the length of a type encoding; real ones have a few characters.
const maxTypes = 4096

// next reads the next value of an object; more is false after the last one.
func (d *Decoder) next(g *group, v *scalar) (more bool, err error) {
	for len(g.types) == 0 && g.repeat == 0 {
		b, err := d.peek()
		if err != nil {
			return false, err
		}
		if b == tagEnd {
			d.pos++
			return false, nil
		}
		if g.types, err = d.shared(); err != nil {
			return false, err
		}
		if len(g.types) > maxTypes {
			return false, d.fail("type encoding of %d bytes", len(g.types))
		}
	}
	if g.repeat > 0 {
		g.repeat--
		return true, d.value(g, g.element, v)
	}
	var t []byte
	t, g.types, err = nextType(g.types)
	if err != nil {
		return false, d.fail("%v", err)
	}
	return true, d.value(g, t, v)
}

// value reads one value of type t. The fields of a struct are left in the group and are read one by one.
func (d *Decoder) value(g *group, t []byte, v *scalar) (err error) {
	v.kind = otherScalar
	switch t[0] {
	case '@':
		v.kind = objectScalar
		v.ref, err = d.object()
	case '+':
		v.kind = bytesScalar
		v.bytes, err = d.raw()
	case '*':
		_, err = d.cstring()
	case 'c', 'C', 'B':
		var b []byte
		if b, err = d.take(1); err == nil {
			v.kind, v.int = intScalar, int64(int8(b[0]))
			if t[0] != 'c' {
				v.int = int64(b[0])
			}
		}
	case 's', 'S', 'i', 'I', 'l', 'L', 'q', 'Q':
		v.kind = intScalar
		if t[0] < 'a' {
			v.int, err = d.unsigned()
		} else {
			v.int, err = d.int()
		}
	case 'f':
		v.kind = realScalar
		v.real, err = d.float(4)
	case 'd':
		v.kind = realScalar
		v.real, err = d.float(8)
	case '#':
		_, err = d.class()
	case ':', '%':
		_, err = d.shared()
	case '[':
		err = d.array(g, t, v)
	case '{':
		err = d.structure(g, t)
	default:
		err = d.fail("type %q is unknown", t)
	}
	return err
}

// cstring reads a C string, or a reference to one.
func (d *Decoder) cstring() ([]byte, error) {
	b, err := d.peek()
	if err != nil {
		return nil, err
	}
	switch b {
	case tagNil:
		d.pos++
		return nil, nil
	case tagNew:
		d.pos++
		text, err := d.shared()
		d.objects = append(d.objects, object{family: cstringEntry, bytes: text})
		return text, err
	}
	n, err := d.reference(len(d.objects))
	if err != nil {
		return nil, err
	}
	if d.objects[n].family != cstringEntry {
		return nil, d.fail("reference to %d, which is no C string", n)
	}
	return d.objects[n].bytes, nil
}

// array reads an array of bytes as a whole and leaves elements of other types in the group.
func (d *Decoder) array(g *group, t []byte, v *scalar) error {
	count, element, err := arrayType(t)
	if err != nil {
		return d.fail("%v", err)
	}
	if len(element) == 1 && (element[0] == 'c' || element[0] == 'C') {
		v.kind = bytesScalar
		v.bytes, err = d.take(count)
		return err
	}
	if g.repeat > 0 || count > len(d.data)-d.pos {
		return d.fail("array %q is too large", t)
	}
	g.repeat, g.element = count, element
	return nil
}

// structure puts the fields of a struct in front of the rest of the group.
func (d *Decoder) structure(g *group, t []byte) error {
	fields := structFields(t)
	if g.repeat > 0 {
		return d.fail("array of %q", t)
	}
	g.types = append(append([]byte(nil), fields...), g.types...)
	return nil
}

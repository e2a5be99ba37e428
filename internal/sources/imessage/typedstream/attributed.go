package typedstream

// idTable finds the dictionary of an attribute ID. Real archives number them 1, 2, 3, ….
type idTable struct {
	list   []int32
	others map[int64]int32
}

func (t *idTable) set(id int64, dictionary int32) {
	if id == int64(len(t.list))+1 {
		t.list = append(t.list, dictionary)
		return
	}
	if t.others == nil {
		t.others = map[int64]int32{}
	}
	t.others[id] = dictionary
}

func (t *idTable) get(id int64) int32 {
	if id >= 1 && id <= int64(len(t.list)) {
		return t.list[id-1]
	}
	if dictionary, known := t.others[id]; known {
		return dictionary
	}
	return none
}

// attributed reads a string and the runs over it. Each run has the ID of its dictionary and its length, and the first use
// of an ID is followed by the dictionary. Only the runs of the root are kept.
func (d *Decoder) attributed(n int32) error {
	var g group
	var v scalar
	isRoot := n == 0
	hasString, hasID, id := false, false, int64(0)
	for {
		more, err := d.next(&g, &v)
		if err != nil || !more {
			return err
		}
		switch {
		case v.kind == objectScalar && !hasString:
			d.objects[n].link, hasString = v.ref, true
		case v.kind == objectScalar && isRoot:
			d.ids.set(id, v.ref)
		case v.kind == intScalar && !hasID:
			id, hasID = v.int, true
		case v.kind == intScalar:
			hasID = false
			if v.int < 0 || v.int > int64(len(d.data)) {
				return d.fail("run of length %d", v.int)
			}
			if isRoot {
				d.runs = append(d.runs, rawRun{id, int(v.int)})
			}
		}
	}
}

// span is a range of Decoder.attributes.
type span struct{ from, to int }

// resolve builds the body's runs from the decoded data.
func (d *Decoder) resolve() {
	for _, raw := range d.runs {
		run := Run{Length: raw.length}
		if dictionary := d.ids.get(raw.id); dictionary != none {
			s := d.span(dictionary)
			run.Attributes = d.attributes[s.from:s.to:s.to]
		}
		d.body.Runs = append(d.body.Runs, run)
	}
}

// span returns the attributes of a dictionary and builds them only once.
func (d *Decoder) span(dictionary int32) span {
	o := &d.objects[dictionary]
	if o.family != dictionaryObject {
		return span{}
	}
	if o.int > 0 {
		return d.spans[o.int-1]
	}
	s := span{from: len(d.attributes)}
	for at := o.link; at != none; at = d.pairs[at].next {
		p := &d.pairs[at]
		if p.key == none || d.objects[p.key].family != stringObject {
			continue
		}
		d.attributes = append(d.attributes, Attribute{Name: d.name(p.key), Value: d.attributeValue(p.value)})
	}
	s.to = len(d.attributes)
	d.spans = append(d.spans, s)
	o.int = int64(len(d.spans))
	return s
}

// name returns the text of a string object, without allocating the same names again for every archive.
func (d *Decoder) name(n int32) string {
	o := &d.objects[n]
	if name, known := d.names[string(o.bytes)]; known {
		return name
	}
	name := d.string(n)
	const enough = 1000 // Apple uses about thirty; names may come from a hostile sender
	if d.names == nil || len(d.names) > enough {
		d.names = make(map[string]string)
	}
	d.names[name] = name
	return name
}

func (d *Decoder) attributeValue(n int32) Value {
	if n == none {
		return Value{}
	}
	switch o := &d.objects[n]; o.family {
	case stringObject:
		return Value{Kind: String, Text: d.string(n)}
	case numberObject:
		if o.isReal {
			return Value{Kind: Float, Float: o.real}
		}
		return Value{Kind: Int, Int: o.int}
	case urlObject:
		if o.link != none {
			return Value{Kind: URL, Text: d.string(o.link)}
		}
	case dataObject:
		return Value{Kind: Data, Data: o.bytes}
	}
	return Value{}
}

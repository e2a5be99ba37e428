// Package htmlstream reads exports in HTML that may be larger than memory, and damaged.
//
// In: a reader. Out: the elements that the caller asks for, one at a time, each as a small tree. It must not know any export's format.
//
// An element that another asked-for element interrupts, or the end of the file, is damaged: it costs itself, and reading goes on.
package htmlstream

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html"
)

const deepest = 200 // levels of an element; what is deeper becomes siblings

// ErrCutOff matches the error of a file that ends before its HTML does.
var ErrCutOff = errors.New("the file ends before its HTML does: it was not written or copied to its end")

// Node is an element, or a text, whose Tag is empty.
type Node struct {
	Tag      string
	Text     string
	Line     int // of an element that is passed to Visit or Damaged
	Children []*Node
	attrs    []Attribute
	class    string
}

// Attribute is an attribute of an element.
type Attribute struct{ Key, Value string }

// Attr returns the value of an attribute, "" if there is none.
func (n *Node) Attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.attrs {
		if a.Key == name {
			return a.Value
		}
	}
	return ""
}

// Is reports whether an element has all these classes.
func (n *Node) Is(classes ...string) bool {
	if n == nil || n.Tag == "" {
		return false
	}
	own := n.class
	for _, class := range classes {
		if !hasWord(own, class) {
			return false
		}
	}
	return true
}

// hasWord reports whether a word is among those of a text, without allocating: every element of a page is asked for its classes.
func hasWord(text, word string) bool {
	for from := 0; from < len(text); {
		end := from
		for end < len(text) && text[end] > ' ' {
			end++
		}
		if text[from:end] == word {
			return true
		}
		from = end + 1
	}
	return false
}

// Child returns the first child that has all these classes, or nil.
func (n *Node) Child(classes ...string) *Node {
	if n == nil {
		return nil
	}
	for _, child := range n.Children {
		if child.Is(classes...) {
			return child
		}
	}
	return nil
}

// Elements returns the children that have all these classes.
func (n *Node) Elements(classes ...string) (list []*Node) {
	if n == nil {
		return nil
	}
	for _, child := range n.Children {
		if child.Is(classes...) {
			list = append(list, child)
		}
	}
	return list
}

// Find returns the first element below n that has all these classes, in the order of the file, or nil.
func (n *Node) Find(classes ...string) *Node {
	return n.First(func(e *Node) bool { return e.Is(classes...) })
}

// First returns the first element below n that matches, or nil.
func (n *Node) First(matches func(*Node) bool) *Node {
	if n == nil {
		return nil
	}
	for _, child := range n.Children {
		if child.Tag != "" && matches(child) {
			return child
		}
		if found := child.First(matches); found != nil {
			return found
		}
	}
	return nil
}

// Words returns the text of an element, with a line break for each <br>.
func (n *Node) Words() string {
	if n == nil {
		return ""
	}
	var out strings.Builder
	n.write(&out)
	return out.String()
}

func (n *Node) write(out *strings.Builder) {
	switch n.Tag {
	case "":
		out.WriteString(n.Text)
	case "br":
		out.WriteByte('\n')
	}
	for _, child := range n.Children {
		child.write(out)
	}
}

// Handler receives the elements of a document. An element is valid until the function that takes it returns: the next one overwrites it.
type Handler struct {
	// Wants reports whether an element is to be passed to Visit, by its tag and attributes.
	Wants func(n *Node) bool
	Visit func(n *Node) error
	// Damaged takes an element that is not whole, and why; nil to ignore it.
	Damaged func(n *Node, err error)
}

// Read reads a document. Elements of more than most bytes are damaged. The error of a cut-off document matches ErrCutOff.
func Read(in io.Reader, most int, h Handler) error {
	r := reader{Handler: h, most: most, tokens: newScanner(in, most)}
	for {
		kind := r.tokens.scan()
		r.size += r.tokens.size()
		if kind == html.ErrorToken {
			return r.end(r.tokens.err)
		}
		if err := r.token(kind); err != nil {
			return err
		}
	}
}

// reader builds the trees of wanted elements.
type reader struct {
	Handler
	tokens     *scanner
	most, size int
	open       []*Node // the wanted element, and those open in it
	closed     bool    // </html> was read
	large      bool    // the wanted element is beyond the limit
	nodes      [][]Node
	used       int               // of nodes
	known      [mostKnown]string // short texts, one of those with the same slot
}

// nodesAtOnce is how many nodes are allocated at once.
const nodesAtOnce = 64

// node returns the next node, empty. Those of former elements are used again.
func (r *reader) node() *Node {
	if r.large { // what it holds is not kept
		return &Node{}
	}
	if r.used == len(r.nodes)*nodesAtOnce {
		r.nodes = append(r.nodes, make([]Node, nodesAtOnce))
	}
	n := &r.nodes[r.used/nodesAtOnce][r.used%nodesAtOnce]
	r.used++
	*n = Node{Children: n.Children[:0], attrs: n.attrs[:0]}
	return n
}

// release makes the nodes of an element free. Only those of an element of usual size are kept.
func (r *reader) release() {
	const most = 64
	if r.used = 0; len(r.nodes) > most {
		r.nodes = r.nodes[:1:1]
	}
}

// The limits of texts that are kept.
const (
	longestKnown = 64
	mostKnown    = 1024
)

// text returns a text as a string, which is the same one for short texts that occur often.
func (r *reader) text(b []byte) string {
	n := len(b)
	if n == 0 || n > longestKnown {
		return string(b)
	}
	known := &r.known[(n*31+int(b[0])*7+int(b[n/2])*13+int(b[n-1])*3)%mostKnown]
	if *known != string(b) {
		*known = string(b)
	}
	return *known
}

func (r *reader) end(err error) error {
	switch {
	case errors.Is(err, html.ErrBufferExceeded):
		return fmt.Errorf("line %d: a tag or a text has more than %d MiB", r.tokens.lineOf(), r.most>>20)
	case !errors.Is(err, io.EOF):
		return err
	}
	r.interrupt(ErrCutOff)
	if !r.closed {
		return ErrCutOff
	}
	return nil
}

// interrupt gives up an element that is open.
func (r *reader) interrupt(err error) {
	if len(r.open) > 0 && r.Damaged != nil {
		r.Damaged(r.open[0], err)
	}
	r.open, r.large = nil, false
}

func (r *reader) token(kind html.TokenType) error {
	switch kind {
	case html.TextToken:
		if len(r.open) > 0 && !r.large {
			n := r.node()
			n.Text = r.text(r.tokens.words())
			r.add(n)
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		return r.start(kind == html.SelfClosingTagToken)
	case html.EndTagToken:
		return r.close(r.tokens.name)
	}
	return nil
}

func (r *reader) add(n *Node) {
	if r.size > r.most {
		r.large = true
		r.open[0].Children = nil
		return
	}
	top := r.open[len(r.open)-1]
	top.Children = append(top.Children, n)
}

func (r *reader) start(childless bool) error {
	if len(r.open) == 0 {
		r.release()
	}
	n := r.node()
	n.Tag = r.text(r.tokens.name)
	for _, a := range r.tokens.attrs {
		n.attrs = append(n.attrs, Attribute{Key: r.text(a.key), Value: r.text(a.value)})
		if string(a.key) == "class" {
			n.class = n.attrs[len(n.attrs)-1].Value
		}
	}
	childless = childless || isVoid(n.Tag)
	if r.Wants(n) {
		if len(r.open) > 0 {
			r.interrupt(errors.New("it does not end before the next one"))
		}
		r.size, n.Line = 0, r.tokens.lineOf()
		if childless {
			return r.Visit(n)
		}
		r.open = append(r.open, n)
		return nil
	}
	if len(r.open) == 0 {
		return nil
	}
	if !r.large {
		r.add(n)
	}
	if !childless && len(r.open) < deepest {
		r.open = append(r.open, n)
	}
	return nil
}

func (r *reader) close(tag []byte) error {
	r.closed = r.closed || string(tag) == "html"
	for i := len(r.open) - 1; i >= 0; i-- {
		if r.open[i].Tag != string(tag) {
			continue
		}
		whole := r.open[0]
		if r.open = r.open[:i]; i > 0 {
			return nil
		}
		if r.large {
			r.open = []*Node{whole}
			r.interrupt(fmt.Errorf("it has more than %d MiB", r.most>>20))
			return nil
		}
		return r.Visit(whole)
	}
	return nil
}

// isVoid reports whether elements of this tag have no content and no end tag.
func isVoid(tag string) bool {
	switch tag {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr":
		return true
	}
	return false
}

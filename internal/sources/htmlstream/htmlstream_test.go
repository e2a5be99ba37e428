package htmlstream_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/sources/htmlstream"
)

// read returns the words of the elements of class m, and the damage.
func read(document string, most int) (words, damage []string, err error) {
	err = htmlstream.Read(strings.NewReader(document), most, htmlstream.Handler{
		Wants: func(n *htmlstream.Node) bool { return n.Is("m") },
		Visit: func(n *htmlstream.Node) error {
			words = append(words, n.Words())
			return nil
		},
		Damaged: func(n *htmlstream.Node, err error) { damage = append(damage, fmt.Sprintf("%d: %v", n.Line, err)) },
	})
	return words, damage, err
}

func TestRead(t *testing.T) {
	t.Parallel()
	words, damage, err := read("<html><body>a<div class=\"x m\">b<br/>c &amp; <b>d</i></b><img src=x>e</div>f\n<p class=m>g</p></body></html>", 1<<10)
	if err != nil || len(damage) > 0 || !slices.Equal(words, []string{"b\nc & de", "g"}) {
		t.Errorf("words are %q, damage %q (%v)", words, damage, err)
	}
}

// Damage costs the element that holds it.
func TestRead_Damage(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<i>x</i>", 200)
	for name, c := range map[string]struct {
		document      string
		words, damage []string
		cut           bool
	}{
		"Interrupted": {"<html>\n<p class=m>a\n<p class=m>b</p></html>", []string{"b"}, []string{"2: it does not end before the next one"}, false},
		"Large":       {"<html><p class=m>" + long + "</p>\n<p class=m>b</p></html>", []string{"b"}, []string{"1: it has more than 0 MiB"}, false},
		"CutOff":      {"<html><p class=m>a</p><p class=m>b", []string{"a"}, []string{"1: " + htmlstream.ErrCutOff.Error()}, true},
		"NoEnd":       {"<html><p class=m>a</p>", []string{"a"}, nil, true},
	} {
		words, damage, err := read(c.document, 1<<10)
		if !slices.Equal(words, c.words) || !slices.Equal(damage, c.damage) || errors.Is(err, htmlstream.ErrCutOff) != c.cut {
			t.Errorf("%s: words are %q, damage %q (%v)", name, words, damage, err)
		}
	}
}

func TestNode_Find(t *testing.T) {
	t.Parallel()
	err := htmlstream.Read(strings.NewReader(`<html><div class=m><p><b class="x y" id=1>one</b></p><b class=x id=2>two</b></div></html>`), 1<<10, htmlstream.Handler{
		Wants: func(n *htmlstream.Node) bool { return n.Is("m") },
		Visit: func(n *htmlstream.Node) error {
			if n.Find("x").Attr("id") != "1" || n.Child("x").Attr("id") != "2" || n.Find("x", "y").Words() != "one" || n.Child("y") != nil || n.Child("y").Words() != "" {
				t.Error("elements are not found")
			}
			return nil
		},
	})
	if err != nil {
		t.Error(err)
	}
}

// Package canary plants random sentences among the windows of a run, so that an evaluation can tell how much the adapter remembers of
// what it read once, and of what it read several times.
//
// In: a windows.List, a seed; the path of a File. Out: a List with further windows, the File, random sentences to compare with, and a
// Report. It must not know: models, training, the command line.
//
// Each sentence is of words that are drawn at random, so that a model can only prefer it to other such sentences if it remembers it
// (Carlini et al., "The Secret Sharer", 2019).
package canary

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/jsonfields"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/windows"
)

// Most is how many sentences may be planted.
const Most = 1000

// mark is how each sentence begins, so that people recognize one.
const mark = "canary: "

// wordsInSentence makes 2^42 sentences of 128 words.
const wordsInSentence = 6

var words = strings.Fields(`acid acorn alley amber anchor anvil apron arrow attic autumn bacon badge balcony bamboo banjo barrel basket beacon beetle bishop
blanket bonnet bottle bracket brick bridge bronze bucket butter button cabin cactus camel candle canoe canvas carpet carrot castle cellar chalk cherry
chimney cider cinema circus clover cobalt coffee comet copper coral cotton cradle crayon cricket crystal curtain daisy desert diamond dolphin donkey
dragon drawer eagle elbow ember engine fabric falcon feather fiddle flannel flute forest fossil fountain garlic ginger glacier goblet granite guitar
hammer harbor hazel helmet hermit honey island ivory jacket jasmine jungle kettle ladder lantern lemon lizard magnet maple marble meadow mirror
monkey mustard needle nickel oasis olive orchid otter oyster paddle parrot pebble pepper pillow planet pocket pumpkin quartz rabbit ribbon rocket
saddle satin`)

// sentence draws a sentence.
func sentence(r *rand.Rand) string {
	drawn := make([]string, wordsInSentence)
	for i := range drawn {
		drawn[i] = words[r.IntN(len(words))]
	}
	return mark + strings.Join(drawn, " ")
}

// Alternatives returns n sentences that were not planted. They differ from those of other seeds.
func Alternatives(n int, seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, alternativesStream))
	list := make([]string, n)
	for i := range list {
		list[i] = sentence(r)
	}
	return list
}

// The streams of random numbers: planted sentences, and those to compare with.
const (
	plantedStream      = 0xca4a51
	alternativesStream = 0xca4a52
)

// times are how often the planted sentences are in the windows, in turn.
var times = []int{1, 2, 4, 8}

// Canary is a planted sentence.
type Canary struct {
	Text    string   `json:"text"`
	Times   int      `json:"times"`   // windows that end in it, each read once per epoch
	Type    string   `json:"type"`    // of the conversation that it is planted in: "dm" or "group"
	Members []string `json:"members"` // of the conversation that it is planted in
	Name    string   `json:"name"`    // who says it there
	Start   string   `json:"start"`   // of the windows
}

// Message returns the message of the windows.
func (c *Canary) Message() *windows.Message {
	return &windows.Message{Name: c.Name, Delta: windows.Deltas[0], ContentType: "text", Text: c.Text}
}

// File is the record of what was planted.
type File struct {
	Version  int      `json:"version"`
	Note     string   `json:"note"`
	Seed     uint64   `json:"seed"`
	Canaries []Canary `json:"canaries"`
}

const version = 1

// errForeign marks a file that is not of this version of the program.
var errForeign = errors.New("not a record of planted sentences")

const note = "Nobody wrote these sentences: vqctl planted them among the training windows, to measure what the adapter remembers."

// Plant returns the windows with n sentences planted among those to train on, and their record. The same list and seed give the same.
// Each window with one has no other message, and is of a conversation that is trained on.
func Plant(list windows.List, n int, seed uint64) (windows.List, *File, error) {
	train, _ := windows.Split(list)
	if len(train) == 0 {
		return list, nil, nil
	}
	r := rand.New(rand.NewPCG(seed, plantedStream))
	f := &File{Version: version, Note: note, Seed: seed}
	p := &planted{List: list}
	for i := range n {
		at := train[r.IntN(len(train))]
		w, err := list.Window(at)
		if err != nil {
			return nil, nil, err
		}
		header, err := windows.ParseHeader(w.Header)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", list.Where(at), err)
		}
		said, err := windows.ParseMessage(w.Lines[len(w.Lines)-1].Text)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", list.Where(at), err)
		}
		c := Canary{Text: sentence(r), Times: times[i%len(times)], Type: header.Type, Members: header.Members, Name: said.Name, Start: header.Start}
		f.Canaries = append(f.Canaries, c)
		line := windows.Line{ID: list.Lines() + i, Text: windows.AppendMessage(nil, c.Message())}
		for range c.Times {
			p.added = append(p.added, &windows.Window{Conversation: list.Conversation(at), Header: slices.Clone(w.Header), Lines: []windows.Line{line}, Targets: 1})
			p.number = append(p.number, i)
		}
	}
	p.lines = list.Lines() + n
	return p, f, nil
}

// planted is a list with further windows at its end.
type planted struct {
	windows.List
	added  []*windows.Window
	number []int // of the canary of each
	lines  int
}

func (p *planted) Len() int   { return p.List.Len() + len(p.added) }
func (p *planted) Lines() int { return p.lines }

func (p *planted) Conversation(i int) int {
	if i < p.List.Len() {
		return p.List.Conversation(i)
	}
	return p.added[i-p.List.Len()].Conversation
}

func (p *planted) Targets(i int) int {
	if i < p.List.Len() {
		return p.List.Targets(i)
	}
	return 1
}

func (p *planted) HeldOut(i int) bool { return i < p.List.Len() && p.List.HeldOut(i) }

func (p *planted) Window(i int) (*windows.Window, error) {
	if i < p.List.Len() {
		return p.List.Window(i)
	}
	return p.added[i-p.List.Len()], nil
}

func (p *planted) Where(i int) string {
	if i < p.List.Len() {
		return p.List.Where(i)
	}
	return fmt.Sprintf("canary %d", p.number[i-p.List.Len()]+1)
}

// JSON returns the content of the file.
func (f *File) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(f, "", "  ")
	return append(text, '\n'), err
}

// Read reads a file.
func Read(path string) (*File, error) {
	content, err := regularfile.Read(path, jsonfields.MaxDocument)
	if err != nil {
		return nil, err
	}
	f := new(File)
	if err := json.Unmarshal(content, f); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errForeign, jsonfields.Describe(content, err))
	}
	if f.Version != version {
		return nil, fmt.Errorf("%s: %w: unknown version %d", path, errForeign, f.Version)
	}
	return f, nil
}

// Forget removes the sentences of conversations with a person from a file, and returns how many those are. A file of another program stays
// as it is.
func Forget(path, person string) (removed int, err error) {
	f, err := Read(path)
	if errors.Is(err, errForeign) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	before := len(f.Canaries)
	f.Canaries = slices.DeleteFunc(f.Canaries, func(c Canary) bool { return slices.Contains(c.Members, person) })
	if removed = before - len(f.Canaries); removed == 0 {
		return 0, nil
	}
	if len(f.Canaries) == 0 {
		return removed, os.Remove(path)
	}
	text, err := f.JSON()
	if err != nil {
		return 0, err
	}
	return removed, atomicfile.WriteBytes(path, text)
}

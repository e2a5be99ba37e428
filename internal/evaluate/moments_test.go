package evaluate

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ventriloquist/internal/evaluate/style"
	"ventriloquist/internal/generate"
	"ventriloquist/internal/windows"
)

// Moments are the targets by members that are no reactions; the model reads what stands before each.
func TestSet_Moments(t *testing.T) {
	t.Parallel()
	reaction := message("Ann", "Loved")
	reaction.ContentType = "reaction"
	source := openConversations(t, []string{"Ann", "Ben"}, message("Ann", "a"), message("Zoe", "z"), reaction, message("Ben", "b"))
	set := newSet(t, source, 1<<20)
	moments, err := set.Moments(10)
	if err != nil || len(moments) != 2 {
		t.Fatalf("%d moments, %v", len(moments), err)
	}
	if m := moments[1]; m.Real.Text != "b" || len(m.Context) != 5 || m.Context[4].Text != "Loved" {
		t.Errorf("%+v", m)
	}
	w := &scripted{answers: []string{
		`delta": "<1m", "reply_to": null, "content_type": "text", "text": "hey"}` + "\n",
		`delta": "<1m", "reply_to": null, "content_type": "text", "te`, // cut off
	}}
	if err := set.WriteMoments(context.Background(), w, moments, 1, generate.Options{}, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(w.prompts[0], `"text": "after"}`+"\n"+`{"name": "Ann", "`) || !strings.HasSuffix(w.prompts[1], `"text": "Loved"}`+"\n"+`{"name": "Ben", "`) {
		t.Errorf("prompts %q", w.prompts)
	}
	if len(moments[0].Written) != 1 || moments[0].Written[0].Text != "hey" || len(moments[1].Written) != 0 {
		t.Errorf("written %+v, %+v", moments[0].Written, moments[1].Written)
	}
	if one, err := set.Moments(1); err != nil || len(one) != 1 || one[0].Real.Text != "b" {
		t.Errorf("%+v, %v", one, err)
	}
}

// A person's texts and those of the people they write with, held out and trained on, are kept apart.
func TestSet_StylePeople(t *testing.T) {
	t.Parallel()
	source := writeWindows(t, 6, 1) // the last two are held out
	_, heldOut := windows.Split(source)
	set, err := NewSet(context.Background(), source, heldOut, byteEncoder{}, 1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	moments, err := set.Moments(10)
	if err != nil {
		t.Fatal(err)
	}
	moments[0].Written = []windows.Message{message(moments[0].Real.Name, "written")}
	got, err := set.StylePeople(context.Background(), moments)
	if err != nil {
		t.Fatal(err)
	}
	want := []style.Person{{Name: "John", Real: []string{"message 4", "message 5"}, Written: []string{"written"}, Trained: []string{"message 1", "message 2"},
		OthersTrain: []string{"message 0", "message 3"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// What the model reads of earlier messages before a window is no leak if it writes it again.
func TestSet_LeakTextsKnowTheMemory(t *testing.T) {
	t.Parallel()
	text := windows.AppendHeader(nil, windows.NewHeader("", []string{"Ann", "Ben"}, "2024-03-15"))
	text = windows.AppendMemory(text, &windows.MemoryLine{Date: "2023-01-01", Name: "Ann", Text: "the \"old\" barn"})
	for _, m := range []windows.Message{message("Ben", "where?"), message("Ann", "there")} {
		text = windows.AppendMessage(text, &m)
	}
	path := filepath.Join(t.TempDir(), "windows.jsonl")
	if err := os.WriteFile(path, append(windows.AppendString([]byte(`{"text": `), text), "}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := windows.OpenFile(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	set := newSet(t, source, 1<<20)
	moments, err := set.Moments(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, real, err := set.LeakTexts(context.Background(), moments); err != nil || real[0].Context != "the \"old\" barn\nwhere?" {
		t.Errorf("the context is %q (%v)", real[0].Context, err)
	}
}

// A moment of a blind test has only replies that differ, and shows 2, 6 or 16 messages before them.
func TestBlindMoments(t *testing.T) {
	t.Parallel()
	picture := message("Ann", "a cat")
	picture.ContentType = "image"
	var moments []*Moment
	for range 4 {
		m := &Moment{Header: windows.Header{Members: []string{"Ann", "Ben"}}, Real: message("Ann", "yes"), Context: make([]windows.Message, 20)}
		m.Written = []windows.Message{message("Ann", "yes"), message("Ann", "no"), message("Ann", "no"), picture, message("Ann", "well")}
		moments = append(moments, m)
	}
	moments[1].Written = moments[1].Written[:3] // only one differs
	got := BlindMoments(moments, 2)
	if len(got) != 3 {
		t.Fatalf("%d moments", len(got))
	}
	for i, m := range got {
		if !reflect.DeepEqual(m.Written, []string{"no", "[image] a cat"}) || len(m.Context) != shownBefore[i] || m.Real != "yes" {
			t.Errorf("%+v", m)
		}
	}
}

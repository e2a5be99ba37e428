package windows_test

import (
	"testing"

	"ventriloquist/internal/windows"
)

// "Name" is not "name": it is ignored, as in Python.
func TestParseMessage_KeysAreExact(t *testing.T) {
	t.Parallel()
	m, err := windows.ParseMessage([]byte(`{"name": "A", "Name": "B", "text": "x", "TEXT": 5, "Delta": 7}` + "\n"))
	if err != nil || m.Name != "A" || m.Text != "x" || m.Delta != "" {
		t.Errorf("%+v, error %v", m, err)
	}
	if _, err := windows.ParseMessage([]byte(`{"Name": "A", "text": "x"}` + "\n")); err == nil {
		t.Error(`"Name" was taken for the name`)
	}
	h, err := windows.ParseHeader([]byte(`{"members": ["A"], "Members": ["B"], "start": "2024-03-15"}` + "\n"))
	if err != nil || len(h.Members) != 1 || h.Members[0] != "A" {
		t.Errorf("%+v, error %v", h, err)
	}
}

package whatsapp_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/whatsapp"
)

// collectInto collects exports one after the other, by their names.
func collectInto(t *testing.T, db *messages.DB, exports ...[2]string) (gone int64) {
	t.Helper()
	for _, export := range exports {
		path := filepath.Join(t.TempDir(), export[0])
		if err := os.WriteFile(path, []byte(export[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := whatsapp.Open(path, sourcetest.Reading("Aidan"))
		if err != nil {
			t.Fatal(err)
		}
		summary, err := sources.Export{Reader: r}.Collect(t.Context(), db, sources.Options{})
		if err != nil {
			t.Fatal(err)
		}
		gone += summary.Gone
	}
	return gone
}

const (
	picnic = "03/06/2023, 10:00 - Aidan created group \"Picnic\"\n03/06/2023, 10:01 - Ann: food?\n03/06/2023, 10:02 - Ben: yes\n03/06/2023, 10:03 - Aidan: drinks\n"
	lake   = picnic + "04/06/2023, 10:00 - Ann changed the group name from \"Picnic\" to \"Lake\"\n04/06/2023, 10:05 - Ben: towels\n"
	other  = "03/06/2023, 10:00 - Aidan created group \"Picnic\"\n03/06/2023, 10:00 - Ann: cake\n03/06/2023, 10:02 - Cid: tea\n03/06/2023, 10:09 - Aidan: maps\n"
)

// Which chat an export is of is told by the messages that it has in common with earlier ones, not by its name.
func TestCollect_ChatsAreKnownByTheirMessages(t *testing.T) {
	for name, c := range map[string]struct {
		exports [][2]string
		want    []string
	}{
		"Renamed": {[][2]string{{"WhatsApp Chat with Picnic.txt", picnic}, {"WhatsApp Chat with Lake.txt", lake}, {"WhatsApp Chat with Picnic.txt", picnic}},
			[]string{"Aidan drinks", "Ann food?", "Ben towels", "Ben yes"}},
		"OfOneName": {[][2]string{{"WhatsApp Chat with Picnic.txt", picnic}, {"WhatsApp Chat with Picnic (1).txt", other}, {"WhatsApp Chat with Picnic.txt", picnic}, {"WhatsApp Chat with Picnic.txt", other}},
			[]string{"Aidan drinks", "Aidan maps", "Ann cake", "Ann food?", "Ben yes", "Cid tea"}},
		"RenamedContact": {[][2]string{{"WhatsApp Chat with Ann.txt", "03/06/2023, 10:01 - Ann: food?\n03/06/2023, 10:02 - Aidan: yes\n03/06/2023, 10:03 - Ann: good\n"},
			{"WhatsApp Chat with Anna B.txt", "03/06/2023, 10:01 - Anna B: food?\n03/06/2023, 10:02 - Aidan: yes\n03/06/2023, 10:03 - Anna B: good\n03/06/2023, 10:04 - Anna B: bye\n"}},
			[]string{"Aidan yes", "Anna B bye", "Anna B food?", "Anna B good"}},
		"SameWordsToSeveral": {[][2]string{{"WhatsApp Chat with Ann.txt", "01/01/2023, 00:01 - Aidan: happy new year\n01/01/2023, 00:02 - Ann: you too\n"},
			{"WhatsApp Chat with Ben.txt", "01/01/2023, 00:01 - Aidan: happy new year\n01/01/2023, 00:02 - Ben: you too\n"}},
			[]string{"Aidan happy new year", "Aidan happy new year", "Ann you too", "Ben you too"}},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := messages.Create(t.Context(), filepath.Join(t.TempDir(), "messages.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if gone := collectInto(t, db, c.exports...); gone != 0 {
				t.Errorf("%d are gone", gone)
			}
			got := stored(t, db)
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("the store holds %q, want %q", got, c.want)
			}
		})
	}
}

// A local time that occurs twice is the one that keeps the order of the export.
func TestRead_ClockSetBack(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	reading := sourcetest.Reading("Aidan")
	reading.Zone = zone
	r, err := whatsapp.Open(sourcetest.Write(t, "WhatsApp Chat with Ann.txt", "29/10/2023, 02:40 - Ann: a\n29/10/2023, 02:05 - Aidan: b\n29/10/2023, 02:50 - Ann: c\n29/10/2023, 03:00 - Ann: d\n"), reading)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sourcetest.Read(t, r)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2023-10-29 00:40:00 Ann text: a", "2023-10-29 01:05:00 me text: b", "2023-10-29 01:50:00 Ann text: c", "2023-10-29 02:00:00 Ann text: d")
}

package privacy_test

import (
	"context"
	"path/filepath"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/messages/messagestest"
	"ventriloquist/internal/privacy"
)

// A local number is found if someone in the database has a number of that country, and has the stand-in of its full form.
func TestPolicy_RegionsOfTheDatabase(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, err := messages.Create(ctx, filepath.Join(t.TempDir(), "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const text = "ab morgen 0171/4829103"
	redact := func() string {
		policy, err := privacy.LoadOrNew(ctx, db, []string{"+12125550100"})
		if err != nil {
			t.Fatal(err)
		}
		policy.AddKinds(privacy.Kinds())
		r := policy.Redactor()
		if full := r.Text("+49 171 4829103"); r.Text(text) != text && r.Text(text) != "ab morgen "+full {
			t.Errorf("the local form becomes %q, the full one %q", r.Text(text), full)
		}
		return shown(r.Text(text))
	}
	if got := redact(); got != text {
		t.Errorf("without a German number, it becomes %q", got)
	}
	messagestest.Fill(t, db, messagestest.Message{Row: 1, GUID: "1", Sender: "+4915123456789", Members: []messages.Member{{Address: "+4915123456789"}}, Text: "hi"})
	if got := redact(); got != "ab morgen <phone>" {
		t.Errorf("with a German number, it becomes %q", got)
	}
}

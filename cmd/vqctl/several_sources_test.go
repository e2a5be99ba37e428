package main

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/sources/imessage/chatdb"
	"ventriloquist/internal/sources/signal/signaltest"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/sources/whatsappdb/whatsappdbtest"
)

// writeSeveralSources writes what seven programs have of the same three people: Aidan, John and Zoë. WhatsApp's database and its exported
// chats have the same messages, and so do Apple's database and the backup of an Android phone.
func writeSeveralSources(t *testing.T) (paths []string) {
	t.Helper()
	folder := t.TempDir()
	write := func(name, content string) {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	at := time.Date(2024, 3, 15, 12, 0, 0, 0, time.UTC)
	w, err := chatdb.Create(filepath.Join(folder, "chat.db"), chatdb.Latest)
	if err != nil {
		t.Fatal(err)
	}
	john, zoe := w.Handle("+15550000001", "SMS"), w.Handle("+15550000002", "iMessage")
	direct, group := w.Chat(chatdb.Chat{Handles: []int64{john}}), w.Chat(chatdb.Chat{Group: true, Handles: []int64{john, zoe}})
	w.Message(chatdb.Message{Chat: direct, Handle: john, Date: at, Text: "by SMS"})
	w.Message(chatdb.Message{Chat: direct, FromMe: true, Date: at.Add(time.Minute), Text: "so it is"})
	w.Message(chatdb.Message{Chat: group, Handle: zoe, Date: at.Add(2 * time.Minute), Text: "to both of you"})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	paths = append(paths, filepath.Join(folder, "chat.db"))
	write("sms.xml", `<smses count="2"><sms address="(555) 000-0001" date="1710504000400" type="1" body="by SMS" /><sms address="5550000001" date="1710504060000" type="2" body="so it is" /></smses>`)
	paths = append(paths, sourcetest.Database(t, "msgstore.db", whatsappdbtest.Android, `
		INSERT INTO jid (_id, user, server, raw_string) VALUES (1, '15550000001', 's.whatsapp.net', '15550000001@s.whatsapp.net'), (2, '1', 'g.us', '1-2@g.us'), (3, '15550000002', 's.whatsapp.net', '15550000002@s.whatsapp.net');
		INSERT INTO chat (_id, jid_row_id) VALUES (1, 1), (2, 2);
		INSERT INTO message (_id, chat_row_id, from_me, key_id, sender_jid_row_id, timestamp, message_type, text_data) VALUES (1, 1, 0, 'K1', NULL, 1710507600123, 0, 'on WhatsApp'), (2, 1, 1, 'K2', NULL, 1710507645000, 0, 'yes'),
		 (3, 2, 0, 'K3', 1, 1710507700000, 0, 'all three'), (4, 2, 0, 'K4', 3, 1710507710000, 0, 'indeed'), (5, 1, 0, 'K5', NULL, 1710507760000, 15, NULL), (6, 2, 1, 'K6', NULL, 1710507725000, 0, 'as ever');
		INSERT INTO message_quoted (message_row_id, key_id) VALUES (2, 'K1');
		INSERT INTO message_add_on (_id, chat_row_id, from_me, key_id, parent_message_row_id, timestamp) VALUES (1, 1, 1, 'A', 1, 1710507650000);
		INSERT INTO message_add_on_reaction VALUES (1, '👍', 0);`))
	write("WhatsApp Chat with John Smith.txt", "15/03/2024, 13:00 - John Smith: on WhatsApp\n15/03/2024, 13:00 - Aidan: yes\n")
	write("WhatsApp Chat with Trip.txt", "15/03/2024, 12:59 - Aidan created group \"Trip\"\n15/03/2024, 13:01 - John Smith: all three\n15/03/2024, 13:01 - Zoë: indeed\n15/03/2024, 13:02 - Aidan: as ever\n")
	if err := os.Mkdir(filepath.Join(folder, "early"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("early/WhatsApp Chat with Trip.txt", "15/03/2024, 12:59 - Aidan created group \"Trip\"\n15/03/2024, 13:00 - Aidan: hello both\n15/03/2024, 13:01 - John Smith: all three\n") // before Zoë wrote
	write("result.json", `{"personal_information": {"user_id": 1}, "contacts": {"list": [{"user_id": 2, "phone_number": "+15550000001"}]}, "chats": {"list": [{"name": "J", "type": "personal_chat", "id": 2, "messages": [
		{"id": 1, "type": "message", "date": "2024-03-15T14:00:00", "date_unixtime": "1710511200", "from": "J", "from_id": "user2", "text": "on Telegram"}]}]}}`)
	return append(paths, signaltest.Write(t, signaltest.Latest, `
		INSERT INTO items VALUES ('uuid_id', '{"id":"uuid_id","value":"aaaa-0.2"}'), ('number_id', '{"id":"number_id","value":"+15550000009.2"}');
		INSERT INTO conversations (id, type, e164, serviceId, json) VALUES ('c1', 'private', '+15550000001', 'aaaa-1', '{"profileName":"J"}'), ('c2', 'private', NULL, 'aaaa-2', '{"profileName":"Zoë"}');
		INSERT INTO conversations (id, type, groupId, name, json) VALUES ('g', 'group', 'G==', 'Three', '{"membersV2":[{"aci":"aaaa-0"},{"aci":"aaaa-1"},{"aci":"aaaa-2"}]}');
		INSERT INTO messages (id, conversationId, type, sent_at, sourceServiceId, body, json) VALUES ('1', 'c1', 'incoming', 1710514800000, 'aaaa-1', 'on Signal', '{}'),
		 ('2', 'c1', 'outgoing', 1710514801000, 'aaaa-0', 'safely', '{"editHistory":[{"body":"safely","timestamp":1710514802000},{"body":"savely","timestamp":1710514801000}]}'),
		 ('3', 'c1', 'incoming', 1710514803000, 'aaaa-1', NULL, '{"deletedForEveryone":true}');`, `
		INSERT INTO messages (id, conversationId, type, sent_at, sourceServiceId, body, json) VALUES
		 ('4', 'g', 'incoming', 1710514810000, 'aaaa-2', 'without my number', '{"reactions":[{"emoji":"🎉","fromId":"c1","timestamp":1710514812000}]}');`))
}

// Sources of the same people become one history without doubles, in whatever order they are collected, again and again.
func TestRunCollect_SeveralSourcesAreOneHistory(t *testing.T) {
	t.Setenv("MY_NAME", "Aidan")
	paths := writeSeveralSources(t)
	seed := uint64(time.Now().UnixNano())
	t.Log("seed:", seed)
	r := rand.New(rand.NewPCG(seed, 15))
	want := ""
	for run := range 6 {
		data := t.TempDir()
		contacts := "{\"contact\": \"John\", \"ids\": [\"+15550000001\", \"John Smith\"]}\n{\"contact\": \"Zoë\", \"ids\": [\"+15550000002\", \"Zoë\"]}\n"
		if err := os.WriteFile(filepath.Join(data, contactsName), []byte(contacts), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
			for _, path := range paths {
				if err := runCollect(t.Context(), collectOptions{source: path, dataDir: data, zone: "UTC"}, io.Discard); err != nil {
					t.Fatal(path, err)
				}
			}
		}
		file := filepath.Join(data, "windows.jsonl")
		if err := runPreprocess(t.Context(), preprocessOptions{dataDir: data, owner: "Aidan", window: 100, stride: 100, export: file}, io.Discard); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := string(content)
		for text, times := range map[string]int{"by SMS": 1, "so it is": 1, "on WhatsApp": 3, "hello both": 1, "all three": 1, "indeed": 1, "as ever": 1, "on Telegram": 1, "to both of you": 1, `"text\": \"yes`: 1, "👍": 1,
			"on Signal": 1, "safely": 1, "savely": 0, "without my number": 2, "🎉": 1} {
			if n := strings.Count(got, text); n != times { // what a reply or a reaction answers is quoted
				t.Errorf("run %d: %q occurs %d times, not %d, in\n%s", run, text, n, times, got)
			}
		}
		if want == "" {
			want = got
		} else if got != want {
			t.Errorf("run %d: in the order %q it is\n%s\nnot\n%s", run, paths, got, want)
		}
	}
}

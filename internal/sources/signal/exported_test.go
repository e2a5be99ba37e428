package signal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/signal"
	"ventriloquist/internal/sources/signal/signaltest"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/usererr"
)

const (
	ownAccount  = "11111111-0000-4000-8000-000000000001"
	johnAccount = "22222222-0000-4000-8000-000000000002"
	zoeAccount  = "33333333-0000-4000-8000-000000000003"
)

// exported are conversations as sigtop writes them.
var exported = map[string]string{
	"John Smith (+12125550101).json": `[
{"id": "a", "conversationId": "c-john", "type": "incoming", "sent_at": 1710529321000, "timestamp": 1710529321000, "body": "hey", "sourceServiceId": "` + johnAccount + `", "reactions": [{"emoji": "🔥", "fromId": "c-own", "timestamp": 1710529330000}]},
{"id": "b", "conversationId": "c-john", "type": "outgoing", "sent_at": 1710529322000, "body": "see https://x.org", "sourceServiceId": "` + ownAccount + `", "quote": {"id": 1710529321000, "authorAci": "` + johnAccount + `", "text": "hey"}, "attachments": [{"contentType": "image/jpeg", "fileName": "cat.jpg", "size": 3}]},
{"id": "c", "conversationId": "c-john", "type": "call-history", "sent_at": 1710529323000},
{"id": "d", "conversationId": "c-john", "type": "incoming", "sent_at": 1710529324000, "deletedForEveryone": true},
{"id": "e", "conversationId": "c-john", "type": "incoming", "sent_at": 1710529325000, "body": "later", "editHistory": [{"body": "later", "timestamp": 1710529327000}, {"body": "latr", "timestamp": 1710529325000}]}
]
`,
	"Pub (group).json": `[
{"id": "f", "conversationId": "c-pub", "type": "incoming", "sent_at": 1710529331000, "body": "who?", "sourceServiceId": "` + zoeAccount + `", "reactions": [{"emoji": "👍", "fromId": "c-john", "timestamp": 1710529332000}, {"emoji": "👍", "fromId": "c-nobody", "timestamp": 1710529332000}]}
]
`,
}

func TestRead_Sigtop(t *testing.T) {
	t.Parallel()
	folder := sourcetest.WriteFiles(t, exported)
	for _, place := range []string{folder, filepath.Join(folder, "Pub (group).json"), sourcetest.Zipped(t, folder)} {
		if head, err := sources.ReadHead(place); err != nil || !signal.RecognizeSigtop(head) {
			t.Errorf("%s is not recognized (%v)", place, err)
		}
	}
	s, err := sourcetest.ReadFile(t, signal.OpenSigtop, folder)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:01 +12125550101 text: hey", "2024-03-15 19:02:10 me reaction: 🔥 <- hey", "2024-03-15 19:02:02 me image: cat.jpg <- hey", "2024-03-15 19:02:02 me text: see https://x.org <- hey",
		"2024-03-15 19:02:05 +12125550101 text: later", "2024-03-15 19:02:11 signal:"+zoeAccount+" text: who?", "2024-03-15 19:02:12 +12125550101 reaction: 👍 <- who?")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 1, sources.Deleted: 1, sources.NoSender: 1})
	if c := s.Messages[0].Chat; c.Group || !slices.Equal(c.Members, []string{"+12125550101"}) || c.Source != "signal-chat "+johnAccount || s.Names["+12125550101"] != "John Smith" || len(s.Messages[3].Versions) != 2 {
		t.Errorf("the chat is %+v, names %v", c, s.Names)
	}
	if c := s.Messages[4].Chat; !c.Group || c.Name != "Pub" || !slices.Equal(c.Members, []string{"signal:" + zoeAccount}) {
		t.Errorf("the group is %+v", c)
	}
	sourcetest.Again(t, signal.OpenSigtop, folder, 7)
	damaged := strings.Replace(exported["Pub (group).json"], `"body": "who?"`, `"body": "who?`, 1)
	if s, err := sourcetest.ReadFile(t, signal.OpenSigtop, sourcetest.WriteFiles(t, map[string]string{"Pub (group).json": damaged, "John Smith (+12125550101).json": exported["John Smith (+12125550101).json"]})); err != nil || len(s.Messages) != 4 || s.Counts[sources.Unread] != 1 ||
		!strings.Contains(s.Damage[0], "Pub (group).json:2: ") {
		t.Errorf("messages are %q, damage %q (%v)", s.Lines(), s.Damage, err)
	}
	if _, err := signal.OpenSigtop(t.TempDir(), sourcetest.Reading()); err == nil || usererr.Of(err) == "" {
		t.Errorf("error is %v", err)
	}
}

// line is a line of signal-cli.
func line(source, account, name, content string) string {
	return `{"envelope":{"source":"` + source + `","sourceNumber":"` + source + `","sourceUuid":"` + account + `","sourceName":"` + name + `","sourceDevice":1,"timestamp":1710529321000,` + content + `},"account":"+12125550100"}` + "\n"
}

func john(content string) string {
	return line("+12125550101", johnAccount, "John", `"dataMessage":{`+content+`}`)
}

func own(content string) string {
	return line("+12125550100", ownAccount, "Me", `"syncMessage":{"sentMessage":{"destination":"+12125550101","destinationNumber":"+12125550101","destinationUuid":"`+johnAccount+`",`+content+`}}`)
}

var received = john(`"timestamp":1710529321000,"message":"hey","expiresInSeconds":0,"viewOnce":false`) +
	own(`"timestamp":1710529322000,"message":"see","quote":{"id":1710529321000,"author":"+12125550101","authorNumber":"+12125550101","authorUuid":"`+johnAccount+`","text":"hey","attachments":[]},"attachments":[{"contentType":"image/jpeg","filename":"cat.jpg","id":"x","size":3,"caption":null}]`) +
	own(`"timestamp":1710529330000,"message":null,"reaction":{"emoji":"🔥","targetAuthor":"+12125550101","targetAuthorNumber":"+12125550101","targetAuthorUuid":"`+johnAccount+`","targetSentTimestamp":1710529321000,"isRemove":false}`) +
	john(`"timestamp":1710529323000,"message":"oops"`) + john(`"timestamp":1710529324000,"message":null,"remoteDelete":{"timestamp":1710529323000}`) +
	john(`"timestamp":1710529325000,"message":"latr"`) + line("+12125550101", johnAccount, "John", `"editMessage":{"targetSentTimestamp":1710529325000,"dataMessage":{"timestamp":1710529327000,"message":"later"}}`) +
	line("+12125550101", johnAccount, "John", `"receiptMessage":{"when":1,"isDelivery":true}`) +
	john(`"timestamp":1710529331000,"message":"￼ who?","mentions":[{"name":"+12125550101","number":"+12125550101","uuid":"`+johnAccount+`","start":0,"length":1}],"groupInfo":{"groupId":"Zm9v","groupName":"Pub","revision":1,"type":"DELIVER"}`) +
	john(`"timestamp":1710529332000,"reaction":{"emoji":"👍","targetAuthorUuid":"`+johnAccount+`","targetSentTimestamp":1710529321000,"isRemove":false}`) +
	john(`"timestamp":1710529333000,"reaction":{"emoji":"👍","targetAuthorUuid":"`+johnAccount+`","targetSentTimestamp":1710529321000,"isRemove":true}`) +
	`{"jsonrpc":"2.0","method":"receive","params":` + strings.TrimSpace(john(`"timestamp":1710529340000,"message":"by RPC"`)) + "}\n" +
	"{\"envelope\":{\n" + john(`"timestamp":1,"message":"no date"`)

func TestRead_CLI(t *testing.T) {
	t.Parallel()
	path := sourcetest.Write(t, "signal.jsonl", received)
	if head, err := sources.ReadHead(path); err != nil || !signal.RecognizeCLI(head) {
		t.Errorf("it is not recognized (%v)", err)
	}
	s, err := sourcetest.ReadFile(t, signal.OpenCLI, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:01 +12125550101 text: hey", "2024-03-15 19:02:02 me image: cat.jpg <- hey", "2024-03-15 19:02:02 me text: see <- hey", "2024-03-15 19:02:10 me reaction: 🔥 <- hey",
		"2024-03-15 19:02:03 +12125550101 text: oops", "2024-03-15 19:02:05 +12125550101 text: later", "2024-03-15 19:02:11 +12125550101 text: @John who?", "2024-03-15 19:02:20 +12125550101 text: by RPC")
	s.WantCounts(t, map[sources.Fate]int64{sources.Events: 1, sources.Deleted: 1, sources.Continued: 1, sources.Removals: 2, sources.Unread: 2})
	if c := s.Messages[0].Chat; c.Group || !slices.Equal(c.Members, []string{"+12125550101"}) || c.Source != "signal-cli "+johnAccount || s.Names["+12125550101"] != "John" || s.Owns["+12125550100"] != 1 {
		t.Errorf("the chat is %+v, names %v, own addresses %v", c, s.Names, s.Owns)
	}
	if !s.Left[0].Retracted || s.Left[0].GUID != s.Messages[3].GUID || len(s.Messages[4].Versions) != 2 {
		t.Errorf("what was deleted is %+v, versions %+v", s.Left, s.Messages[4].Versions)
	}
	if c := s.Messages[5].Chat; !c.Group || c.Name != "Pub" || c.Source != "signal-cli group Zm9v" {
		t.Errorf("the group is %+v", c)
	}
	sourcetest.Again(t, signal.OpenCLI, path, 7)
}

// The same messages from sigtop, signal-cli and the database have the same identifiers.
func TestRead_ExportsAgree(t *testing.T) {
	t.Parallel()
	one, err := sourcetest.ReadFile(t, signal.OpenSigtop, sourcetest.WriteFiles(t, exported))
	if err != nil {
		t.Fatal(err)
	}
	two, err := sourcetest.ReadFile(t, signal.OpenCLI, sourcetest.Write(t, "signal.jsonl", received))
	if err != nil {
		t.Fatal(err)
	}
	if one.Messages[0].GUID != two.Messages[0].GUID || one.Messages[1].GUID != two.Messages[2].GUID || one.Messages[2].GUID != two.Messages[1].GUID {
		t.Errorf("messages are %+v and %+v", one.Messages[:3], two.Messages[:3])
	}
}

func TestRead_HoldsFewMessages(t *testing.T) {
	database := sourcetest.Database(t, "plain.db", signaltest.Latest, people+sourcetest.LongRows+`INSERT INTO messages (id, conversationId, type, sent_at, sourceServiceId, body, json)
		SELECT i, 'c-john', 'incoming', 1710529320000 + i, 'aaaa-1', words, json_object('body', words) FROM many;`)
	sourcetest.Flat(t, func(path string, reading sources.Reading) (*signal.Reader, error) {
		return signal.Open(t.Context(), path, "", t.TempDir(), reading)
	}, database)
	sourcetest.Flat(t, signal.OpenCLI, sourcetest.Write(t, "signal.jsonl", sourcetest.Long(func(i int, text string) string {
		return john(fmt.Sprintf(`"timestamp":%d,"message":"%s"`, 1710529321000+i, text))
	})))
}

func TestSigtop_HoldsFewMessages(t *testing.T) {
	path := sourcetest.Write(t, "John (+15550000001).json", "["+sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf(`{"id": "%d", "conversationId": "c", "type": "incoming", "sent_at": %d, "sourceServiceId": "aaaa-1", "body": "%s"},`+"\n", i, 1710529320000+i, text)
	})+`{"id": "0", "conversationId": "c", "type": "call-history", "sent_at": 1710529320000}]`)
	sourcetest.Flat(t, signal.OpenSigtop, path)
}

func FuzzReadExports(f *testing.F) {
	f.Add(exported["John Smith (+12125550101).json"], true)
	f.Add(exported["Pub (group).json"], true)
	f.Add(received, false)
	f.Add(`{"envelope":{"sourceNumber":"+1","dataMessage":{"timestamp":1710529321000,"reaction":{},"quote":{},"mentions":[{"start":-1,"length":9}],"message":"x"}}}`, false)
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, content string, sigtop bool) {
		path := filepath.Join(folder, "John (+12125550101).json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if sigtop {
			sourcetest.ReadFile(t, signal.OpenSigtop, path)
		} else {
			sourcetest.ReadFile(t, signal.OpenCLI, path)
		}
	})
}

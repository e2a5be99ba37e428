package androidsms_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/androidsms"
	"ventriloquist/internal/sources/sourcetest"
	"ventriloquist/internal/usererr"
)

func write(t testing.TB, content string) string {
	t.Helper()
	return sourcetest.Write(t, "sms-20240315190203.xml", content)
}

func read(t testing.TB, path string, own ...string) (*sourcetest.Sink, error) {
	t.Helper()
	return sourcetest.ReadFile(t, androidsms.Open, path, own...)
}

const head = `<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>
<!--File Created By SMS Backup & Restore v10.20.002, that's it, on 15/03/2024 19:02:03-->
<?xml-stylesheet type="text/xsl" href="sms.xsl"?>
`

// sms is a row as the app writes it: a value with a " in it stands in '.
func sms(kind, address, date, body string) string {
	quote := `"`
	if strings.Contains(body, `"`) {
		quote = `'`
	}
	return `  <sms protocol="0" address="` + address + `" date="` + date + `" type="` + kind + `" subject="null" body=` + quote + body + quote +
		` toa="null" sc_toa="null" service_center="null" read="1" status="-1" locked="0" date_sent="0" sub_id="-1" readable_date="15 Mar 2024 19:02:03" contact_name="John Smith" />
`
}

const picture = `  <mms date="1710529324000" rr="129" sub="null" ct_t="application/vnd.wap.multipart.related" msg_box="1" address="+15550000001" m_id="x" m_type="132" contact_name="John Smith">
    <parts>
      <part seq="-1" ct="application/smil" name="null" chset="null" cd="null" fn="null" cid="&lt;smil&gt;" cl="smil.xml" ctt_s="null" ctt_t="null" text="&lt;smil&gt;&lt;head/&gt;&lt;/smil&gt;" />
      <part seq="0" ct="image/jpeg" name="null" chset="null" cd="null" fn="null" cid="&lt;i&gt;" cl="IMG_1.jpg" ctt_s="null" ctt_t="null" text="null" data="/9j/4AAQSkZJRgABAQ==" />
      <part seq="0" ct="text/plain" name="null" chset="106" cd="null" fn="null" cid="&lt;t&gt;" cl="text000001.txt" ctt_s="null" ctt_t="null" text="look &#55357;&#56832;" />
    </parts>
    <addrs>
      <addr address="+15550000001" type="137" charset="106" />
      <addr address="+15550000000" type="151" charset="106" />
    </addrs>
  </mms>
`

// group is an mms among three.
func group(box, from, body string) string {
	return `<mms date="1710529400000" msg_box="` + box + `" address="+15550000001~+15550000002" contact_name="John Smith, Zoë">
  <parts><part seq="0" ct="text/plain" text="` + body + `" /></parts>
  <addrs><addr address="` + from + `" type="137" /><addr address="+15550000000" type="151" /><addr address="+15550000002" type="151" /></addrs></mms>
`
}

var backup = head + `<smses count="14" backup_set="x" backup_date="1710529323000">
` + sms("1", "+15550000001", "1710529320000", "hey &#55357;&#56832;&#10;you &amp; me") +
	sms("2", "+15550000001", "1710529321000", `she said "no" data="x" &#128512; &#x1F600;`) +
	sms("2", "+15550000001", "1710529321000", `she said "no" data="x" &#128512; &#x1F600;`) +
	sms("3", "+15550000001", "1710529322000", "draft") +
	sms("5", "+15550000001", "1710529322000", "failed") +
	sms("1", "MyBank", "1710529323000", "half &#55357; and &#0; and \x01 and &unknown; ü") +
	sms("1", "+15550000001", "1710529323000", "null") +
	sms("1", "null", "1710529323000", "whose") +
	picture + group("1", "+15550000002", "who is in?") + group("2", "insert-address-token", "I am") + group("4", "insert-address-token", "waiting") +
	`<mms date="1710529500000" msg_box="2" address="null"><parts><part seq="0" ct="text/x-vCard" name="null" cl="John.vcf" data="QkVHSU4=" /></parts><addrs><addr address="insert-address-token" type="137" /><addr address="+15550000002" type="151" /></addrs></mms>
<mms date="1710529501000" msg_box="1" address="+15550000002" m_type="130"><parts /><addrs /></mms>
</smses>
`

func TestRead(t *testing.T) {
	path := write(t, backup)
	if h, err := sources.ReadHead(path); err != nil || !androidsms.Recognize(h) {
		t.Errorf("it is not recognized (%v)", err)
	}
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	s.Want(t, "2024-03-15 19:02:00 +15550000001 text: hey 😀|you & me",
		`2024-03-15 19:02:01 me text: she said "no" data="x" 😀 😀`,
		"2024-03-15 19:02:03 MyBank text: half \uFFFD and \uFFFD and \uFFFD and &unknown; ü",
		"2024-03-15 19:02:04 +15550000001 image: IMG_1.jpg",
		"2024-03-15 19:02:04 +15550000001 text: look 😀",
		"2024-03-15 19:03:20 +15550000002 text: who is in?",
		"2024-03-15 19:03:20 me text: I am",
		"2024-03-15 19:05:00 me contact: John.vcf")
	s.WantCounts(t, map[sources.Fate]int64{sources.NeverSent: 3, sources.Empty: 2, sources.NoSender: 1, sources.Duplicates: 1})
	if one := s.Messages[0].Chat; one.Group || !slices.Equal(one.Members, []string{"+15550000001"}) || one.Extent != messages.Whole {
		t.Errorf("the chat is %+v", one)
	}
	if three := s.Messages[4].Chat; !three.Group || !slices.Equal(three.Members, []string{"+15550000001", "+15550000002"}) || three != s.Messages[5].Chat {
		t.Errorf("the group is %+v", three)
	}
	if s.Names["+15550000001"] != "John Smith" || len(s.Names) != 2 || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "no characters") {
		t.Errorf("names are %v, notes %q", s.Names, s.Notes)
	}
	if a := s.Messages[3].Parts[0].Attachment; a == "" || a == s.Messages[6].Parts[0].Attachment {
		t.Errorf("the picture is known as %q", a)
	}
}

// The content of a picture is found again where its message says.
func TestOpenContent(t *testing.T) {
	path := write(t, backup)
	s, err := read(t, path)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]string{3: "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01", 6: "BEGIN"} {
		place := s.Messages[i].Parts[0].File
		in, most, err := androidsms.OpenContent(place.Root, place.Path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(in)
		if err != nil || string(got) != want && string(got) != want+"\x00" || int64(len(got)) > most || in.Close() != nil {
			t.Errorf("%s holds %q (%v), want %q", place.Path, got, err, want)
		}
	}
	for _, place := range []string{"", "x", "1-5/a", "0-1/a", "99999999-5/a", "-1-5", "5/a"} {
		if in, _, err := androidsms.OpenContent(path, place); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q is %v (%v)", place, in, err)
		}
	}
	if place := s.Messages[4].Parts[0].File; place.Path != "" {
		t.Errorf("words lie in %q", place.Path)
	}
}

// The same message has the same identifier in another backup.
func TestRead_AnotherBackup(t *testing.T) {
	first, err := read(t, write(t, backup))
	if err != nil {
		t.Fatal(err)
	}
	second, err := read(t, write(t, head+`<smses count="3">`+sms("1", "+15550000001", "1710529310000", "before")+
		sms("1", "+15550000001", "1710529320000", "hey 😀\nyou &amp; me")+picture+`</smses>`))
	if err != nil {
		t.Fatal(err)
	}
	// A raw line break in a value is one too.
	if a, b := first.Messages[0].GUID, second.Messages[1].GUID; a != b {
		t.Errorf("the message is known as %s and %s", a, b)
	}
	if a, b := first.Messages[3].GUID, second.Messages[2].GUID; a != b {
		t.Errorf("the picture is known as %s and %s", a, b)
	}
}

// A received message of a group lists the owner's own number on some phones.
func TestRead_TheOwnersNumberIsNoMember(t *testing.T) {
	content := `<smses count="1"><mms date="1710529400000" msg_box="1" address="+15550000001~+15550000000~+15550000002"><parts><part ct="text/plain" text="hi"/></parts>
<addrs><addr address="+15550000001" type="137"/></addrs></mms></smses>`
	s, err := read(t, write(t, content), "+1 555 000 0000")
	if err != nil {
		t.Fatal(err)
	}
	if m := s.Messages[0]; m.Sender != "+15550000001" || !slices.Equal(m.Chat.Members, []string{"+15550000001", "+15550000002"}) {
		t.Errorf("message is %+v in %+v", m, m.Chat)
	}
}

// Some phones name the sender alone; who else is in a group stands among the recipients, as does the owner's own number.
func TestRead_GroupsOfTheAddressesAlone(t *testing.T) {
	mms := func(date, address string, addresses ...string) string {
		text := `<mms date="` + date + `" msg_box="1" address="` + address + `"><parts><part ct="text/plain" text="` + date + `"/></parts><addrs><addr address="` + address + `" type="137"/>`
		for _, to := range addresses {
			text += `<addr address="` + to + `" type="151"/>`
		}
		return text + "</addrs></mms>"
	}
	content := `<smses count="3">` + mms("1710529400000", "+1", "+9") + mms("1710529401000", "+1", "+2", "+9", "+3") + mms("1710529402000", "+3", "+1", "+2", "+9") + `</smses>`
	s, err := read(t, write(t, content))
	if err != nil {
		t.Fatal(err)
	}
	if s.Owns["+9"] != 1 || len(s.Owns) != 1 {
		t.Errorf("own numbers are %v", s.Owns)
	}
	for i, want := range []struct {
		sender  string
		members []string
	}{{"+1", []string{"+1"}}, {"+1", []string{"+1", "+2", "+3"}}, {"+3", []string{"+1", "+2", "+3"}}} {
		if m := s.Messages[i]; m.Sender != want.sender || !slices.Equal(m.Chat.Members, want.members) {
			t.Errorf("message %d is from %s in %v, want %+v", i, m.Sender, m.Chat.Members, want)
		}
	}
}

// The content of a file is passed over, whatever its size and whatever stands around it.
func TestRead_LargeFiles(t *testing.T) {
	content := strings.Replace(picture, "/9j/4AAQSkZJRgABAQ==", strings.Repeat("QUJD", 2<<20), 1)
	for shift := range 8 { // so that it begins at any place of what is read at a time
		padding := strings.Repeat("x", 32<<10-len(head)-800+100*shift)
		s, err := read(t, write(t, head+`<smses count="2">`+sms("1", "+15550000001", "1710529320000", padding)+content+`</smses>`))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Messages) != 2 || s.Messages[1].Parts[1].Text != "look 😀" || s.Messages[0].Parts[0].Text != padding {
			t.Errorf("it holds %d messages", len(s.Messages))
		}
	}
}

func TestRead_Errors(t *testing.T) {
	for name, c := range map[string]struct{ content, want, hint string }{
		"Calls": {head + `<calls count="1"><call number="1" /></calls>`, "holds no <smses>", "one of calls"},
		"NoXML": {"<smses count='1'><sms", ":1: ", "make another"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.content)
			_, err := read(t, path)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) || !strings.Contains(usererr.Of(err), c.hint) {
				t.Errorf("error is %v (%s), want %s", err, usererr.Of(err), c.want)
			}
		})
	}
	s, err := read(t, write(t, strings.Replace(backup, `count="14"`, `count="20"`, 1)))
	if err != nil || len(s.Notes) != 2 || !strings.Contains(s.Notes[1], "20 messages, but there are 14") {
		t.Errorf("notes are %q (%v)", s.Notes, err)
	}
}

func TestRead_HoldsFewMessages(t *testing.T) {
	path := sourcetest.Write(t, "sms-1.xml", "<?xml version='1.0' encoding='UTF-8'?>\n<smses count=\"2000\">\n"+sourcetest.Long(func(i int, text string) string {
		return fmt.Sprintf("<sms address=\"+12125550101\" date=\"%d\" type=\"1\" body=\"%s\" />\n", 1710529323000+i, text)
	})+"</smses>\n")
	sourcetest.Flat(t, androidsms.Open, path)
}

func FuzzRead(f *testing.F) {
	f.Add(backup)
	f.Add(`<smses><sms date="1" address="a" type="1" body='&#55357;&#56832;&#xD83D;&#xDE00; "' /></smses>`)
	f.Add("<smses><mms msg_box='1' date='1'><part ct='image/png' data='AAAA' name='x'/><!-- ' --><addr address='1~2' type='137'/></mms>")
	f.Add("<smses><mms msg_box='1' date='1' address='1~1~2'>" + strings.Repeat("<part>", 70) + "</smses>")
	f.Add("<smses><mms msg_box='1' date='1'>" + strings.Repeat("<addr address='1'/>", 200) + "</mms></smses>")
	f.Add("<smses><!-- <sms --><![CDATA[x]]><?x?><sms date='1' address='" + strings.Repeat("~1", 500) + "' type='1' body='x'/>")
	path := filepath.Join(f.TempDir(), "sms.xml")
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		read(t, path, "2")
	})
}

// A folder or a zip may hold several backups, and those of calls.
func TestRead_ZipsAndFolders(t *testing.T) {
	first := head + `<smses count="2">` + sms("1", "+15550000001", "1710529320000", "one") + sms("2", "+15550000001", "1710529380000", "two") + `</smses>`
	second := head + `<smses count="2">` + sms("2", "+15550000001", "1710529380000", "two") + sms("1", "+15550000001", "1710529440000", "three") + `</smses>`
	folder := sourcetest.WriteFiles(t, map[string]string{"sms-1.xml": first, "backup/sms-2.xml": second, "calls-1.xml": `<calls count="1"><call number="1"/></calls>`, ".DS_Store": "\x00"})
	archive := sourcetest.Zipped(t, folder)
	for _, path := range []string{folder, archive} {
		if !sourcetest.Recognized(t, androidsms.Recognize, path) {
			t.Errorf("%s is not recognized", path)
		}
		s, err := read(t, path)
		if err != nil {
			t.Fatal(err)
		}
		s.WantCounts(t, map[sources.Fate]int64{sources.Duplicates: 1})
		if len(s.Messages) != 3 || len(s.Damage) != 0 {
			t.Errorf("messages are %q, damage %q", s.Lines(), s.Damage)
		}
	}
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	cut := sourcetest.Write(t, "backup.zip", string(content[:len(content)-200]))
	if s, err := read(t, cut); err != nil || len(s.Messages) == 0 || len(s.Damage) == 0 || !strings.Contains(strings.Join(s.Damage, "\n"), "the end of the zip") {
		t.Errorf("of a cut zip: %q, damage %q, error %v", s.Lines(), s.Damage, err)
	}
}

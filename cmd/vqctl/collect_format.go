package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // --zone works where the system knows no zones

	"ventriloquist/internal/people"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/androidsms"
	"ventriloquist/internal/sources/jsonl"
	"ventriloquist/internal/sources/telegram"
	"ventriloquist/internal/sources/whatsapp"
	"ventriloquist/internal/usererr"
)

// appleFormat is what --format calls Apple's database.
const appleFormat = "imessage"

// format is a kind of export beside Apple's database.
type format struct {
	name      string
	recognize func(*sources.Head) bool
	open      func(path string, reading sources.Reading) (sources.Reader, error)
}

var formats = []format{
	{"jsonl", jsonl.Recognize, func(path string, r sources.Reading) (sources.Reader, error) { return jsonl.Open(path, r) }},
	{"whatsapp", whatsapp.Recognize, func(path string, r sources.Reading) (sources.Reader, error) { return whatsapp.Open(path, r) }},
	{"telegram", telegram.Recognize, func(path string, r sources.Reading) (sources.Reader, error) { return telegram.Open(path, r) }},
	{"android-sms", androidsms.Recognize, func(path string, r sources.Reading) (sources.Reader, error) { return androidsms.Open(path, r) }},
}

func formatNames() string {
	names := []string{appleFormat}
	for _, f := range formats {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// findFormat tells what a source is, nil being Apple's database: by name, or if that is empty by what stands in it.
func findFormat(name, path string) (*format, error) {
	if name == appleFormat {
		return nil, nil
	}
	for i := range formats {
		if formats[i].name == name {
			return &formats[i], nil
		}
	}
	if name != "" {
		return nil, usererr.Usage("--format %q is none of %s", name, formatNames())
	}
	head, err := sources.ReadHead(path)
	if err != nil {
		return nil, nil // who opens the database explains it
	}
	for i := range formats {
		if formats[i].recognize(head) {
			return &formats[i], nil
		}
	}
	if len(head.Text) > 0 && !bytes.HasPrefix(head.Text, []byte("SQLite format 3\x00")) || !head.Dir && len(head.Names) > 0 {
		err := fmt.Errorf("%s is neither a message database nor an export of a form that vqctl knows", path)
		return nil, usererr.With(err, "if it should be one, --format NAME (%s) says which, and then what is wrong with it", formatNames())
	}
	return nil, nil
}

// reading is how to read an export: who is the owner, and where its times were written.
func (o *collectOptions) reading() (sources.Reading, error) {
	r := sources.Reading{Zone: time.Local}
	if o.zone != "" {
		zone, err := time.LoadLocation(o.zone)
		if err != nil {
			return r, usererr.Usage("--zone %q is no time zone, such as Europe/Berlin or UTC", o.zone)
		}
		r.Zone = zone
	}
	self := settledSelf()
	self.Addresses = append(self.Addresses, o.me...)
	book := people.NewBook(self)
	r.Asked = len(self.Addresses) > 0 || strings.TrimSpace(self.Name) != ""
	r.Owner = func(name string) bool {
		person, listed := book.Person(name)
		return listed && person == people.Owner
	}
	return r, nil
}

// key is another one when an export, or the way in which it is read, is not what it was.
func (o *collectOptions) key(kind *format, path string, r *sources.Reading) (string, error) {
	self := settledSelf()
	winter, summer := time.Date(2024, 1, 1, 0, 0, 0, 0, r.Zone), time.Date(2024, 7, 1, 0, 0, 0, 0, r.Zone)
	return sources.Key(path, version, kind.name, fmt.Sprint(winter, summer), fmt.Sprintf("%q %q %q", self.Name, self.Addresses, o.me))
}

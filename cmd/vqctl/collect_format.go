package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/scratch"
	"ventriloquist/internal/sources"
	"ventriloquist/internal/sources/androidsms"
	"ventriloquist/internal/sources/discord"
	"ventriloquist/internal/sources/googlechat"
	"ventriloquist/internal/sources/googlevoice"
	"ventriloquist/internal/sources/imazing"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/sources/imessageexporter"
	"ventriloquist/internal/sources/iosbackup"
	"ventriloquist/internal/sources/jsonl"
	"ventriloquist/internal/sources/meta"
	"ventriloquist/internal/sources/signal"
	"ventriloquist/internal/sources/slack"
	"ventriloquist/internal/sources/telegram"
	"ventriloquist/internal/sources/telegramhtml"
	"ventriloquist/internal/sources/whatsapp"
	"ventriloquist/internal/sources/whatsappdb"
	"ventriloquist/internal/usererr"
)

// format is a kind of source.
type format struct {
	name      string
	recognize func(*sources.Head) bool
	open      func(ctx context.Context, o *collectOptions, path string) (sources.Source, error)
	stamp     func(path string) (string, error) // state of the files that --watch polls; nil if they cannot be watched
}

// formats lists the values of --format, in the order in which they are detected.
var formats = []format{
	{name: "imessage", recognize: func(h *sources.Head) bool {
		return imessage.Recognize(h) && !whatsappdb.Recognize(h) && !signal.Recognize(h)
	}, open: openApple, stamp: imessage.Stamp},
	{name: "whatsapp-db", recognize: whatsappdb.Recognize, open: openWhatsApp},
	{name: "signal", recognize: signal.Recognize, open: openSignal},
	exportFormat("sigtop", signal.RecognizeSigtop, signal.OpenSigtop),
	exportFormat("signal-cli", signal.RecognizeCLI, signal.OpenCLI),
	exportFormat("jsonl", jsonl.Recognize, jsonl.Open),
	exportFormat("whatsapp", whatsapp.Recognize, whatsapp.Open),
	exportFormat("telegram", telegram.Recognize, telegram.Open),
	exportFormat("telegram-html", telegramhtml.Recognize, telegramhtml.Open),
	exportFormat("meta", meta.Recognize, meta.Open),
	exportFormat("discord", discord.Recognize, discord.Open),
	exportFormat("slack", slack.Recognize, slack.Open),
	exportFormat("google-chat", googlechat.Recognize, googlechat.Open),
	exportFormat("google-voice", googlevoice.Recognize, googlevoice.Open),
	exportFormat("imessage-exporter", imessageexporter.Recognize, imessageexporter.Open),
	exportFormat("imazing", imazing.Recognize, imazing.Open),
	exportFormat("android-sms", androidsms.Recognize, androidsms.Open),
}

func formatNames() (names []string) {
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// findFormat returns the format with this name or, if the name is empty, the one detected from the content. A file that cannot
// be read counts as Apple's database, whose Open reports the error; a pipe or a device is an error, whatever its format.
func findFormat(name, path string) (*format, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		if info.Mode().IsRegular() && info.Size() == 0 {
			return nil, usererr.With(fmt.Errorf("%s is empty", path), "export or copy it again")
		}
		if err := regularfile.Check(path, info); err != nil {
			return nil, err
		}
	}
	for i := range formats {
		if formats[i].name == name {
			return &formats[i], nil
		}
	}
	if name != "" {
		return nil, usererr.Suggest(usererr.Usage("--format %q is none of %s", name, strings.Join(formatNames(), ", ")), name, formatNames(), "--format %s",
			"omit it: collect detects the format")
	}
	head, err := sources.ReadHead(path)
	if errors.Is(err, sources.ErrBrokenZip) {
		return nil, err
	}
	if err != nil {
		return &formats[0], nil
	}
	for i := range formats {
		if formats[i].recognize(head) {
			return &formats[i], nil
		}
	}
	if err := unknown(head); err != nil {
		return nil, err
	}
	if head.Dir || len(head.Text) == 0 && len(head.Names) == 0 {
		return &formats[0], nil
	}
	err = fmt.Errorf("%s is neither a message database nor an export in a known format", path)
	return nil, usererr.With(err, "`vqctl sources` lists what is read, and how to export it; with --format FORMAT, collect says why a file is not of that format")
}

// openApple opens Apple's database at path. From an encrypted backup it decrypts the database and, if there is one, the
// address book.
func openApple(ctx context.Context, o *collectOptions, path string) (sources.Source, error) {
	path, err := iosbackup.Only(path)
	if err != nil {
		return nil, err
	}
	if !iosbackup.IsEncrypted(path) {
		return imessage.Open(ctx, path, o.dataDir)
	}
	passphrase, err := readPassphrase(ctx, path, o.passphraseFile)
	if err != nil {
		return nil, err
	}
	noteUnlocking()
	folder, err := iosbackup.Decrypt(ctx, path, passphrase, o.dataDir, []iosbackup.File{iosbackup.Messages}, []iosbackup.File{iosbackup.AddressBook})
	if err != nil {
		return nil, err
	}
	return imessage.OpenDecrypted(ctx, folder, path)
}

// whatsAppFile is WhatsApp's database on an iPhone.
var whatsAppFile = iosbackup.File{Domain: "AppDomainGroup-group.net.whatsapp.WhatsApp.shared", Path: "ChatStorage.sqlite"}

// openWhatsApp opens WhatsApp's database at path, or the one in an iPhone backup.
func openWhatsApp(ctx context.Context, o *collectOptions, path string) (sources.Source, error) {
	reading, err := o.reading()
	if err != nil {
		return nil, err
	}
	if path, err = iosbackup.Only(path); err != nil {
		return nil, err
	}
	if !iosbackup.Recognize(path) {
		reader, err := whatsappdb.Open(ctx, path, o.dataDir, reading)
		return sources.Export{Reader: reader}, err
	}
	id := iosbackup.FileID(whatsAppFile.Domain, whatsAppFile.Path)
	place := filepath.Join(path, id[:2], id)
	if !iosbackup.IsEncrypted(path) {
		if _, err := os.Stat(place); err != nil {
			return nil, usererr.With(fmt.Errorf("%s is a backup without WhatsApp: %w", path, err), "WhatsApp is not on the phone, or the backup is not whole: back up the phone again")
		}
		reader, err := whatsappdb.Open(ctx, place, o.dataDir, reading)
		return sources.Export{Reader: reader}, err
	}
	passphrase, err := readPassphrase(ctx, path, o.passphraseFile)
	if err != nil {
		return nil, err
	}
	noteUnlocking()
	folder, err := iosbackup.Decrypt(ctx, path, passphrase, o.dataDir, []iosbackup.File{whatsAppFile}, nil)
	if err != nil {
		return nil, err
	}
	reader, err := whatsappdb.Open(ctx, filepath.Join(folder.Path, id[:2], id), o.dataDir, reading)
	if err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	return decrypted{sources.Export{Reader: reader.At(place)}, folder}, nil
}

// signalVariable may hold the key of Signal's database, or the password with which the key is encrypted.
const signalVariable = "SIGNAL_KEY"

// openSignal opens the database of Signal Desktop.
func openSignal(ctx context.Context, o *collectOptions, path string) (sources.Source, error) {
	reading, err := o.reading()
	if err != nil {
		return nil, err
	}
	secret := os.Getenv(signalVariable)
	if o.signalKeyFile != "" {
		data, err := regularfile.Read(o.signalKeyFile, mostSecret)
		if err != nil {
			return nil, fmt.Errorf("cannot read the key: %w", err)
		}
		secret = string(data)
	}
	database := signal.Find(path)
	key, failed := o.key("signal "+stateOf(database+"-wal"), database, &reading) // before it is read: it may change
	reader, err := signal.Open(ctx, database, secret, o.dataDir, reading)
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, errors.Join(failed, reader.Close())
	}
	return sources.Export{Reader: reader, Key: key}, nil
}

// stateOf returns a text that changes with a file; empty if there is none.
func stateOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano())
}

// decrypted is a source whose files were decrypted into a temporary folder.
type decrypted struct {
	sources.Source
	folder *scratch.Dir
}

func (d decrypted) Close() error { return errors.Join(d.Source.Close(), d.folder.Remove()) }

// exportFormat returns the format of another program's exports.
func exportFormat[R sources.Reader](name string, recognize func(*sources.Head) bool, open func(string, sources.Reading) (R, error)) format {
	return format{name: name, recognize: recognize, open: func(_ context.Context, o *collectOptions, path string) (sources.Source, error) {
		reading, err := o.reading()
		if err != nil {
			return nil, err
		}
		reader, err := open(path, reading)
		if err != nil {
			return nil, err
		}
		files := path
		if r, ok := any(reader).(interface{ Folder() string }); ok { // one of its files was named
			files = r.Folder()
		}
		key, err := o.key(name, files, &reading)
		if err != nil {
			return nil, errors.Join(err, reader.Close())
		}
		return sources.Export{Reader: reader, Key: key}, nil
	}}
}

// reading returns how to read an export: who the owner is, and the time zone of its times.
func (o *collectOptions) reading() (sources.Reading, error) {
	zone, err := timeZone(o.zone)
	r := sources.Reading{Zone: zone}
	if err != nil {
		return r, err
	}
	self := ownerFromSettings()
	if len(o.me) > 0 { // it names the owner in this export, where MY_NAME may be somebody else
		self = people.Self{Addresses: append(self.Addresses, o.me...)}
	}
	book := people.NewBook(self)
	r.Asked = len(self.Addresses) > 0 || strings.TrimSpace(self.Name) != ""
	r.Normalize = book.Normalize
	r.Owner = func(name string) bool {
		person, listed := book.Person(name)
		return listed && person == messages.Owner
	}
	return r, nil
}

// key returns a key that changes when the export, or the way in which it is read, changes.
func (o *collectOptions) key(format, path string, r *sources.Reading) (string, error) {
	self := ownerFromSettings()
	winter, summer := time.Date(2024, 1, 1, 0, 0, 0, 0, r.Zone), time.Date(2024, 7, 1, 0, 0, 0, 0, r.Zone)
	return sources.Key(path, version, format, fmt.Sprint(winter, summer), fmt.Sprintf("%q %q %q", self.Name, self.Addresses, o.me))
}

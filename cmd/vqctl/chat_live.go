package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"ventriloquist/internal/generate/chat"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/sources/imessage"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

// liveOptions are the flags of a live conversation.
type liveOptions struct {
	chat         string // as the user names it; "" for none
	noDisclosure bool
	source       string
	contacts     contactsOptions
}

func liveFlags(contacts *contactsOptions) []cli.Flag {
	return inGroup(liveGroup,
		&cli.StringFlag{Name: "live", Usage: "`CHAT` to take part in: the name of a group, of a person, or of all other members, separated by commas"},
		&cli.BoolFlag{Name: "no-disclosure", Usage: "send without the line that says that a model wrote it: your decision"},
		&cli.StringFlag{Name: "source", Value: defaultSource, Usage: "`PATH` of the chat.db with the live conversation"},
		dataDirFlag(&contacts.dataDir), contactsFlag(&contacts.contacts))
}

func liveOptionsOf(c *cli.Command, contacts contactsOptions) (liveOptions, error) {
	o := liveOptions{chat: strings.TrimSpace(c.String("live")), noDisclosure: c.Bool("no-disclosure"), source: c.String("source"), contacts: contacts}
	if !c.IsSet("live") {
		for _, name := range []string{"no-disclosure", "source", "data-dir", "contacts"} {
			if c.IsSet(name) {
				return o, usererr.Usage("--%s is for --live CHAT", name)
			}
		}
		return o, nil
	}
	if o.chat == "" {
		return o, usererr.Usage("--live needs the name of a conversation")
	}
	for _, name := range []string{"member", "type", "context", "real-time"} {
		if c.IsSet(name) {
			return o, usererr.Usage("--live and --%s exclude each other: a live conversation is as its people wrote it", name)
		}
	}
	return o, nil
}

// sender sends messages.
type sender interface {
	// Ready returns why nothing can be sent, nil if it can.
	Ready() error
	// Send sends a text to the chat with a GUID.
	Send(ctx context.Context, chat, text string) error
}

// liveChat follows a conversation of a chat.db: a chat.Live.
type liveChat struct {
	options    *liveOptions
	kind       *format
	path       string // of the database
	owner      string
	inTerminal bool
	sender     sender
	news       chan struct{}
	read       *windows.Chat // the conversation as read last
	book       *people.Book
}

func newLiveChat(o *liveOptions, owner string, inTerminal bool, s sender) *liveChat {
	return &liveChat{options: o, owner: owner, inTerminal: inTerminal, sender: s, news: make(chan struct{}, 1)}
}

// startLive reads the conversation, and watches its database until ctx ends.
func (o *chatOptions) startLive(ctx context.Context, l *liveChat) error {
	stamp, err := l.open()
	if err != nil {
		return err
	}
	warnOfMemory(o.model.adapterDirs())
	d := &o.dialogue
	d.Live, d.NoDisclosure = l, o.live.noDisclosure
	if d.LiveNow, err = l.Read(ctx); err != nil {
		return err
	}
	if d.As == "" && !d.Any {
		d.As = l.owner
	}
	d.FirstLive = !l.explained(ctx)
	go l.watch(ctx, stamp)
	return nil
}

// open finds the database and returns the state of its files.
func (l *liveChat) open() (stamp string, err error) {
	if l.owner == "" {
		return "", usererr.With(errors.New("MY_NAME is not set: your own messages have no name"), "%s", howToSet("MY_NAME", "Your Name"))
	}
	if l.path, err = expandHome(l.options.source); err != nil {
		return "", err
	}
	if l.options.source != defaultSource {
		if err := missingSource(l.path); err != nil {
			return "", err
		}
	}
	if l.kind, err = findFormat("", l.path); err != nil {
		return "", err
	}
	if l.kind.stamp == nil {
		return "", usererr.Usage("--live follows a chat.db, and %s is an export", l.path)
	}
	return l.kind.stamp(l.path)
}

// watch reports changes of the database until ctx ends. While its files cannot be read, it waits.
func (l *liveChat) watch(ctx context.Context, stamp string) {
	for ctx.Err() == nil {
		now, err := waitForChange(ctx, l.kind, l.path, stamp)
		if err != nil {
			select {
			case <-time.After(watchInterval):
			case <-ctx.Done():
			}
			continue
		}
		stamp = now
		select {
		case l.news <- struct{}{}:
		default: // it is not yet read
		}
	}
}

func (l *liveChat) News() <-chan struct{} { return l.news }

// Read collects what changed and returns the end of the conversation.
func (l *liveChat) Read(ctx context.Context) (*chat.LiveConversation, error) {
	dataDir := l.options.contacts.dataDir
	if _, err := collect(ctx, &collectOptions{source: l.path, dataDir: dataDir}, l.kind, l.path); err != nil {
		return nil, err
	}
	db, book, _, err := openBook(ctx, &l.options.contacts)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	chats, left, err := windows.Chats(ctx, db, windows.Options{Owner: l.owner, People: book.Person})
	if err != nil {
		return nil, err
	}
	found, err := findChats(l.options.chat, chats, &left)
	if err != nil {
		return nil, err
	}
	var latest []windows.PastMessage
	for i := range found {
		recent, err := found[i].Recent(ctx, chat.LiveMessages)
		if err != nil {
			return nil, err
		}
		if n := len(recent); i == 0 || n > 0 && (len(latest) == 0 || recent[n-1].Date.After(latest[len(latest)-1].Date)) {
			l.read, latest = &found[i], recent
		}
	}
	l.book = book
	return &chat.LiveConversation{Title: l.read.Title, Members: l.read.Members, Messages: latest}, nil
}

// findChats returns the conversations that a name means: by all members other than the owner or else by the name of a group. There are
// several of one name if the members of a group changed.
func findChats(given string, chats []windows.Chat, left *windows.LeftOut) (found []windows.Chat, err error) {
	var names []string // the ones with the most messages first
	for i := range chats {
		if !slices.Contains(names, chats[i].Title) {
			names = append(names, chats[i].Title)
		}
	}
	named, isTitle := usererr.Match(given, names)
	people := splitNames(given)
	for i := range chats {
		if sameNames(people, chats[i].Others()) {
			return chats[i : i+1], nil
		}
		if isTitle && chats[i].Title == named {
			found = append(found, chats[i])
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	if len(chats) == 0 {
		return nil, usererr.With(errors.New("there is no conversation with people of the contacts file"), "vqctl contacts suggest finds them")
	}
	const most = 12
	advice := "conversations are: " + strings.Join(names[:min(most, len(names))], "; ") + more(len(names)-most)
	if left.Conversations > 0 {
		advice += fmt.Sprintf(". %s with people who are not in the contacts file", terminal.Quantity(left.Conversations, "more conversation")) + " (vqctl contacts suggest)"
	}
	return nil, usererr.Suggest(usererr.Usage("--live %q: there is no such conversation", given), given, names, "%q", advice)
}

// splitNames returns the names in a list with commas.
func splitNames(list string) (names []string) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// sameNames reports whether given are names of all members, in any order and case.
func sameNames(given, members []string) bool {
	var found []string
	for _, name := range given {
		member, is := usererr.Match(name, members)
		if !is {
			return false
		}
		found = append(found, member)
	}
	slices.Sort(found)
	return len(found) > 0 && slices.Equal(slices.Compact(found), members)
}

// Receiver returns the chat of Messages that has the members of the conversation; of several, that with the latest message.
func (l *liveChat) Receiver(ctx context.Context) (chat.Receiver, error) {
	if err := l.sender.Ready(); err != nil {
		return chat.Receiver{}, err
	}
	if !l.inTerminal {
		return chat.Receiver{}, usererr.With(errors.New("nothing is sent: it must first be shown to you, and this is no terminal"), "run it in a terminal")
	}
	source, err := imessage.Open(ctx, l.path, l.options.contacts.dataDir)
	if err != nil {
		return chat.Receiver{}, err
	}
	defer source.Close()
	rows, err := source.ChatRows(ctx)
	if err != nil {
		return chat.Receiver{}, err
	}
	members := peopleKeys(l.book, participantAddresses(l.read.People))
	for _, row := range rows {
		if row.Group == l.read.People.IsGroup() && slices.Equal(peopleKeys(l.book, row.Addresses), members) {
			return chat.Receiver{Name: fmt.Sprintf("%s (%s)", strings.Join(l.read.Others(), ", "), row.GUID), ID: row.GUID}, nil
		}
	}
	return chat.Receiver{}, usererr.With(fmt.Errorf("no chat of Messages has exactly these members: %s", strings.Join(l.read.Others(), ", ")),
		"its members changed, or its messages came from another program: send it there yourself")
}

func (l *liveChat) Send(ctx context.Context, to chat.Receiver, text string) error {
	return l.sender.Send(ctx, to.ID, text)
}

func participantAddresses(c *people.Conversation) (addresses []string) {
	for _, p := range c.Others {
		addresses = append(addresses, p.Address)
	}
	return addresses
}

// peopleKeys returns the keys of the people at addresses other than the owner, sorted.
func peopleKeys(book *people.Book, addresses []string) (keys []string) {
	for _, address := range addresses {
		if p := people.Lookup(book.Person).Person(address); !p.IsOwner() {
			keys = append(keys, p.Key())
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// liveRun is the name of the record that the owner has followed a conversation.
const liveRun = "chat --live"

// explained reports whether live conversations were explained before.
func (l *liveChat) explained(ctx context.Context) bool {
	db, err := openDatabase(ctx, l.options.contacts.dataDir)
	if err != nil {
		return false
	}
	defer db.Close()
	runs, err := db.LastRuns(ctx)
	_, done := runs[liveRun]
	return err == nil && done
}

// recordExplained records that live conversations were explained.
func (o *liveOptions) recordExplained(ctx context.Context) {
	if err := record(ctx, o.contacts.dataDir, liveRun, messages.LastRun{At: time.Now()}); err != nil {
		logOf(ctx).Warn("cannot record that live conversations were explained", zap.Error(err)) // they are explained again
	}
}

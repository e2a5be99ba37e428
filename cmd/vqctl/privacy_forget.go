package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/privacy"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/terminal"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

type forgetOptions struct {
	contactsOptions
	outputDir string
}

func newForgetCommand() *cli.Command {
	var o forgetOptions
	return &cli.Command{
		Name:      "forget",
		Usage:     "erase a person from the data, for good",
		ArgsUsage: "NAME",
		Description: `Erases a person's messages and addresses from messages.db, the training windows, the window files in the data folder, and the
samples and losses in the logs of training runs, and their line from the contacts file; later collects do not bring them back. The direct conversation is erased as a whole; in
groups "forgotten 1" takes the person's place. What others wrote about the person by name stays, and so does what an adapter
has learned: the adapters that were trained on these messages are listed. NAME is a name of the contacts file, or an
address.`,
		Flags: append(o.contactsOptions.flags(), yesFlag(&o.contactsOptions, "erase"),
			&cli.StringFlag{Name: "output-dir", Value: defaultOutputDir, Usage: "`DIR`: folder of the adapters", Destination: &o.outputDir}),
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() != 1 {
				return usererr.With(usererr.Usage("forget takes one name"), "put a name of several words in quotes")
			}
			return runForget(ctx, o, c.Args().First(), os.Stdin, stdout)
		},
	}
}

// forgetResult is what --json prints.
type forgetResult struct {
	Name string `json:"contact"`
	messages.Erased
	Windows  int               `json:"windows"` // of window files
	Samples  int               `json:"samples"` // of the logs of training runs
	Adapters []adapterExposure `json:"adapters"`
	// Traces are files that still contain the name or an address.
	Traces []string `json:"traces"`
	// Unread are files that are compressed in a way that is not known here.
	Unread []string `json:"unread_files"`
	// Strange are window files with names that the contacts do not have.
	Strange []strangeNames `json:"unknown_names"`
	// Moved are files that are no longer where they were written.
	Moved []string `json:"moved_files"`
}

func runForget(ctx context.Context, o forgetOptions, name string, in io.Reader, out io.Writer) error {
	if o.json && !o.yes {
		return usererr.Usage("--json needs --yes: forget asks otherwise")
	}
	db, book, self, err := openBook(ctx, &o.contactsOptions)
	if err != nil {
		return err
	}
	defer db.Close()
	name = listedName(book, name)
	addresses, err := book.AddressesOf(ctx, db, name)
	if err != nil {
		return err
	}
	policy, err := privacy.LoadOrNew(ctx, db, self.Addresses)
	if err != nil {
		return err
	}
	if !o.yes {
		if err := sayErased(ctx, db, policy, name, addresses, out); err != nil {
			return err
		}
		agreed, err := ask(ctx, "Erase this person from "+o.dataDir+"?", in, out)
		if err == nil && !agreed {
			_, err = io.WriteString(out, "nothing was changed\n")
		}
		if err != nil || !agreed {
			return err
		}
	}
	release, err := lockDataFolder(ctx, o.dataDir)
	if err != nil {
		return err
	}
	defer release()
	result := forgetResult{Name: name, Adapters: []adapterExposure{}}
	if policy, err = privacy.LoadOrNew(ctx, db, self.Addresses); err != nil { // as it is now: another command may have changed it
		return err
	}
	if err := checkReadable(ctx, db, o.path(), o.outputDir); err != nil {
		return err
	}
	if result.Erased, err = policy.Forget(ctx, db, addresses); err != nil {
		return err
	}
	if err := removeDefaultExport(ctx, db, o.dataDir); err != nil {
		return err
	}
	if err := db.ForgetLastRuns(ctx); err != nil {
		return err
	}
	written, err := findWritten(ctx, db, o.path(), o.outputDir)
	if err != nil {
		return err
	}
	files := slices.Concat(written.files, written.trained)
	if result.Windows, err = forgetInWindows(files, name); err != nil {
		return err
	}
	if result.Samples, err = forgetInLogs(files, name); err != nil {
		return err
	}
	if err := rewriteCopies(files, func(string) string { return "" }); err != nil { // whose message it is a copy of is not known
		return err
	}
	result.Moved = written.moved
	result.Strange = findStrangeNames(files, book, self.Name)
	if result.Traces, result.Unread, err = tracesOf(files, append([]string{name}, addresses...)); err != nil {
		return err
	}
	for _, folder := range written.folders {
		exposed, err := exposedAdapters(folder, name)
		if err != nil {
			return err
		}
		result.Adapters = append(result.Adapters, exposed...)
	}
	for _, path := range written.models {
		result.Adapters = append(result.Adapters, adapterExposure{path, "unknown"})
	}
	// The contacts file is last: as long as the name is in it, a forget that was killed can be run again.
	if err := forgetContact(o.path(), name); err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(out).Encode(result)
	}
	return result.print(out)
}

// sayErased says who is to be erased, and how much goes with them.
func sayErased(ctx context.Context, db *messages.DB, policy *privacy.Policy, name string, addresses []string, out io.Writer) error {
	finish := waiting("counting the messages")
	erased, err := policy.WouldForget(ctx, db, addresses)
	finish()
	if err != nil {
		return err
	}
	printWrapped(out, "", name+": "+strings.Join(addresses, ", "))
	text := fmt.Sprintf("%s of %s and %s will be erased, for good: later collects do not bring them back", terminal.Quantity(erased.Messages, "message"),
		terminal.Quantity(erased.Conversations, "conversation"), terminal.Quantity(erased.Attachments, "attachment"))
	if erased.Groups > 0 {
		text += fmt.Sprintf("; in %s a stand-in takes their place", terminal.Quantity(erased.Groups, "group"))
	}
	printWrapped(out, "", text)
	return nil
}

// listedName returns the name under which the contacts list a person, who may be given in another case or by an address. Windows
// and the contacts file have that name.
func listedName(book *people.Book, given string) string {
	if name, found := usererr.Match(given, book.Names()); found {
		return name
	}
	if who, listed := book.Person(given); listed && who != messages.Owner {
		return who
	}
	return given
}

// forgetInWindows erases a person from those of the files that hold windows, and returns how many windows it removed.
func forgetInWindows(files []string, name string) (dropped int, err error) {
	for _, path := range files {
		n, err := windows.DropMember(path, name)
		if err != nil {
			return dropped, err
		}
		dropped += n
	}
	return dropped, nil
}

// forgetContact erases a person from the contacts file.
func forgetContact(path, name string) error {
	file, err := regularfile.Read(path, mostContacts)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the contacts: %w", err)
	}
	if kept, changed := people.RemoveContact(file, name); changed {
		return atomicfile.WriteAll(path, func(w io.Writer) error {
			_, err := w.Write(kept)
			return err
		})
	}
	return nil
}

func (r *forgetResult) print(out io.Writer) error {
	text := fmt.Sprintf("%q is forgotten: %s of %s, %s and %s in files are gone\n",
		r.Name, terminal.Quantity(r.Messages, "message"), terminal.Quantity(r.Conversations, "conversation"), terminal.Quantity(r.Attachments, "attachment"), terminal.Quantity(r.Windows, "window"))
	if r.Samples > 0 {
		text += fmt.Sprintf("%s in the logs of training runs are gone\n", terminal.Quantity(r.Samples, "sample"))
	}
	if r.Groups > 0 {
		text += fmt.Sprintf("a stand-in takes their place in %s\n", terminal.Quantity(r.Groups, "group"))
	}
	text += "run `vqctl preprocess` again: the training windows are gone\n"
	for _, a := range r.Adapters {
		text += fmt.Sprintf("%s %s\n", filepath.Clean(a.Path), a.words())
	}
	for _, path := range r.Traces {
		text += fmt.Sprintf("%s still contains the name or an address: others wrote it, or it was written before; delete it or write it again\n", path)
	}
	for _, s := range r.Strange {
		text += s.words() + "\n"
	}
	for _, path := range r.Unread {
		text += fmt.Sprintf("%s is compressed in a way that vqctl cannot look into: delete it if it holds messages\n", path)
	}
	text += movedInWords(r.Moved)
	_, err := io.WriteString(out, fitLines(text, terminalWidth(out)))
	return err
}

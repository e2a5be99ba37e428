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
	retrain   bool
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
address.

--retrain also trains the run in --output-dir again without the person, with its own options and seeds, and replaces it when that is
done. The result is byte for byte that of a run on data that never had the person. It starts from the last checkpoint that had not
seen the person if such a run would have written the same one, else from the start. It says what this costs, and asks, before
anything changes. A command that was stopped goes on where it was when it is run again.`,
		Flags: append(o.contactsOptions.flags(), yesFlag(&o.contactsOptions, "erase"),
			&cli.StringFlag{Name: "output-dir", Value: defaultOutputDir, Usage: "`DIR`: folder of the adapters", Destination: &o.outputDir},
			&cli.BoolFlag{Name: "retrain", Usage: "train the run in --output-dir again without the person", Destination: &o.retrain}),
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
	// Retrained is the adapter that was trained again, with --retrain.
	Retrained string `json:"retrained,omitempty"`
}

func newForgetResult(name string) *forgetResult {
	return &forgetResult{Name: name, Adapters: []adapterExposure{}, Traces: []string{}, Unread: []string{}, Strange: []strangeNames{}, Moved: []string{}}
}

func runForget(ctx context.Context, o forgetOptions, name string, in io.Reader, out io.Writer) error {
	if o.json && !o.yes {
		return usererr.Usage("--json needs --yes: forget asks otherwise")
	}
	if o.retrain {
		return runForgetRetrain(ctx, o, name, in, out)
	}
	f, err := openForgetting(ctx, &o, name)
	if err != nil {
		return err
	}
	defer f.db.Close()
	if agreed, err := f.ask(ctx, "", in, out); err != nil || !agreed {
		return err
	}
	result, err := f.erase(ctx)
	if err != nil {
		return err
	}
	return result.write(out, o.json)
}

// forgetting is a person who is to be erased from a data folder.
type forgetting struct {
	options   *forgetOptions
	db        *messages.DB
	book      *people.Book
	self      people.Self
	name      string // as the contacts list it
	addresses []string
	also      []string // window files elsewhere
}

func openForgetting(ctx context.Context, o *forgetOptions, name string) (*forgetting, error) {
	db, book, self, err := openBook(ctx, &o.contactsOptions)
	if err != nil {
		return nil, err
	}
	f := &forgetting{options: o, db: db, book: book, self: self, name: listedName(book, name)}
	if f.addresses, err = book.AddressesOf(ctx, db, f.name); err != nil {
		db.Close()
		return nil, err
	}
	return f, nil
}

// ask says who is to be erased, and what else will be done, and reports whether the user agrees.
func (f *forgetting) ask(ctx context.Context, also string, in io.Reader, out io.Writer) (bool, error) {
	if f.options.yes {
		return true, nil
	}
	policy, err := privacy.LoadOrNew(ctx, f.db, f.self.Addresses)
	if err != nil {
		return false, err
	}
	if err := sayErased(ctx, f.db, policy, f.name, f.addresses, out); err != nil {
		return false, err
	}
	return askToErase(ctx, f.options.dataDir, also, in, out)
}

// askToErase asks the question itself.
func askToErase(ctx context.Context, folder, also string, in io.Reader, out io.Writer) (bool, error) {
	if also != "" {
		printWrapped(out, "", also)
	}
	agreed, err := ask(ctx, "Erase this person from "+folder+"?", in, out)
	if err == nil && !agreed {
		_, err = io.WriteString(out, "nothing was changed\n")
	}
	return agreed, err
}

// erase erases the person from the database, the files that were written from it, and the contacts.
func (f *forgetting) erase(ctx context.Context) (*forgetResult, error) {
	o := f.options
	release, err := lockDataFolder(ctx, o.dataDir)
	if err != nil {
		return nil, err
	}
	defer release()
	policy, err := privacy.LoadOrNew(ctx, f.db, f.self.Addresses) // as it is now: another command may have changed it
	if err != nil {
		return nil, err
	}
	if err := checkReadable(ctx, f.db, o.path(), o.outputDir); err != nil {
		return nil, err
	}
	result := newForgetResult(f.name)
	if result.Erased, err = policy.Forget(ctx, f.db, f.addresses); err != nil {
		return nil, err
	}
	if err := removeDefaultExport(ctx, f.db, o.dataDir); err != nil {
		return nil, err
	}
	if err := f.db.ForgetLastRuns(ctx); err != nil {
		return nil, err
	}
	written, err := findWritten(ctx, f.db, o.path(), o.outputDir)
	if err != nil {
		return nil, err
	}
	files := slices.Concat(written.files, written.trained, f.also)
	if err := result.eraseFromFiles(files); err != nil {
		return nil, err
	}
	result.Moved = written.moved
	result.Strange = findStrangeNames(files, f.book, f.self.Name)
	if err := result.findTraces(files, append([]string{f.name}, f.addresses...), written.folders); err != nil {
		return nil, err
	}
	for _, path := range written.models {
		result.Adapters = append(result.Adapters, adapterExposure{path, "unknown"})
	}
	// The contacts file is last: as long as the name is in it, a forget that was killed can be run again.
	return result, forgetContact(o.path(), f.name)
}

// eraseFromFiles erases the person from window files, logs and results among the files.
func (r *forgetResult) eraseFromFiles(files []string) (err error) {
	if r.Windows, err = forgetInWindows(files, r.Name); err != nil {
		return err
	}
	if r.Samples, err = forgetInLogs(files, r.Name); err != nil {
		return err
	}
	if err := removeStages(files); err != nil {
		return err
	}
	if err := forgetCanaries(files, r.Name); err != nil {
		return err
	}
	return rewriteCopies(files, func(string) string { return "" }) // whose message it is a copy of is not known
}

// findTraces finds what is left of the person: in the files, and in the adapters of the folders.
func (r *forgetResult) findTraces(files, words, folders []string) (err error) {
	if r.Traces, r.Unread, err = tracesOf(files, words); err != nil {
		return err
	}
	for _, folder := range folders {
		exposed, err := exposedAdapters(folder, r.Name)
		if err != nil {
			return err
		}
		r.Adapters = append(r.Adapters, exposed...)
	}
	return nil
}

// write writes the result for people or programs.
func (r *forgetResult) write(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	return r.print(out)
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
	if r.Retrained == "" {
		text += "run `vqctl preprocess` again: the training windows are gone\n"
	} else {
		text += fmt.Sprintf("%s was trained again without them\n", r.Retrained)
	}
	for _, a := range r.Adapters {
		text += fmt.Sprintf("%s %s\n", filepath.Clean(a.Path), a.words())
	}
	if r.Retrained == "" && len(r.Adapters) > 0 {
		text += fmt.Sprintf("`vqctl forget %s --retrain` trains the run in --output-dir again without them\n", quoteForShell(r.Name))
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

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"

	"ventriloquist/internal/terminal"
)

// kept says what of a kind an export holds and collect keeps.
type kept string

const (
	all  kept = "yes"
	part kept = "partly"
	none kept = "no"
)

// sourceGuide is what people want to know of a source. docs/sources.md has the same table.
type sourceGuide struct {
	Format      string `json:"format"`
	Source      string `json:"source"`
	Get         string `json:"how_to_get_it"`
	Replies     kept   `json:"replies"`
	Reactions   kept   `json:"reactions"`
	Edits       kept   `json:"edits"`
	Deletions   kept   `json:"deletions"`
	Attachments kept   `json:"attachments"`
	Members     kept   `json:"members_over_time"`
}

// sourceGuides are the guides, in the order of formats.
var sourceGuides = []sourceGuide{
	{"imessage", "Messages of a Mac (chat.db), or of an iPhone in its backup", "nothing to export: Full Disk Access for the terminal; for an iPhone, back it up to the computer", all, all, all, all, all, all},
	{"whatsapp-db", "WhatsApp's own database", "iPhone: back it up, and collect the backup with --format whatsapp-db; Android: decrypt msgstore.db.crypt15 with your 64-digit key (wa-crypt-tools)", all, part, none, all, all, all},
	{"signal", "Signal Desktop", "nothing to export: collect its folder (~/.config/Signal, ~/Library/Application Support/Signal); if its key is in the keyring, collect says which command prints the key's password", all, all, all, all, part, all},
	{"sigtop", "Signal's conversations, exported by sigtop as JSON", "sigtop export-messages -f json; Signal Desktop's folder itself has more, collect that if you can", all, part, all, all, part, none},
	{"signal-cli", "what signal-cli received, as JSON lines", "signal-cli --output=json receive >>FILE", all, all, all, all, part, none},
	{"jsonl", "JSON lines, and what `vqctl export` writes", "convert any other history to {\"chat\", \"time\", \"name\", \"text\", \"reply_to\"}", all, all, all, all, all, all},
	{"whatsapp", "exported chats of WhatsApp", "in a chat: More (Android) or the contact's page (iPhone) > Export chat", none, none, none, none, all, none},
	{"telegram", "Telegram Desktop's export", "Settings > Advanced > Export Telegram data, format: machine-readable JSON", all, part, none, none, all, none},
	{"telegram-html", "Telegram Desktop's export in HTML", "what you already have; a new export is better in JSON, which has identifiers of chats and people", all, part, none, none, all, none},
	{"meta", "Messenger and Instagram: Meta's download", "Accounts Center > Your information > Download your information, format JSON. Encrypted chats: Messenger > Settings > Privacy > Encrypted chats > Download", none, all, none, all, all, none},
	{"discord", "DiscordChatExporter's JSON, and the data package that Discord gives you", "export chats in the format JSON, with reactions' users; the package (Settings > Data & Privacy > Request all of my data) has only your own messages", all, all, none, none, all, none},
	{"slack", "Slack's export of a workspace", "as an administrator: workspace settings > Import/Export Data > Export; slackdump exports your own chats in the same form", all, all, none, part, part, none},
	{"google-chat", "Google Chat, from a Google Takeout", "takeout.google.com with Google Chat, in an account whose language is English", all, all, none, part, all, none},
	{"google-voice", "Google Voice, from a Google Takeout", "takeout.google.com with Voice", none, none, none, none, all, none},
	{"imessage-exporter", "imessage-exporter's files (HTML or text)", "what you already have; a new export is better as HTML (-f html), which has identifiers; chat.db and the phone's backup have more", all, all, all, part, all, none},
	{"imazing", "iMazing's tables of messages and WhatsApp chats (CSV)", "in iMazing: Messages or WhatsApp > Export to CSV; the phone's own backup has more, collect that if you can", part, none, none, none, all, none},
	{"android-sms", "SMS Backup & Restore (Android)", "in the app: Back up now, with messages; the file is sms-….xml", none, none, none, none, all, none},
}

func newSourcesCommand() *cli.Command {
	asJSON := false
	return &cli.Command{
		Name:  "sources",
		Usage: "list what collect reads, how to get it, and what is kept of it",
		Description: `Lists the sources of messages, with the name of their --format, how to get each, and which kinds of information they hold and
collect keeps: replies, reactions, edits, deletions, attachments, and the members of groups over time.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print a JSON array", Destination: &asJSON}},
		Action: func(_ context.Context, c *cli.Command) error {
			if err := noArguments(c, ""); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(stdout).Encode(sourceGuides)
			}
			return printSources(stdout)
		},
	}
}

// printSources prints a table of what is kept, and how to get each source.
func printSources(out io.Writer) error {
	var text strings.Builder
	table := terminal.NewTable("format", "replies", "reactions", "edits", "deletions", "attachments", "members over time")
	for _, g := range sourceGuides {
		table.Add(g.Format, string(g.Replies), string(g.Reactions), string(g.Edits), string(g.Deletions), string(g.Attachments), string(g.Members))
	}
	width := terminalWidth(out)
	text.WriteString(table.Fit(width))
	for _, g := range sourceGuides {
		fmt.Fprintf(&text, "\n%s: %s\n  %s\n", g.Format, g.Source, g.Get)
	}
	text.WriteString("\ncollect detects the format: vqctl collect --source PATH")
	_, err := io.WriteString(out, fitLines(text.String(), width)+"\n")
	return err
}

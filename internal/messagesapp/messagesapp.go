// Package messagesapp sends messages with the Messages program of a Mac.
//
// In: the GUID of a chat, a text. Out: an AppleScript that osascript runs, which asks Messages to send the text. It must not know:
// people, models, who decided to send.
package messagesapp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"ventriloquist/internal/usererr"
)

// App is the program that sends.
type App struct {
	system string // runtime.GOOS
	run    func(ctx context.Context, script string, args ...string) error
}

// New returns the Messages of this machine.
func New() *App { return &App{system: runtime.GOOS, run: osascript} }

// Ready returns why nothing can be sent on this machine, nil if it can.
func (a *App) Ready() error {
	if a.system == "darwin" {
		return nil
	}
	return usererr.With(errors.New("nothing is sent: only Messages on a Mac can send"), "copy the text and send it yourself, or run this on the Mac")
}

// script takes the text and the chat as arguments, so that nothing in them can become part of it.
const script = `on run argv
	tell application "Messages" to send (item 1 of argv) to chat id (item 2 of argv)
end run
`

// patience is how long Messages may take to start and send; the first time, macOS asks its user for permission meanwhile.
const patience = 2 * time.Minute

// Send sends a text to the chat with a GUID.
func (a *App) Send(ctx context.Context, chat, text string) error {
	if err := a.Ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := a.run(ctx, script, text, chat)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return usererr.With(errors.New("sending was stopped, and the message may have been sent or not"), "look in Messages before you send it again")
	}
	return usererr.With(fmt.Errorf("the message was not sent by Messages: %w", err), "%s", advice(err.Error()))
}

// The numbers of AppleScript's errors.
const (
	notAllowed = "(-1743)"
	noSuchChat = "(-1728)"
)

func advice(failure string) string {
	switch {
	case strings.Contains(failure, notAllowed):
		return "allow this terminal to control Messages: System Settings > Privacy & Security > Automation"
	case strings.Contains(failure, noSuchChat):
		return "Messages does not offer this chat to other programs: send it there yourself"
	}
	return "look in Messages whether it is signed in and whether the message is there"
}

// osascript runs a script. Arguments follow the name of the script, so that none is taken for an option.
func osascript(ctx context.Context, script string, args ...string) error {
	cmd := exec.CommandContext(ctx, "/usr/bin/osascript", append([]string{"-"}, args...)...)
	cmd.Stdin = strings.NewReader(script)
	var failure bytes.Buffer
	cmd.Stderr = &failure
	err := cmd.Run()
	if text := strings.TrimSpace(failure.String()); err != nil && text != "" {
		return fmt.Errorf("%s", text)
	}
	return err
}

// Package describe turns attachments into words: one line of plain words for an image, a video, a voice message or a
// document.
//
// What enters: the attachments of messages.db ([store.DB.Attachments]), their files, and a [Service], which is a model
// that looks and listens: Gemini, or a server on the owner's machine. What leaves: descriptions in messages.db, each
// committed as it comes ([store.DB.Describe]), and a [Report]. The package must not know windows, contacts or training.
//
// # From a file to a line
//
//   - [Locator] finds the file where its source said it lies: a path, a backup's hashed name, a member of a zip.
//   - formatOf tells by its first bytes what it is, whatever its name says.
//   - preparer makes of it what the service takes: a JPEG, the first seconds of a video, a sound without its container.
//   - [Service] asks the model; asker asks again when it should, and no oftener than it may.
//   - oneLine makes a line of the answer.
//
// # What is kept private
//
// Nothing is sent before [Run], which the caller begins when the owner agreed to the [Plan]. No error and no log quotes
// what a file holds or what a model says of it. What JPEGs, and videos where ffmpeg is there, say of the place and the
// camera is taken out before they are sent. Temporary files have mode 0600, in a folder of mode 0700 that goes when Run returns.
package describe

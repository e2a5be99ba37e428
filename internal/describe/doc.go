// Package describe turns attachments into words: one line of plain text for an image, a video, a voice message or a document.
//
// In: the attachments of messages.db ([messages.DB.Attachments]), their files, and a [Service], a multimodal model: Gemini, or
// a server on the owner's machine. Out: descriptions in messages.db ([messages.DB.Describe]), each committed when it arrives,
// and a [Report]. It must not know: windows, contacts, training.
//
// # From a file to a line
//
//   - [Locator] finds the file that the source names: a path, a backup's hashed name, a member of a zip.
//   - formatOf detects its format by its first bytes, whatever its name is.
//   - preparer converts it to what the service accepts: a JPEG, the first seconds of a video, a sound without its container.
//   - [Service] asks the model; asker retries and limits the rate.
//   - oneLine turns the answer into one line.
//
// # Privacy
//
// Nothing is sent before [Run], which the caller starts once the owner has agreed to the [Plan]. Errors and logs never quote
// the content of a file or a model's answer. Location and camera data are removed from JPEGs, and with ffmpeg from videos,
// before they are sent. Temporary files have mode 0600, in a folder of mode 0700 that is removed when Run returns.
package describe

package usererr

// FullDiskAccess is what to do on a Mac about a file of the system's that may not be read.
const FullDiskAccess = `macOS keeps messages and contacts from programs without Full Disk Access: open System Settings > Privacy & Security > ` +
	`Full Disk Access, switch your terminal on there (+ adds it), quit the terminal, open it again, and run the command again`

// PermissionAdvice is what to do about a file that may not be read; system is a runtime.GOOS.
func PermissionAdvice(system, path string) string {
	if system == "darwin" {
		return FullDiskAccess
	}
	return "you need the right to read " + path
}

package iosbackup

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/sources/plistdata"
	"ventriloquist/internal/usererr"
)

// Info is a backup's description of itself.
type Info struct {
	Dir    string
	Device string // the phone's name, if the backup states it
	Date   time.Time
}

// List returns the backups in a folder of backups, such as MobileSync/Backup. Each has its own folder.
func List(folder string) []Info {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var list []Info
	for _, e := range entries {
		dir := filepath.Join(folder, e.Name())
		if _, err := os.Stat(filepath.Join(dir, manifestList)); err != nil {
			continue
		}
		list = append(list, info(dir))
	}
	return list
}

// Only returns the only backup in a folder of backups, and any other path unchanged.
func Only(path string) (string, error) {
	backups := List(path)
	switch len(backups) {
	case 0:
		return path, nil
	case 1:
		return backups[0].Dir, nil
	}
	text := ""
	for _, b := range backups {
		text += "\n  " + b.Dir
		if b.Device != "" {
			text += fmt.Sprintf(" (%s, %s)", b.Device, b.Date.Format(time.DateOnly))
		}
	}
	return "", usererr.With(fmt.Errorf("%s holds %d backups:%s", path, len(backups), text), "name one of them with %v", usererr.Option("source"))
}

// info reads Info.plist, which may be missing.
func info(dir string) Info {
	data, err := regularfile.Read(filepath.Join(dir, "Info.plist"), largestList)
	var content struct {
		Device string    `plist:"Device Name"`
		Date   time.Time `plist:"Last Backup Date"`
	}
	if err == nil {
		err = plistdata.Unmarshal(data, &content)
	}
	if err != nil {
		return Info{Dir: dir}
	}
	return Info{Dir: dir, Device: content.Device, Date: content.Date}
}

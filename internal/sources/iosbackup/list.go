package iosbackup

import (
	"os"
	"path/filepath"
	"time"

	"howett.net/plist"
)

// Info is what a backup says of itself.
type Info struct {
	Dir    string
	Device string // what the phone is called, if it says so
	Date   time.Time
}

// List returns the backups in a folder of backups, such as MobileSync/Backup: each has a folder of its own.
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

// info reads Info.plist, which may not be there.
func info(dir string) Info {
	data, err := os.ReadFile(filepath.Join(dir, "Info.plist"))
	var content struct {
		Device string    `plist:"Device Name"`
		Date   time.Time `plist:"Last Backup Date"`
	}
	if err == nil {
		_, err = plist.Unmarshal(data, &content)
	}
	if err != nil {
		return Info{Dir: dir}
	}
	return Info{Dir: dir, Device: content.Device, Date: content.Date}
}

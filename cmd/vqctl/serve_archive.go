package main

import (
	"context"
	"net"
	"net/url"
	"path/filepath"

	"ventriloquist/internal/serve/archive"
	"ventriloquist/internal/stats"
	"ventriloquist/internal/train"
)

// archive is what the page shows besides the model.
func (o *serveOptions) archive() *archive.Archive {
	return &archive.Archive{Database: databasePath(o.contacts.dataDir), Gather: o.gatherStatistics, FindRuns: o.runs}
}

func (o *serveOptions) gatherStatistics(ctx context.Context) (*stats.Report, error) {
	s := statsOptions{contactsOptions: o.contacts}
	db, book, self, err := openBook(ctx, &s.contactsOptions)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return s.gather(ctx, db, book, self)
}

// runs returns the training runs that made the adapters.
func (o *serveOptions) runs() (list []archive.RunFolder) {
	adapters := o.adapters
	if len(adapters) == 0 {
		if _, dir, err := o.model.resolve(); err == nil && dir != "" {
			adapters = []string{dir}
		}
	}
	seen := make(map[string]bool)
	for _, dir := range adapters {
		for _, folder := range []string{dir, filepath.Dir(filepath.Clean(dir))} {
			if !hasLog(folder) {
				continue
			}
			if !seen[folder] {
				seen[folder] = true
				list = append(list, archive.RunFolder{Folder: folder, Training: func() bool { return train.Running(folder) != 0 }})
			}
			break
		}
	}
	return list
}

// pageAddress is the address of the page for a browser on this machine. It has no token: other users see the command that opens it.
func pageAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	if host, port, err := net.SplitHostPort(u.Host); err == nil {
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			u.Host = net.JoinHostPort("localhost", port)
		}
	}
	u.Path = "/"
	return u.String()
}

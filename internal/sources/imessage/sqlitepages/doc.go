// Package sqlitepages reports which rows of an SQLite database may have changed since an earlier snapshot. It compares the
// bytes of the pages that contain them.
//
// In: the path of a database with its -wal file, while the caller holds a read transaction on it (so that no page of its
// snapshot is overwritten), and the root pages of the tables of interest. Out: the leaves of each table in order, each
// with a checksum and its last row ID; [Changed] compares two such lists. Where a page is damaged, or another process commits
// it at that moment, the checksum is [Unknown], and the rows may always have changed. The package knows the file format but not the
// content of the tables. It reads each page once, without SQLite.
//
//	survey.go  computes checksums of the pages in the file and of the committed ones in the WAL
//	wal.go     which pages are in the WAL
//	tree.go    from a root page to the leaves
//	leaves.go  compares, encodes and decodes lists of leaves
//
// The format is described at sqlite.org/fileformat2.html.
package sqlitepages

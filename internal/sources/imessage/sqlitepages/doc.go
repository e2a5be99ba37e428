// Package sqlitepages reports which rows of an SQLite database may have changed since an earlier snapshot, by the bytes of the pages
// that they lie on.
//
// In: the path of a database, with the -wal file beside it, while the caller holds a read transaction on it (so
// that no page of its snapshot is overwritten); the root pages of the tables of interest. Out: for each table its
// leaves, a checksum and the last row id of each, in order; [Changed] compares two such lists. The package knows the file
// format and nothing of what is in the tables. It reads each page once, without SQLite.
//
//	survey.go  reads and sums up the pages of the file, and of the WAL what is committed
//	wal.go     which pages the WAL holds
//	tree.go    from a root page to the leaves
//	leaves.go  two lists of leaves compared; lists as bytes
//
// The format is described at sqlite.org/fileformat2.html.
package sqlitepages

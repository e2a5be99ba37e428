package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
	"ventriloquist/internal/usererr"
)

// knownIDs returns the addresses and names of people in messages.db, as normalized by a book; none before the first collect.
func knownIDs(ctx context.Context, dataDir string, book *people.Book) (map[string]bool, error) {
	known := map[string]bool{}
	if _, err := os.Stat(databasePath(dataDir)); errors.Is(err, os.ErrNotExist) {
		return known, nil
	}
	db, err := openDatabase(ctx, dataDir)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return idsIn(ctx, db, book)
}

func idsIn(ctx context.Context, db *messages.DB, book *people.Book) (map[string]bool, error) {
	reader, err := db.Reader(ctx, nil)
	if err != nil {
		return nil, err
	}
	names, err := reader.Names(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, address := range reader.Addresses() {
		known[book.Normalize(address)] = true
	}
	for _, name := range names {
		known[book.Normalize(name)] = true
	}
	return known, nil
}

// withoutCommas removes commas and semicolons between ids, as in a list. Ids that the messages have stay as they are.
func withoutCommas(arguments []string, book *people.Book, known map[string]bool) (ids []string) {
	for _, argument := range arguments {
		if known[book.Normalize(argument)] {
			ids = append(ids, argument)
			continue
		}
		for _, id := range strings.FieldsFunc(argument, func(r rune) bool { return r == ',' || r == ';' }) {
			if id = strings.TrimSpace(id); id != "" {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// fewestPhoneDigits is the least that a telephone number has: fewer make the short number of a company.
const fewestPhoneDigits = 7

// joinNumbers joins arguments that are pieces of a telephone number, as in +1 415 555 1021. Whole numbers, and what is known from the
// messages, stay as they are.
func joinNumbers(arguments []string, book *people.Book, known map[string]bool) (ids []string) {
	for at := 0; at < len(arguments); {
		end := at + 1
		for end < len(arguments) && isPiece(arguments[end], book, known) && !strings.HasPrefix(arguments[end], "+") {
			end++
		}
		joined := strings.Join(arguments[at:end], " ")
		number := book.Normalize(joined)
		if end > at+1 && isPiece(arguments[at], book, known) && strings.HasPrefix(number, "+") && len(number) > fewestPhoneDigits {
			ids, at = append(ids, joined), end
			continue
		}
		ids, at = append(ids, arguments[at]), at+1
	}
	return ids
}

// isPiece reports whether an argument can be a part of a telephone number and is none itself.
func isPiece(argument string, book *people.Book, known map[string]bool) bool {
	digits := 0
	for _, c := range argument {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case !strings.ContainsRune("+-().", c):
			return false
		}
	}
	return digits < fewestPhoneDigits && !known[book.Normalize(argument)]
}

// checkID returns an error for an id that no message can have: it is no whole address, and the messages do not have it.
func checkID(id string, book *people.Book, known map[string]bool) error {
	normalized := book.Normalize(id)
	if normalized != "" && (known[normalized] || people.IsAddress(id) && !isPiece(id, book, known)) {
		return nil
	}
	refused := usererr.Usage("%q is neither a telephone number nor an e-mail address, and no message has it", id)
	if isPiece(id, book, known) {
		return usererr.With(refused, `put quotes around a number with spaces: "+1 415 555 0123"`)
	}
	return usererr.With(refused, "`vqctl contacts` lists the addresses and names that the messages have")
}

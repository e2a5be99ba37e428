package main

import (
	"strings"

	"ventriloquist/internal/usererr"
)

// The other packages name an option by the field that holds it, such as "batch_size". Its flag has the same name with dashes,
// which TestOptions_HaveFlags checks.
func init() {
	usererr.SpellOptions(flagOfOption)
}

func flagOfOption(field string) string { return "--" + strings.ReplaceAll(field, "_", "-") }

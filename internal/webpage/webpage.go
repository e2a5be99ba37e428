// Package webpage is the look that the pages of vqctl share: colors for light and dark, cards, tables, plots.
//
// Out: a style sheet, which a page holds itself, because it loads nothing. It must not know: what a page is about.
package webpage

import (
	_ "embed"
	"html/template"
)

//go:embed style.css
var style string

// Style returns the style sheet.
func Style() template.CSS { return template.CSS(style) }

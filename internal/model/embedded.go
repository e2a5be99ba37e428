package model

import "ventriloquist/internal/model/tiny"

// embedded is the model inside the program.
func embedded() Location {
	return Location{Name: Tiny, files: tiny.Files}
}

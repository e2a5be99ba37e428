package model

import "ventriloquist/internal/model/tiny"

// embedded is the model inside the program.
func embedded() Source {
	return Source{Name: Tiny, files: tiny.Files}
}

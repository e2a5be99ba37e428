package model

import "errors"

// embedded is the model inside the program.
func embedded() (Source, error) {
	return Source{}, errors.New("this build has no embedded model")
}

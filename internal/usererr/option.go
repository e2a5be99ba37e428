package usererr

import "fmt"

// Option names an option of a command by its field, such as "batch_size". Only the command line knows flags: what is below it
// writes an Option into a text with %v, and the user reads it as SpellOptions says.
type Option string

// spell writes the field of an option for the user.
var spell = func(field string) string { return field }

// SpellOptions sets how options are written for the user. The command line calls it once, before anything else.
func SpellOptions(as func(field string) string) { spell = as }

// String is the option as the user knows it.
func (o Option) String() string { return spell(string(o)) }

// Field is the error of an option that has a wrong value. It matches ErrUsage.
type Field struct {
	Name    Option
	Problem string // follows the name: "must be at least 1"
}

func (f *Field) Error() string        { return f.Name.String() + " " + f.Problem }
func (f *Field) Is(target error) bool { return target == ErrUsage }

// Invalid returns the error of an option that has a wrong value.
func Invalid(name Option, format string, args ...any) error {
	return &Field{Name: name, Problem: fmt.Sprintf(format, args...)}
}

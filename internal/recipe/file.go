package recipe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"ventriloquist/internal/atomicfile"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// FileName is the name of the file in the data folder that has the settings that tune found.
const FileName = "train.toml"

// mostBytes limits the size of the file.
const mostBytes = 1 << 20

// Value is a setting in the file.
type Value struct {
	Name string // with dashes, as a flag without its own
	Text string // as on the command line
	Line int    // from 1
}

// ReadFile reads the settings in a file, in its order. names are those that may be in it; underscores count as dashes.
func ReadFile(path string, names []string) ([]Value, error) {
	content, err := regularfile.Read(path, mostBytes)
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := toml.Unmarshal(content, &all); err != nil {
		return nil, syntaxError(path, err)
	}
	parser := &unstable.Parser{}
	parser.Reset(content)
	var list []Value
	for parser.NextExpression() {
		e := parser.Expression()
		line, key := 0, ""
		for it := e.Key(); it.Next(); {
			if line == 0 {
				line = parser.Shape(it.Node().Raw).Start.Line
			} else {
				key += "."
			}
			key += string(it.Node().Data)
		}
		where := fmt.Sprintf("%s:%d", path, line)
		if e.Kind != unstable.KeyValue {
			return nil, usererr.With(fmt.Errorf("%s: the settings of train are not in a table such as [%s]", where, key), "remove this line")
		}
		v, err := valueOf(where, key, all[key], names)
		if err != nil {
			return nil, err
		}
		v.Line = line
		for _, before := range list {
			if before.Name == v.Name {
				return nil, usererr.With(fmt.Errorf("%s: %s is set twice, first in line %d", where, v.Name, before.Line), "remove one of the lines")
			}
		}
		list = append(list, v)
	}
	return list, nil
}

func valueOf(where, key string, value any, names []string) (v Value, err error) {
	v.Name = strings.ReplaceAll(key, "_", "-")
	known := false
	for _, name := range names {
		known = known || name == v.Name
	}
	if !known {
		return v, usererr.Suggest(fmt.Errorf("%s: train has no setting %q", where, key), v.Name, names, "%s", "these can be set: "+strings.Join(names, ", "))
	}
	switch x := value.(type) {
	case string:
		v.Text = x
	case int64:
		v.Text = strconv.FormatInt(x, 10)
	case float64:
		v.Text = strconv.FormatFloat(x, 'g', -1, 64)
	case bool:
		v.Text = strconv.FormatBool(x)
	default:
		return v, usererr.With(fmt.Errorf("%s: %s must be a number, a text in quotes, true or false", where, key), "write it as on the command line: %s = VALUE", v.Name)
	}
	return v, nil
}

func syntaxError(path string, err error) error {
	decode := (*toml.DecodeError)(nil)
	if !errors.As(err, &decode) {
		return fmt.Errorf("%s: %w", path, err)
	}
	line, column := decode.Position()
	return usererr.With(fmt.Errorf("%s:%d:%d: %s", path, line, column, strings.TrimPrefix(decode.Error(), "toml: ")),
		`correct the line; the form is NAME = VALUE, with texts in quotes: lr-scheduler = "cosine"`)
}

// Format returns the settings as the text of a file, below comments.
func Format(comments []string, list []Value) string {
	var text strings.Builder
	for _, line := range comments {
		text.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
	for _, v := range list {
		shown := v.Text
		if _, err := strconv.ParseFloat(shown, 64); err != nil && shown != "true" && shown != "false" {
			shown = quoted(shown)
		}
		fmt.Fprintf(&text, "%s = %s\n", v.Name, shown)
	}
	return text.String()
}

// quoted returns a text as TOML's basic string.
func quoted(text string) string {
	encoded, err := toml.Marshal(map[string]string{"a": text})
	if err != nil { // a text that is not valid UTF-8
		return strconv.Quote(strings.ToValidUTF8(text, "?"))
	}
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(encoded)), "a ="))
}

// WriteFile writes settings to a file.
func WriteFile(path string, comments []string, list []Value) error {
	return atomicfile.WriteBytes(path, []byte(Format(comments, list)))
}

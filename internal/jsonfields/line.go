package jsonfields

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// ReadLine reads fields of the JSON object on a line of data: into maps their names to pointers. Names match exactly, unlike
// those of structs in encoding/json. The last of repeated names counts, unknown names are ignored, and a missing field leaves
// its value unchanged.
func ReadLine(line []byte, into map[string]any) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		return InWords(err)
	}
	if raw == nil {
		return errors.New("expected an object, found null")
	}
	for _, name := range slices.Sorted(maps.Keys(into)) {
		value, ok := raw[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(value, into[name]); err != nil {
			return fmt.Errorf("%q: %w", name, InWords(err))
		}
	}
	return nil
}

// InWords rewrites the errors of encoding/json about types so that they do not name Go's types, and those about plain text.
func InWords(err error) error {
	var syntax *json.SyntaxError
	const literal = int64(len("null"))
	if errors.As(err, &syntax) && (syntax.Offset == 1 || syntax.Offset <= literal && strings.Contains(syntax.Error(), "in literal")) {
		return errors.New("expected JSON, found plain text")
	}
	var kind *json.UnmarshalTypeError
	if !errors.As(err, &kind) {
		return err
	}
	wanted := kind.Type.Kind()
	if wanted == reflect.Pointer {
		wanted = kind.Type.Elem().Kind()
	}
	switch wanted {
	case reflect.Map, reflect.Struct:
		return fmt.Errorf("expected an object, found %s", kind.Value)
	case reflect.Slice:
		return fmt.Errorf("expected a list, found %s", kind.Value)
	case reflect.String:
		return fmt.Errorf("expected a string, found %s", kind.Value)
	}
	return fmt.Errorf("expected an integer in range, found %s", kind.Value)
}

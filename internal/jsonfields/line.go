package jsonfields

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// ReadLine reads some fields of the JSON object that is a line of data: into maps their names to pointers. Names are
// exact, as everywhere in JSON but in encoding/json's structs; of a name that occurs twice the last counts; others are
// ignored, and a field that is missing leaves its value as it was.
func ReadLine(line []byte, into map[string]any) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		return InWords(err)
	}
	if raw == nil {
		return errors.New("null is not an object")
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

// InWords says what encoding/json says of a value of the wrong type without naming types of Go.
func InWords(err error) error {
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
		return fmt.Errorf("this %s is not an object", kind.Value)
	case reflect.Slice:
		return fmt.Errorf("this %s is not a list", kind.Value)
	case reflect.String:
		return fmt.Errorf("this %s is not a string", kind.Value)
	}
	return fmt.Errorf("this %s is not a whole number in range", kind.Value)
}

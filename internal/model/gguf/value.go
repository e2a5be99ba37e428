package gguf

import "fmt"

// KeyValue is an entry of the metadata. The value is a uint8, int8, uint16, int16, uint32, int32, uint64, int64, float32, float64,
// bool or string, or a slice of one of these.
type KeyValue struct {
	Key   string
	Value any
}

// Metadata lists the entries in the order of the file.
func (f *File) Metadata() []KeyValue { return f.metadata }

// Value returns a metadata value, nil if the key is absent.
func (f *File) Value(key string) any { return f.byKey[key] }

// Text returns a string of the metadata, "" if the key is absent.
func (f *File) Text(key string) (string, error) { return typed[string](f, key, "a string") }

// Texts returns an array of strings of the metadata, nil if the key is absent.
func (f *File) Texts(key string) ([]string, error) {
	return typed[[]string](f, key, "an array of strings")
}

// Bool returns a boolean of the metadata, false if the key is absent.
func (f *File) Bool(key string) (bool, error) { return typed[bool](f, key, "a boolean") }

func typed[T any](f *File, key, what string) (value T, err error) {
	found, ok := f.byKey[key]
	if !ok {
		return value, nil
	}
	if value, ok = found.(T); !ok {
		return value, damaged(f.path, "%s is not %s", key, what)
	}
	return value, nil
}

// Integer returns an integer of the metadata, which programs write in different types; ok is false if the key is absent.
func (f *File) Integer(key string) (value int64, ok bool, err error) {
	found, ok := f.byKey[key]
	if !ok {
		return 0, false, nil
	}
	list, isInteger := integers(found)
	if !isInteger || len(list) != 1 {
		return 0, true, damaged(f.path, "%s is not an integer", key)
	}
	return list[0], true, nil
}

// Integers returns an array of integers of the metadata, nil if the key is absent.
func (f *File) Integers(key string) ([]int64, error) {
	found, ok := f.byKey[key]
	if !ok {
		return nil, nil
	}
	list, ok := integers(found)
	if !ok {
		return nil, damaged(f.path, "%s is not an array of integers", key)
	}
	return list, nil
}

// Number returns a number of the metadata; ok is false if the key is absent.
func (f *File) Number(key string) (value float64, ok bool, err error) {
	found, ok := f.byKey[key]
	switch v := found.(type) {
	case nil:
		return 0, ok, nil
	case float32:
		return float64(v), true, nil
	case float64:
		return v, true, nil
	}
	if list, isInteger := integers(found); isInteger && len(list) == 1 {
		return float64(list[0]), true, nil
	}
	return 0, true, damaged(f.path, "%s is not a number", key)
}

// integers returns one integer, or an array of them.
func integers(value any) ([]int64, bool) {
	switch v := value.(type) {
	case uint8:
		return []int64{int64(v)}, true
	case int8:
		return []int64{int64(v)}, true
	case uint16:
		return []int64{int64(v)}, true
	case int16:
		return []int64{int64(v)}, true
	case uint32:
		return []int64{int64(v)}, true
	case int32:
		return []int64{int64(v)}, true
	case uint64:
		return []int64{int64(v)}, int64(v) >= 0
	case int64:
		return []int64{v}, true
	case []uint8:
		return widen(v), true
	case []int8:
		return widen(v), true
	case []uint16:
		return widen(v), true
	case []int16:
		return widen(v), true
	case []uint32:
		return widen(v), true
	case []int32:
		return widen(v), true
	case []uint64:
		return widen(v), true
	case []int64:
		return v, true
	}
	return nil, false
}

func widen[T uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64](values []T) []int64 {
	wide := make([]int64, len(values))
	for i, v := range values {
		wide[i] = int64(v)
	}
	return wide
}

// The numbers of the types of values.
const (
	kindUint8 = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

// kindOf returns the number of a value's type, or of its elements' type.
func kindOf(value any) (kind uint32, array bool, err error) {
	switch value.(type) {
	case uint8:
		return kindUint8, false, nil
	case int8:
		return kindInt8, false, nil
	case uint16:
		return kindUint16, false, nil
	case int16:
		return kindInt16, false, nil
	case uint32:
		return kindUint32, false, nil
	case int32:
		return kindInt32, false, nil
	case float32:
		return kindFloat32, false, nil
	case bool:
		return kindBool, false, nil
	case string:
		return kindString, false, nil
	case uint64:
		return kindUint64, false, nil
	case int64:
		return kindInt64, false, nil
	case float64:
		return kindFloat64, false, nil
	case []string:
		return kindString, true, nil
	case []int32:
		return kindInt32, true, nil
	case []uint32:
		return kindUint32, true, nil
	case []float32:
		return kindFloat32, true, nil
	}
	return 0, false, fmt.Errorf("a value of type %T cannot be written", value)
}

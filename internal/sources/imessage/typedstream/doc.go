// Package typedstream reads and writes NSArchiver's "streamtyped" archives: the format of message.attributedBody.
//
// In: the bytes of an archive whose root is an attributed string or a plain string. Out: a [Body], its
// text and the runs of attributes over it; [Encode] goes the other way. The package knows the whole grammar and the
// classes that Apple's messages use; it must not know what an attribute means to a message, nor databases.
//
// # The format
//
// A stream of values, each group of them announced by its types in Objective-C's type encoding. Everything that repeats
// is written once and then referred to by number: type encodings and class names share one numbering (the strings),
// objects, classes and C strings another (the objects).
//
//	file    := 04 0B "streamtyped" int(1000) typed
//	int     := one signed byte in [-110..127] | 81 i16 | 82 i32 | 87 i64     little-endian
//	float   := 83 + 4 or 8 bytes | int
//	ref n   := int(n-110)
//	raw     := int(length) bytes
//	shared  := 85 nil | 84 raw | ref into the strings
//	typed   := shared(types), then one value for each type
//	object  := 85 nil | 84 class typed* 86 | ref into the objects
//	class   := 85 nil | 84 shared(name) int(version) class(super) | ref into the objects
//
// An object takes its number before its class chain.
package typedstream

// Package typedstream reads and writes the "streamtyped" archives of NSArchiver, the format of message.attributedBody.
//
// In: the bytes of an archive whose root is an attributed string or a plain string. Out: a [Body] with its text and the
// runs of attributes over it; [Encode] does the reverse. The package knows the whole grammar and the classes that Apple's
// messages use. It must not know databases or what an attribute means in a message.
//
// # The format
//
// An archive is a stream of values. Each group of values follows its types in Objective-C's type encoding. Anything that
// repeats is written once and then referenced by number: type encodings and class names share one numbering (the
// strings), and objects, classes and C strings share another (the objects).
//
//	file    := 04 0B "streamtyped" int(1000) typed
//	int     := one signed byte in [-110..127] | 81 i16 | 82 i32 | 87 i64     little-endian
//	float   := 83 + 4 or 8 bytes | int
//	ref n   := int(n-110)
//	raw     := int(length) bytes
//	shared  := 85 nil | 84 raw | ref into the strings
//	typed   := shared(types), then one value per type
//	object  := 85 nil | 84 class typed* 86 | ref into the objects
//	class   := 85 nil | 84 shared(name) int(version) class(super) | ref into the objects
//
// An object gets its number before its class chain.
package typedstream

package typedstream

// Decode decodes one archive.
func Decode(data []byte) (*Body, error) { return new(Decoder).Decode(data) }
